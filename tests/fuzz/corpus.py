#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the seeds of the fuzz targets: usage: corpus.py DIR. One folder a target, a handful of small files in each.

How a target reads its input stands in its source; conversations are coded as script.h says.
"""
import os
import socket
import struct
import sys

ORIG, RESP, GAP, END, PAUSE = (bytes([b]) for b in range(0x80, 0x85))


def talk(*lines):
    """A conversation: `C: ` and `S: ` lines, each with CRLF; other lines are said as they stand."""
    out = b""
    for line in lines:
        if isinstance(line, bytes):
            out += line
        else:
            out += (ORIG if line[0] == "C" else RESP) + line[3:].encode() + b"\r\n"
    return out


MESSAGE = ("C: Received: from a ([192.0.2.7]) by b", "C: From: A <a@x.example>", 'C: To: "B, b" <b@y.example>, c@y.example',
           "C: Subject: one", "C:  two", "C: Content-Type: multipart/mixed; boundary=b", "C: ", "C: --b", "C: Content-Type: text/plain",
           "C: ", "C: ..text", "C: --b--")
START = ("S: 220 ready", "C: EHLO c", "S: 250-s", "S: 250 PIPELINING")
ENVELOPE = ("C: MAIL FROM:<a@x.example>", "S: 250 ok", "C: RCPT TO:<b@y.example>", "S: 250 ok")
DATA = ("C: DATA", "S: 354 go", *MESSAGE, "C: .", "S: 250 taken")
CONVERSATIONS = [
    talk(*START, *ENVELOPE, *DATA, "C: QUIT", "S: 221 bye"),
    talk(*START, "C: MAIL FROM:<a@x.example>", "C: RCPT TO:<b@y.example>", "C: DATA", "S: 250 ok", "S: 250 ok", "S: 354 go",
         *MESSAGE, "C: .", "C: MAIL FROM:<c@x.example>", "S: 250 taken", "S: 250 ok", "C: RSET", "S: 250 ok"),
    talk(*START, *ENVELOPE, ORIG + b"BDAT 14\r\nSubject: x\r\n\r\n", "S: 250 14", ORIG + b"BDAT 3 LAST\r\na\r\n", "S: 250 taken"),
    talk(*START, "C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: hunter2hunter2", "S: 334 UGFzc3dvcmQ6", "C: hunter2hunter2",
         "S: 235 in", *ENVELOPE, *DATA),
    talk(*START, "C: STARTTLS", "S: 220 go", ORIG + b"\x16\x03\x01"),
    talk(*START, "C: TURN", "S: 250 ok", "C: 220 ready", "S: MAIL FROM:<z@y.example>", "C: 250 ok", "S: QUIT"),
    talk(*START, *ENVELOPE, "C: DATA", "S: 354 go", ORIG + b"a\n.\nMAIL FROM:<e@x.example>\r.\rb\r\r\n.\r\r\n\x00.\r\n.\r\n", "S: 250 ok"),
    talk(*START, *ENVELOPE, "C: DATA", "S: 354 go", *MESSAGE[:4], ORIG + GAP + b"\x30" + b"rest\r\n.\r\n", "S: 250 taken", *ENVELOPE,
         RESP + GAP + b"\x10", *DATA, END),
]

ADDRESS_LISTS = [b"FROM:<a@x.example> SIZE=9", b'"A, a" <a@x.example>, b@y.example, (c) d@z', b"TO:<ORCPT=rfc822;a@b>",
                 b"from [192.0.2.1] (2001:db8::1) by ::ffff:10.0.0.1 1.2.3.256 ::1"]

USER_AGENTS = [b"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Thunderbird/91.4.0", b"Apple Mail (2.3445.104.11)",
               b"Microsoft Office Outlook, Build 11.0.5510", b"Opera/9.80 (Opera Mini/5.0/18) Version/10.00", b"A/9/Google/Pixel",
               b"Mozilla/4.0 (compatible; MSIE 7.0b; Windows)", b"%C3%9Cber\\x41%u0042/1.2 (beta)", b"SquirrelMail/1.4.23 [SVN]"]


def notices():
    """Seeds of the target: the sizes of its tables, then events."""
    text = b"Client host [10.0.0.1] blocked using zen.spamhaus.org"
    told = bytes([0, 1, 9]) + struct.pack("!HB", 554, len(text)) + text
    for sizes in (5 << 1, 5 << 1 | 1):
        yield bytes([sizes]) + told + told + bytes([3, 1, 9]) + b"\n.\n"
        yield bytes([sizes]) + bytes([50, 1, 9, 51, 3, 9, 50, 4, 9, 6, 200, 8, 50, 1, 10, 254, 200, 8, 50, 1, 10])
        yield bytes([sizes]) + b"".join(bytes([1, host, 8]) for host in range(1, 200, 2))
        for agent in USER_AGENTS:
            yield bytes([sizes, 4, 1, 9]) + b"by via HTTPS" + bytes([len(agent)]) + agent + bytes([2, 3, 5, 1])


def decoders():
    """(target, seed) of the decoders in bodies and header fields."""
    for text in (b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=", b"QQ==QUJD", b"Q U\xff=JD", b"QUJDR"):
        yield "base64", b"\0\1" + text
    for line in (b"a=3Db=", b"=C3=BC trailing \t", b"=ZZ=4=", b"plain"):
        yield "quoted_printable", line
    for value in (b"=?utf-8?q?=C3=BC?= =?utf-8?b?w7w=?= x", b"=?iso-2022-jp?B?GyRCJDMbKEI=?=", b"=?gb18030?q?=81=30?=", b"=?x?q?"):
        yield "words", b"\0" + value
    for value in (b"attachment; filename*0*=utf-8''%C3; filename*1*=%BC; filename*2=.txt", b'inline; filename="=?utf-8?q?=C3?="',
                  b"a; filename*=iso-8859-1'de'%FC; filename=b c"):
        yield "words", b"\1" + value


def vector(data, size):
    return len(data).to_bytes(size, "big") + data


def handshakes():
    """Seeds of the target: turns with their length, its highest bit for the server, before them."""
    def record(kind, body):
        return bytes([kind]) + b"\3\3" + vector(body, 2)

    def extension(kind, body):
        return struct.pack("!H", kind) + vector(body, 2)

    name = extension(0, vector(b"\0" + vector(b"mx.example", 2), 2))
    client = b"\1" + vector(b"\3\3" + bytes(32) + vector(bytes(range(32)), 1) + vector(b"\xc0\x2f\x13\1", 2) + b"\1\0"
                            + vector(name + extension(35, b"t") + extension(41, b"p"), 2), 3)
    for version, cipher, more in ((b"\3\3", b"\xc0\x2f", extension(16, vector(vector(b"smtp", 1), 2))),
                                  (b"\3\3", b"\x13\1", extension(43, b"\3\4") + extension(51, b"\0\x1d" + vector(bytes(32), 2)))):
        server = b"\2" + vector(version + bytes(32) + vector(bytes(range(32)), 1) + cipher + b"\0" + vector(more, 2), 3)
        params = b"\x0c" + vector(b"\3\0\x1d" + vector(bytes(32), 1), 3)
        ccs, end = record(20, b"\1"), record(23, b"encrypted")
        turns = ((0, record(22, client)), (1, record(22, server[:20]) + record(22, server[20:] + params) + ccs + end),
                 (0, record(22, b"\x10" + vector(b"key", 3)) + ccs + end), (1, record(21, b"\2\x28")))
        yield b"\0\7" + b"".join(struct.pack("!H", len(t) | side << 15) + t for side, t in turns)


def fragments():
    """Seeds of the target: the limit, then three bytes and more a fragment, as its read() takes them."""
    def one(begin, units, more, v6=0, number=0, odd=None):
        return bytes([v6 | number << 2 | more << 4 | 0x20, begin, units | (0x30 if odd is not None else 0)]
                     + ([odd] if odd is not None else []))

    for v6 in (0, 1):
        in_order = one(0, 3, 1, v6) + one(3, 3, 1, v6) + one(6, 4, 0, v6, 0, 0x18)
        other = one(0, 4, 1, v6, 1) + one(2, 4, 1, v6, 1) + one(4, 2, 1, v6, 1) + one(0, 3, 1, v6, 1)
        yield b"\x40" + in_order + other + one(3, 3, 0, v6, 1) + in_order
        yield b"\1" + one(6, 4, 0, v6) + one(3, 3, 1, v6) + one(3, 3, 1, v6) + one(0, 3, 1, v6)
        yield b"\1" + one(0, 3, 1, v6) + one(3, 3, 1, v6, 0, 0x80) + one(6, 3, 0, v6, 0, 0x81) + one(6, 3, 0, v6, 0, 0x40)
        yield b"\xff" + one(0, 3, 1, v6) + b"".join(one(0, 3, 1, v6, n % 3) for n in range(70)) + one(3, 3, 0, v6)


def dumps():
    """Seeds of the target: answers of the kernel, in datagrams with their length before them."""
    def padded(data):
        return data + bytes(-len(data) % 4)

    def attribute(kind, value):
        return padded(struct.pack("=HH", 4 + len(value), kind) + value)

    def message(kind, body, flags=2):
        return padded(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 1) + body)

    def link(index, name, kind):
        """RTM_NEWLINK with IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_LINKINFO, IFLA_XDP and IFLA_LINK_NETNSID."""
        return message(16, struct.pack("=BxHiII", 0, 1, index, 1, 0) + attribute(3, name + b"\0") + attribute(4, struct.pack("=I", 1500))
                       + attribute(5, struct.pack("=I", 2)) + attribute(18, attribute(1, kind)) + attribute(43, attribute(2, b"\1"))
                       + attribute(37, struct.pack("=i", 0)))

    done = message(3, bytes(4))
    links = link(1, b"lo", b"") + link(2, b"eth0.7", b"vlan")
    for datagrams in ((links, done), (links + done,), (links, link(3, b"v0", b"veth"), done), (message(2, struct.pack("=i", -1)),),
                      (message(16, bytes(16), 0x12) + done,), (message(44, bytes(20) + attribute(2, attribute(7, b"name\0"))), done)):
        yield b"".join(vector(d, 2) for d in datagrams)


def ethernet_tcp(payload):
    tcp = struct.pack("!HHIIBBHHH", 40000, 25, 1, 1, 0x50, 0x18, 65535, 0, 0) + payload
    ip4 = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0, bytes(4), socket.inet_aton("192.0.2.1"))
    ip6 = struct.pack("!IHBB", 6 << 28, 8 + len(tcp), 0, 64) + bytes(32) + bytes([6, 0]) + bytes(6)
    return {"v4": bytes(12) + b"\x08\x00" + ip4 + tcp, "vlan": bytes(12) + b"\x81\x00\x00\x07\x08\x00" + ip4 + tcp,
            "v6": bytes(12) + b"\x86\xdd" + ip6 + tcp, "sll": bytes(14) + b"\x08\x00" + ip4 + tcp, "raw": ip4 + tcp,
            "sll2": b"\x86\xdd" + bytes(18) + ip6 + tcp, "null": bytes(4) + ip4 + tcp}


def seeds():
    """(target, seed) of every seed."""
    links = {"v4": 0, "vlan": 0, "v6": 0, "raw": 1, "null": 2, "sll": 3, "sll2": 4}
    for name, packet in ethernet_tcp(b"MAIL FROM:<a@b>\r\n").items():
        yield "decode", bytes([links[name], 0, 0, 50]) + packet
    yield from decoders()
    for seed in handshakes():
        yield "tls", seed
    for seed in fragments():
        yield "fragments", seed
    for seed in dumps():
        yield "netlink", seed
    headers = ethernet_tcp(b"")["raw"]
    yield "decode", bytes([1, 4, 0, 0, 0, 0, 1, 0, len(headers)]) + headers + b"later piece"
    for c in CONVERSATIONS:
        yield "smtp", bytes(3) + c
        yield "engine", bytes([0, 7, 7, 7, 7]) + c
        yield "engine", bytes([3, 1, 2, 3, 4]) + c
    message = "\n".join(line[3:] for line in MESSAGE).encode()
    yield "mime", bytes([4, 200, 0, 5]) + message
    yield "mime", bytes([1, 3, 7, 0]) + message.replace(b"text/plain", b"message/rfc822\n\n" + message)
    for a in ADDRESS_LISTS:
        yield "text", a
    for n in notices():
        yield "notices", n
    for mode in range(4):
        yield "stream", bytes([mode]) + bytes(range(7, 7 + 120))
        yield "table", bytes([mode]) + bytes(range(3, 255, 2))
    rules = (b"log:\n  policy:\n    - { when: { mailfrom: ['*@x', a], reply_code: { ge: 500 } }, hide: { subject: sha256 } }\n"
             b"    - { when: { subject: { regex: '(a|b)*c$' }, id.orig_h: 10.0.0.0/8, duration: { lt: 30s } }, action: drop }\n"
             b"    - { stream: files, hide: { filename: omit } }\n")
    fields = b"\xff\xff\0\0\0\1\3a@x\1\3b@y\5ababc\x0c550 no \"a\"@x\1c\x0cb@y: 550 b@y\0\0\2\x26\0\0\0\1\4name<z@x>: no"
    yield "policy", rules + b"\0" + fields
    yield "policy", b"log: { policy: [{ when: { rcptto: { glob: '*a*b*' }, helo: { present: false } }, action: keep }] }\0" + fields
    for preset in b"no-content", b"pseudonymous":
        yield "policy", b"log: { privacy: " + preset + b", policy: [{ hide: { last_reply: addresses } }] }\0" + fields
    yield "log", bytes([255, 255]) + b"\x05plain\x04\xc3\xbc\t\xff\x03a,b\x01-\x07(empty)\x06\xe2\x80\xa8\\x0a\x02\n\r"
    yield "config", b"capture:\n  ports: [25, 587]\n  ring_size: 16MiB\nanalyzer: { local_nets: [10.0.0.0/8] }\n"
    yield "config", (b"log:\n  sinks:\n    - { type: file, format: tsv, directory: /tmp, rotate: { size: 1MiB, age: 1d, "
                     b"keep: 3, compress: true } }\nlimits: { flows: 100, gap_timeout: 500ms }\n")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    number = {}
    for target, seed in seeds():
        number[target] = number.get(target, 0) + 1
        folder = os.path.join(sys.argv[1], target)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"{number[target]:02}"), "wb") as f:
            f.write(seed)


main()
