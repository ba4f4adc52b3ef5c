# SPDX-License-Identifier: BSD-3-Clause
"""The language of the *.trace files: a conversation, and the records that it has to give.

A file is a row of cases. A line that begins with `#` is a comment. A case is:

    case NAME
    SETTING: VALUE            how it is captured and read, see below
                              (an empty line)
    S: 220 ready              what the server says; CRLF is added
    C: EHLO c                 and the client. Lines of one side that follow each other travel in one packet, until an
    C: NOOP                   empty line ends it.
    C> a\\n.\\r\\n\\x00           bytes as they are, with Python's escapes
    lost C: MAIL FROM:<a@b>   words before the side: not captured; also `twice`, `late N` (N packets later),
                              `spoiled` (wrong checksum), `snapped N` (only N bytes of the frame are captured)
    open, close               handshake and end of the connection; the first open is implied
    reset C                   ends it at once
    with NAME                 what follows belongs to the connection NAME, which has a client port of its own
    silent                    as open, but the capture lacks it; in place of the implied one
    pause SECONDS
    segment N                 packets carry N bytes from now on
    repeat N ... end          the lines between, N times; {n} is the number
    smtp {"helo": "c", ...}   expected records, as JSON; `weird {...}`, `files {...}`, `ssl {...}`, ... likewise

A record has to have the expected fields and no others, except those in ALWAYS and the defaults of the file
(`default smtp {...}`, before the first case). null: not set, though it is a default or in ALWAYS. Streams but smtp and
weird are compared in cases that expect something of them or have the setting `streams`.

Settings: args (of `read`), link, form (of the file), cut (bytes at its end), vlan, ends (`4`, `6`, or `6+` with an
extension header), fragment (octets in an IP fragment; `24 backwards`: the last of a packet comes first), port (the
server's), close (`no`: the capture ends first), shuffle (seed: packets change places), status, stderr (a regular
expression), known (the case fails so far, and why: it is skipped until it passes).
"""
import json
import random
import re

from make import CLIENT, SERVER, SECOND, Capture, Connection

HOSTS = {"4": ("192.0.2.1", "192.0.2.2"), "6": ("2001:db8::1", "2001:db8::2")}
HOP_BY_HOP = bytes([6, 0, 1, 4, 0, 0, 0, 0])  # padding
SPOKEN = re.compile(r"((?:lost |twice |spoiled |late \d+ |snapped \d+ )*)([CS])([:>]) ?(.*)")
STREAMS = ("smtp", "weird", "files", "ssl", "notice", "software")


class ScriptError(Exception):
    """The case cannot be understood."""


class Case:
    def __init__(self, name, defaults):
        self.name = name
        self.defaults = defaults
        self.settings = {}
        self.lines = []
        self.expected = {stream: [] for stream in STREAMS}

    def expect(self, stream, text):
        record = {**self.defaults.get(stream, {}), **json.loads(text)}
        self.expected[stream].append(record)

    def streams(self):
        """Those that are compared."""
        named = ("smtp", "weird", *self.settings.get("streams", "").split())
        return [s for s in STREAMS if s in named or self.expected[s]]

    def write(self, path):
        """Writes the capture."""
        get = self.settings.get
        capture = Capture(get("link", "ethernet"), [int(v) for v in get("vlan", "").split()])
        size, _, order = get("fragment", "0").partition(" ")
        capture.fragment, capture.backwards = int(size), order == "backwards"
        Player(self, capture).play()
        if "shuffle" in self.settings:
            capture.shuffle(random.Random(int(get("shuffle"))), reach=6, first=3)
        capture.write(path, get("form", "pcap"), int(get("cut", "0")))


class Player:
    """Turns the lines of a case into packets."""

    def __init__(self, case, capture):
        self.case = case
        self.capture = capture
        self.connections = {}
        self.current = None
        self.segment = 1460
        self.side, self.how, self.data = None, {}, b""

    def play(self):
        lines = self.case.lines
        if not lines or lines[0] not in ("silent", "open") and not lines[0].startswith("with "):
            lines = ["with -", *lines]
        for line in lines:
            spoken = SPOKEN.fullmatch(line)
            if spoken:
                self.speak(*spoken.groups())
            else:
                self.flush()
                if line:
                    self.command(*line.split())
        self.flush()
        if self.case.settings.get("close") != "no":
            for connection in self.connections.values():
                connection.close()

    def speak(self, words, side, kind, text):
        side = CLIENT if side == "C" else SERVER
        how = {}
        for word, number in re.findall(r"(\w+)(?: (\d+))?", words):
            how.update({"lost": {"lost": True}, "twice": {"twice": True}, "spoiled": {"spoil": 1},
                        "late": {"after": int(number or 0)}, "snapped": {"snap": int(number or 0)}}[word])
        if (side, how) != (self.side, self.how):
            self.flush()
        self.side, self.how = side, how
        if kind == ":":
            self.data += text.encode() + b"\r\n"
        else:
            self.data += text.encode().decode("unicode_escape").encode("latin-1")

    def flush(self):
        if self.data:
            self.connections[self.current].send(self.side, self.data, self.segment, **self.how)
        self.side, self.how, self.data = None, {}, b""

    def connection(self, number):
        get = self.case.settings.get
        ends = get("ends", "4")
        client, server = HOSTS[ends[0]]
        isn = (1000 + 70_000 * number, 2**32 - 40 + 90_000 * number)  # the server's wrap within the greeting
        made = Connection(self.capture, client, 40000 + number, server, int(get("port", "25")), isn)
        if ends.endswith("+"):
            made.extensions = HOP_BY_HOP
        return made

    def command(self, word, *arguments):
        if word == "with":
            self.current = arguments[0]
            if self.current not in self.connections:
                self.connections[self.current] = self.connection(len(self.connections))
                self.connections[self.current].open()
        elif word == "silent":
            self.current = "-"
            self.connections["-"] = self.connection(0)
            self.connections["-"].seq = [1001, 2**32 - 39]
        elif word == "open":
            self.connections[self.current].seq = [n + 100_000 for n in self.connections[self.current].seq]
            self.connections[self.current].open()
        elif word == "close":
            self.connections[self.current].close()
        elif word == "reset":
            self.connections[self.current].reset(CLIENT if arguments[0] == "C" else SERVER)
        elif word == "pause":
            self.capture.now += int(arguments[0]) * SECOND
        elif word == "segment":
            self.segment = int(arguments[0])
        else:
            raise ScriptError(f"{self.case.name}: {word}: no such word")


def repeated(lines):
    """The lines with their repetitions."""
    out, block, times = [], None, 0
    for line in lines:
        if line.startswith("repeat "):
            block, times = [], int(line.split()[1])
        elif line == "end" and block is not None:
            out += [text.replace("{n}", str(n)) for n in range(1, times + 1) for text in block]
            block = None
        else:
            (out if block is None else block).append(line)
    return out


def read_cases(path):
    """The cases of a file."""
    cases, defaults, in_settings = [], {}, False
    with open(path, encoding="utf-8") as f:
        lines = repeated(line.rstrip("\n") for line in f)
    for line in lines:
        if line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        if word == "case":
            cases.append(Case(rest, defaults))
            in_settings = True
        elif word == "default":
            stream, _, record = rest.partition(" ")
            defaults[stream] = json.loads(record)
        elif not cases:
            continue
        elif word in STREAMS:
            cases[-1].expect(word, rest)
        elif in_settings and re.match(r"[a-z]+: ", line):
            key, _, value = line.partition(": ")
            cases[-1].settings[key] = value
        else:
            if line or not in_settings:
                cases[-1].lines.append(line)
            in_settings = False
    return cases
