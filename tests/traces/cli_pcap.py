#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes a capture of one small mail, for tests of the command line.

usage: cli_pcap.py [--bad-checksums] FILE
"""
import struct
import sys

CLIENT, SERVER = (bytes([192, 0, 2, 1]), 40000), (bytes([192, 0, 2, 2]), 25)
FIN, SYN, PSH, ACK = 1, 2, 8, 16

DIALOGUE = [
    (SERVER, b"220 mx.example ESMTP\r\n"),
    (CLIENT, b"EHLO client.example\r\n"),
    (SERVER, b"250 mx.example\r\n"),
    (CLIENT, b"MAIL FROM:<a@example.org>\r\n"),
    (SERVER, b"250 ok\r\n"),
    (CLIENT, b"RCPT TO:<b@example.org>\r\n"),
    (SERVER, b"250 ok\r\n"),
    (CLIENT, b"DATA\r\n"),
    (SERVER, b"354 go on\r\n"),
    (CLIENT, b"From: a@example.org\r\nSubject: a test\r\n\r\ntext\r\n.\r\n"),
    (SERVER, b"250 queued as 1\r\n"),
    (CLIENT, b"QUIT\r\n"),
    (SERVER, b"221 bye\r\n"),
]


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Capture:
    def __init__(self, path, bad_checksums):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        self.spoil = 1 if bad_checksums else 0
        self.time = 1_700_000_000_000_000
        self.seq = {CLIENT: 1000, SERVER: 5000}

    def packet(self, sender, flags, payload=b""):
        receiver = SERVER if sender == CLIENT else CLIENT
        tcp = struct.pack("!HHIIBBHHH", sender[1], receiver[1], self.seq[sender], self.seq[receiver] if flags & ACK else 0,
                          5 << 4, flags, 65535, 0, 0) + payload
        pseudo = sender[0] + receiver[0] + struct.pack("!BBH", 0, 6, len(tcp))
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp) ^ self.spoil) + tcp[18:]
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, sender[0], receiver[0])
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        frame = bytes(12) + b"\x08\x00" + ip + tcp
        self.time += 1000
        self.file.write(struct.pack("<IIII", self.time // 1_000_000, self.time % 1_000_000, len(frame), len(frame)) + frame)
        self.seq[sender] += len(payload) + (1 if flags & (SYN | FIN) else 0)


def main():
    arguments = sys.argv[1:]
    bad_checksums = "--bad-checksums" in arguments
    if bad_checksums:
        arguments.remove("--bad-checksums")
    if len(arguments) != 1:
        sys.exit(__doc__)
    c = Capture(arguments[0], bad_checksums)
    c.packet(CLIENT, SYN)
    c.packet(SERVER, SYN | ACK)
    c.packet(CLIENT, ACK)
    for sender, payload in DIALOGUE:
        c.packet(sender, PSH | ACK, payload)
    c.packet(SERVER, FIN | ACK)
    c.packet(CLIENT, FIN | ACK)
    c.packet(SERVER, ACK)


main()
