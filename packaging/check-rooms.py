#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks that no room of the source includes what it may not know (CONTRIBUTING.md has the table)."""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent

# Which other rooms each may include; the rooms of the library have no system under them.
LIBRARY = {
    "base": set(),
    "net": set(),
    "tcp": {"net"},
    "smtp": {"mime", "tls"},
    "mime": set(),
    "tls": set(),
    "records": {"base", "smtp", "mime", "files", "tls"},
    "engine": {"net", "tcp", "smtp", "mime", "files", "tls", "records"},
}
SYSTEM = {
    "files": set(),
    "capture": {"base", "net"},
    "log": {"base", "files", "records"},
    "config": {"capture", "files", "log", "net"},
    "agent": {"base", "capture", "files", "log", "config", "net", "engine", "records"},
    "cli": {"agent", "base", "capture", "files", "log", "config", "net", "engine", "records"},
}
ROOMS = LIBRARY | SYSTEM

# Libraries that stay behind the door of one room.
OWNED = {
    r"(bpf/|pcap|linux/bpf|linux/if_link)": {"capture"},
    r"boost/(?!intrusive/)": {"log"},
    r"yaml-cpp/": {"config"},
    r"systemd/": {"log", "agent"},
    r"magic\.h": {"files"},
    r"openssl/": {"files", "records"},
    r"re2/": {"log"},
}
# What the library does without: threads, input and output, the system.
NOT_IN_LIBRARY = re.compile(
    r"(thread|mutex|shared_mutex|condition_variable|future|stop_token|iostream|fstream|filesystem|cstdio|stdio\.h"
    r"|unistd\.h|fcntl\.h|pthread\.h|sys/.*|linux/.*)$"
)
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def complaints(path, room):
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, name = match.groups()
        where = f"{path.relative_to(TOP)}:{number}: "
        other = name.split("/")[0]
        if quote == '"' and other in ROOMS and other != room and other not in ROOMS[room]:
            yield f"{where}{room} may not know {other}"
        if quote == "<" and room in LIBRARY and NOT_IN_LIBRARY.match(name):
            yield f"{where}<{name}> in a room that has no system under it"
        for pattern, owners in OWNED.items():
            if quote == "<" and re.match(pattern, name) and room not in owners:
                yield f"{where}<{name}> belongs to {' and '.join(sorted(owners))}"


def public_header(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match and match.group(1) == '"' and not match.group(2).startswith("smtpscope/"):
            yield f"{path.relative_to(TOP)}:{number}: a public header includes {match.group(2)}"


def main():
    found = []
    for path in sorted((TOP / "userspace").glob("*/*.[ch]*")):
        room = path.parent.name
        if room in ROOMS:
            found += complaints(path, room)
        else:
            found.append(f"{path.relative_to(TOP)}: no such room")
    for path in sorted((TOP / "include/smtpscope").glob("*.h")):
        found += public_header(path)
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


sys.exit(main())
