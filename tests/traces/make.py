# SPDX-License-Identifier: BSD-3-Clause
"""Captures of TCP conversations, made of what each end says: numbers and checksums are right unless told otherwise.

    capture = Capture(link="ethernet")
    talk = Connection(capture, "192.0.2.1", 40000, "192.0.2.2", 25)
    talk.open()
    talk.send(SERVER, b"220 ready\\r\\n")
    talk.send(CLIENT, b"QUIT\\r\\n", lost=True)
    talk.close()
    capture.write("file.pcap")
"""
import ipaddress
import struct

CLIENT, SERVER = 0, 1
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
LINK_TYPES = {"null": 0, "ethernet": 1, "raw": 101, "sll": 113, "sll2": 276}
NANOSECOND = 1
MILLISECOND = 1_000_000
SECOND = 1_000_000_000


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp_segment(source, target, sport, dport, seq, ack, flags, payload, spoil=0):
    """A TCP segment between two packed addresses; `spoil` is mixed into its checksum."""
    segment = struct.pack("!HHIIBBHHH", sport, dport, seq % 2**32, ack % 2**32, 5 << 4, flags, 65535, 0, 0) + payload
    if len(source) == 4:
        pseudo = source + target + struct.pack("!BBH", 0, 6, len(segment))
    else:
        pseudo = source + target + struct.pack("!IHBB", len(segment), 0, 0, 6)
    return segment[:16] + struct.pack("!H", checksum(pseudo + segment) ^ spoil) + segment[18:]


def ip_packet(source, target, segment, extensions=b""):
    """`extensions`: IPv6 extension headers, the first of them a hop-by-hop header, the last followed by TCP."""
    if len(source) == 16:
        following = 0 if extensions else 6
        length = len(extensions) + len(segment)
        return struct.pack("!IHBB", 6 << 28, length, following, 64) + source + target + extensions + segment
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, 6, 0, source, target)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + segment


def fragments(packet, size, number):
    """The fragments of an IP packet with `size` octets each, a multiple of 8; the packet itself if it needs none."""
    if packet[0] >> 4 == 4:
        headers, data = packet[:20], packet[20:]
    else:
        end = 40 if packet[6] else 40 + (packet[41] + 1) * 8  # a hop-by-hop header stands in all of them
        headers, data = packet[:end], packet[end:]
    if len(data) <= size:
        return [packet]
    out = []
    for begin in range(0, len(data), size):
        part, more = data[begin:begin + size], begin + size < len(data)
        if packet[0] >> 4 == 4:
            header = (headers[:2] + struct.pack("!HHH", 20 + len(part), number, begin // 8 | more << 13) + headers[8:10]
                      + bytes(2) + headers[12:])
            out.append(header[:10] + struct.pack("!H", checksum(header)) + header[12:] + part)
            continue
        at = 6 if len(headers) == 40 else 40
        header = headers[:4] + struct.pack("!H", len(headers) - 40 + 8 + len(part)) + headers[6:]
        header = header[:at] + b"\x2c" + header[at + 1:]
        out.append(header + struct.pack("!BBHI", headers[at], 0, begin | more, number) + part)
    return out


class Capture:
    """Packets in the order of their capture, and the file that holds them."""

    def __init__(self, link="ethernet", vlans=(), start=1_700_000_000 * SECOND):
        self.link = link
        self.vlans = vlans
        self.now = start
        self.packets = []  # (time, frame, length on the wire)
        self.late = []  # [packets to come first, ip packet]
        self.fragment = 0  # octets in a fragment; 0: packets stay whole
        self.backwards = False  # the last fragment of a packet comes first
        self.fragmented = 0

    def frame(self, packet):
        """The packet behind the headers of its link."""
        ethertype = struct.pack("!H", 0x0800 if packet[0] >> 4 == 4 else 0x86DD)
        tags = b"".join(struct.pack("!HH", 0x8100 if i else 0x88A8 if len(self.vlans) > 1 else 0x8100, tag)
                        for i, tag in enumerate(self.vlans))
        if self.link == "ethernet":
            return bytes(12) + tags + ethertype + packet
        if self.link == "sll":
            return struct.pack("!HHH8s", 0, 1, 6, bytes(8)) + ethertype + packet
        if self.link == "sll2":
            return ethertype + struct.pack("!HIHBB8s", 0, 1, 1, 0, 6, bytes(8)) + packet
        if self.link == "null":
            return struct.pack("<I", 2 if packet[0] >> 4 == 4 else 10) + packet
        return packet

    def add(self, packet, after=0, snap=None):
        """Captures an IP packet, or first `after` more of them; no more than `snap` bytes of the frame."""
        if after:
            self.late.append([after, packet, snap])
            return
        self.fragmented += 1
        pieces = fragments(packet, self.fragment, self.fragmented) if self.fragment else [packet]
        for piece in reversed(pieces) if self.backwards else pieces:
            self.now += MILLISECOND
            frame = self.frame(piece)
            self.packets.append((self.now, frame[:snap], len(frame)))
        due = [entry for entry in self.late if entry[0] <= 1]
        self.late = [[n - 1, p, s] for n, p, s in self.late if n > 1]
        for _, p, s in due:
            self.add(p, snap=s)

    def shuffle(self, random, reach, first=0):
        """Lets packets from number `first` on change places, by less than `reach`; the times stay in order."""
        times = [t for t, _, _ in self.packets]
        order = sorted(range(len(self.packets)), key=lambda i: i if i < first else i + random.random() * reach)
        self.packets = [(t, *self.packets[i][1:]) for t, i in zip(times, order)]

    def write(self, path, form="pcap", cut=0):
        """`form`: pcap, nanosecond, big-endian or pcapng; the last `cut` bytes of the file are left out."""
        for _, packet, snap in self.late:
            self.add(packet, snap=snap)
        data = self.pcapng() if form == "pcapng" else self.pcap(form)
        with open(path, "wb") as f:
            f.write(data[:len(data) - cut])

    def pcap(self, form):
        order = ">" if form == "big-endian" else "<"
        unit = NANOSECOND if form == "nanosecond" else 1000
        magic = 0xA1B23C4D if form == "nanosecond" else 0xA1B2C3D4
        out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, LINK_TYPES[self.link])]
        for time, frame, length in self.packets:
            out.append(struct.pack(order + "IIII", time // SECOND, time % SECOND // unit, len(frame), length) + frame)
        return b"".join(out)

    def pcapng(self):
        def block(kind, body):
            body += bytes(-len(body) % 4)
            return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

        nanoseconds = struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)  # if_tsresol
        out = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
               block(1, struct.pack("<HHI", LINK_TYPES[self.link], 0, 262144) + nanoseconds)]
        for time, frame, length in self.packets:
            stamp = struct.pack("<IIIII", 0, time >> 32, time % 2**32, len(frame), length)
            out.append(block(6, stamp + frame))
        return b"".join(out)


class Connection:
    """Two ends. What an end sends acknowledges all that the other had sent before, lost by the capture or not."""

    def __init__(self, capture, client, client_port, server, server_port, isn=(1000, 5000)):
        self.capture = capture
        self.host = [ipaddress.ip_address(client).packed, ipaddress.ip_address(server).packed]
        self.port = [client_port, server_port]
        self.seq = list(isn)
        self.extensions = b""

    def open(self):
        self.emit(CLIENT, SYN)
        self.emit(SERVER, SYN | ACK)
        self.emit(CLIENT, ACK)

    def close(self):
        self.emit(CLIENT, FIN | ACK)
        self.emit(SERVER, FIN | ACK)
        self.emit(CLIENT, ACK)

    def reset(self, side):
        self.emit(side, RST | ACK)

    def send(self, side, data, segment=1460, **how):
        """Sends bytes in segments; `how` as for emit()."""
        for i in range(0, len(data), segment):
            self.emit(side, PSH | ACK, data[i:i + segment], **how)

    def emit(self, side, flags, payload=b"", lost=False, twice=False, after=0, spoil=0, snap=None):
        """One segment. Of the capture: `lost`: it has it not; `twice`: two times; `after`: so many packets later;
        `snap`: only so many bytes of the frame. `spoil`: with a wrong checksum."""
        other = 1 - side
        ack = self.seq[other] if flags & ACK else 0
        segment = tcp_segment(self.host[side], self.host[other], self.port[side], self.port[other], self.seq[side], ack,
                              flags, payload, spoil)
        self.seq[side] += len(payload) + (1 if flags & (SYN | FIN) else 0)
        packet = ip_packet(self.host[side], self.host[other], segment, self.extensions)
        for _ in range(0 if lost else 2 if twice else 1):
            self.capture.add(packet, after, snap)
