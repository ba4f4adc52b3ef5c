# SPDX-License-Identifier: BSD-3-Clause
"""TCP packets that no stack has sent, as many of them as one likes: frames written into a namespace's interface."""

import ctypes
import errno
import os
import socket
import struct
import time

from testbed import IFACE

SYN, ACK, PUSH = 2, 16, 8
CLONE_NEWNET = 0x40000000
HEADERS = 14 + 20 + 20
libc = ctypes.CDLL(None, use_errno=True)


def enter(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def packet_socket(ns, iface=IFACE):
    """A socket stays in the namespace in which it was made."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/var/run/netns/{ns}", os.O_RDONLY)
    try:
        enter(there)
        try:
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            made.bind((iface, 0))
            return made
        finally:
            enter(here)
    finally:
        os.close(there)
        os.close(here)


def word_sum(data):
    data += b"\0" * (len(data) % 2)
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


def folded(total):
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


class Sender:
    """Sends one kind of packet between any two ends, given as (address, port), the address a number."""

    def __init__(self, ns, macs, flags, seq=0, ack=0, payload=b""):
        """`macs`: source and destination."""
        self.socket = packet_socket(ns)
        source, destination = (bytes.fromhex(mac.replace(":", "")) for mac in macs)
        length = HEADERS - 14 + len(payload)
        ip = struct.pack("!BBHHHBBHII", 0x45, 0, length, 0, 0x4000, 64, socket.IPPROTO_TCP, 0, 0, 0)
        tcp = struct.pack("!HHIIBBHHH", 0, 0, seq, ack, 0x50, flags, 65535, 0, 0)
        self.frame = bytearray(destination + source + b"\x08\x00" + ip + tcp + payload)
        self.ip_sum = word_sum(ip)
        self.tcp_sum = word_sum(tcp) + word_sum(payload) + socket.IPPROTO_TCP + length - 20

    def send(self, source, destination):
        (src, sport), (dst, dport) = source, destination
        addresses = (src >> 16) + (src & 0xFFFF) + (dst >> 16) + (dst & 0xFFFF)
        frame = self.frame
        struct.pack_into("!HII", frame, 24, folded(self.ip_sum + addresses), src, dst)
        struct.pack_into("!HH", frame, 34, sport, dport)
        struct.pack_into("!H", frame, 50, folded(self.tcp_sum + addresses + sport + dport))
        while not self.sent(frame):
            time.sleep(0.001)

    def sent(self, frame):
        """No, if the other end of the veth has not fetched what lies there: a queue of 256 packets, on a busy machine."""
        try:
            self.socket.send(frame)
        except OSError as e:
            if e.errno != errno.ENOBUFS:
                raise
            return False
        return True

    def close(self):
        self.socket.close()
