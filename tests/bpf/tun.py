#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes tun0, an interface without a link layer, and on SIGUSR1 lets a SYN to port 25 of each IP version come in by it.
The kernel answers with RST (nobody listens), so both directions carry mail packets."""
import fcntl
import os
import signal
import struct
import subprocess

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp(pseudo):
    head = struct.pack("!HHIIBBHHH", 40000, 25, 1, 0, 5 << 4, 2, 512, 0, 0)
    return head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]


def ipv4():
    source, destination = bytes([198, 51, 100, 2]), bytes([198, 51, 100, 1])
    segment = tcp(source + destination + struct.pack("!BBH", 0, 6, 20))
    head = struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0, 64, 6, 0) + source + destination
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + segment


def ipv6():
    prefix = bytes.fromhex("20010db8000000010000000000000000")[:15]
    source, destination = prefix + b"\2", prefix + b"\1"
    return struct.pack("!IHBB", 6 << 28, 20, 6, 64) + source + destination + tcp(
        source + destination + struct.pack("!IHBB", 20, 0, 0, 6))


tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
for command in ("ip addr add 198.51.100.1/24 dev tun0", "ip addr add 2001:db8:0:1::1/64 dev tun0 nodad",
                "ip link set tun0 up"):
    subprocess.run(command.split(), check=True)


def send(*_):
    for packet in (ipv4(), ipv6()):
        os.write(tun, packet)
    print("sent", flush=True)


signal.signal(signal.SIGUSR1, send)
print("ready", flush=True)
while True:
    signal.pause()
