#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A wire between two interfaces of its namespace on which frames take another shape, as a path elsewhere may have it:

    wire.py FROM TO SHAPE

Every TCP segment of IPv4 and IPv6 that FROM receives leaves TO in that shape; all else, and all in the other direction,
goes through as it is. Ends must not leave checksums or segmentation to their interfaces.
"""

import itertools
import select
import socket
import struct
import sys

from frames import folded, word_sum

ETHERNET = 14
FRAGMENT = 200  # bytes of payload, a multiple of eight
IGNORE_OUTGOING = 23  # linux/if_packet.h; Python does not name it
IPV4, IPV6 = 0x0800, 0x86DD
TCP, DESTINATION_OPTIONS, FRAGMENT_HEADER = 6, 60, 44
numbers = itertools.count(1)


def ipv4(header, payload, fragment=0, options=b"", number=None):
    """The packet with lengths and checksum as they have to be. `fragment`: offset in units of eight and flags."""
    number = struct.unpack("!H", header[4:6])[0] if number is None else number
    words = 5 + len(options) // 4
    start = struct.pack("!BBHHHBBH4s4s", 0x40 | words, header[1], words * 4 + len(payload), number, fragment, header[8],
                        header[9], 0, header[12:16], header[16:20]) + options
    return start[:10] + struct.pack("!H", folded(word_sum(start))) + start[12:] + payload


def ipv6(header, payload, first):
    return header[:4] + struct.pack("!HB", len(payload), first) + header[7:40] + payload


def split(header, payload, version):
    """The packet in fragments; of every other packet, the last one comes first."""
    number = next(numbers)
    parts = []
    for offset in range(0, len(payload), FRAGMENT):
        part = payload[offset:offset + FRAGMENT]
        more = offset + FRAGMENT < len(payload)
        if version == 4:
            parts.append(ipv4(header, part, offset // 8 | more << 13, number=number & 0xFFFF))
        else:
            head = struct.pack("!BBHI", TCP, 0, offset | more, number)
            parts.append(ipv6(header, head + part, FRAGMENT_HEADER))
    return parts[::-1] if number % 2 else parts


def with_options(header, payload, version):
    if version == 4:
        return ipv4(header, payload, options=b"\1\1\1\0")
    return ipv6(header, struct.pack("!BBBB4x", TCP, 0, 1, 4) + payload, DESTINATION_OPTIONS)


def shape_tagged(frame, *_):
    """A priority tag (VLAN 0): kernels without 802.1Q take it, too."""
    return [frame[:12] + b"\x81\0\0\0" + frame[12:]]


def shape_twice_tagged(frame, *_):
    return [frame[:12] + b"\x88\xa8\0\0\x81\0\0\0" + frame[12:]]


def shape_padded(frame, *_):
    """Bytes after the packet, which belong to nobody."""
    return [frame + b"250 bogus\r\n"]


def shape_options(frame, *packet):
    return [frame[:ETHERNET] + with_options(*packet)]


def shape_fragments(frame, *packet):
    return [frame[:ETHERNET] + part for part in split(*packet)] if len(packet[1]) > FRAGMENT else [frame]


SHAPES = {"tagged": shape_tagged, "twice-tagged": shape_twice_tagged, "padded": shape_padded, "options": shape_options,
          "fragments": shape_fragments}


def reshape(frame, shape):
    """What becomes of a frame."""
    kind = struct.unpack("!H", frame[12:14])[0]
    packet = frame[ETHERNET:]
    if kind == IPV4 and packet[0] == 0x45 and packet[9] == TCP:
        length = struct.unpack("!H", packet[2:4])[0]
        return shape(frame, packet[:20], packet[20:length], 4)
    if kind == IPV6 and packet[6] == TCP:
        length = struct.unpack("!H", packet[4:6])[0]
        return shape(frame, packet[:40], packet[40:40 + length], 6)
    return [frame]


def open_interface(name):
    all_protocols = 3
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(all_protocols))
    s.setsockopt(263, IGNORE_OUTGOING, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    s.bind((name, all_protocols))
    return s


def main():
    one, other, shape = open_interface(sys.argv[1]), open_interface(sys.argv[2]), SHAPES[sys.argv[3]]
    print("ready", flush=True)
    while True:
        for source in select.select([one, other], [], [])[0]:
            frame = source.recv(65536)
            if source is one:
                for part in reshape(frame, shape):
                    other.send(part)
            else:
                one.send(frame)


if __name__ == "__main__":
    main()
