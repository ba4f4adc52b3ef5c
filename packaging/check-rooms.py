#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks that no room of the source includes what it may not know, by the table of rooms in CONTRIBUTING.md.

usage: check-rooms.py [FOLDER]      the source that is checked; without it, the one that this file belongs to
"""
import pathlib
import re
import sys

HOME = pathlib.Path(__file__).resolve().parent.parent

# What the last column of the table may name beside rooms, and the headers that it stands for.
OTHERS = {
    "the system": r"(thread|mutex|shared_mutex|condition_variable|future|stop_token|iostream|fstream|filesystem|cstdio"
                  r"|stdio\.h|unistd\.h|fcntl\.h|pthread\.h|poll\.h|dirent\.h|c?signal(\.h)?|pwd\.h|grp\.h"
                  r"|netdb\.h|net/.*|sys/.*|linux/.*)$",
    "libbpf": r"(bpf/|linux/bpf|linux/if_link)",
    "libpcap": r"pcap",
    "Boost": r"boost/(?!intrusive/)",
    "Boost.Intrusive": r"boost/intrusive/",
    "iconv": r"iconv\.h",
    "libcrypto": r"openssl/",
    "libmagic": r"magic\.h",
    "libsystemd": r"systemd/",
    "RE2": r"re2/",
    "yaml-cpp": r"yaml-cpp/",
    "zlib": r"zlib\.h",
}
PUBLIC = "include/smtpscope/"
ROW = re.compile(r"\| *(`[^|]*`) *\|[^|]*\|([^|]*)\|$")
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Rooms:
    """The table: which room a file belongs to, and what each room may know."""

    def __init__(self, text):
        self.places = {}  # path, or beginning of paths: room
        self.known = {}  # room: rooms and others
        self.errors = []
        section = ""
        for number, line in enumerate(text.splitlines(), 1):
            if line.startswith("## "):
                section = line
            row = ROW.match(line)
            if row and row[2].strip() and section == "## The rooms":
                self.add(f"CONTRIBUTING.md:{number}: ", re.findall(r"`([^`]+)`", row[1]), row[2])
        if not self.known:
            self.errors.append("CONTRIBUTING.md: the section `The rooms` has no table; write a row for each room")

    def add(self, where, places, knows):
        room = places[0].rstrip("/").split("/")[-1] if places[0] != PUBLIC else "include"
        # A room knows only those above it, so there is no circle.
        allowed = {f"`{r}`" for r in self.known} | set(OTHERS) | {"nothing"}
        items = [item.strip() for item in knows.split(",")]
        self.errors += [f"{where}{room} may know {item}, which is no room above it and nothing that check-rooms.py lists"
                        for item in items if item not in allowed]
        self.known[room] = {item.strip("`") for item in items} | {room}
        if places[0].startswith("userspace/"):
            self.known[room].add("include")
        self.places.update(dict.fromkeys(places, room))

    def of(self, path):
        """The room of a file; None if it is in no place of the table."""
        folder = path.rpartition("/")[0] + "/"
        return self.places.get(path) or self.places.get(folder)

    def of_included(self, name):
        """The room of a file that is included as "name"; None for one of the same folder or one that is generated."""
        return self.of(("include/" if name.startswith("smtpscope/") else "userspace/") + name)

    def complaints(self, top, path):
        room = self.of(path)
        if not room:
            yield f"{path}: it is in no room; CONTRIBUTING.md has the table of rooms"
            return
        for number, line in enumerate((top / path).read_text(errors="replace").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            where, (quote, name) = f"{path}:{number}: ", match.groups()
            if ".." in name:
                yield f"{where}{name} hides its room; name it from `userspace` or `include` on"
            other = self.of_included(name)
            if other and other not in self.known[room]:
                yield f"{where}{room} may not know {other}"
            if quote == '"' and path.startswith(PUBLIC) and not name.startswith("smtpscope/"):
                yield f"{where}{name} is not installed, and a public header includes it"
            for other, headers in OTHERS.items():
                if quote == "<" and re.match(headers, name) and other not in self.known[room]:
                    yield f"{where}{room} may not know {other}: <{name}>"


def main():
    top = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else HOME
    rooms = Rooms((HOME / "CONTRIBUTING.md").read_text())
    found = rooms.errors
    for pattern in "bpf/*.[ch]", "include/**/*.h", "userspace/**/*.[ch]*":
        for path in sorted(top.glob(pattern)):
            found += rooms.complaints(top, str(path.relative_to(top)))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
