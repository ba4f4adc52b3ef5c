#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Finds members whose initializer uses a member that is constructed after them. Compilers report it for plain values only.

order.py FILE...    the headers and sources that define classes and constructors; members' names end with `_`
"""

import pathlib
import re
import sys

COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
CLASS = re.compile(r"\b(?:class|struct)\s+(?:\[\[\w+\]\]\s*)?(\w+)\s*(?:final\s*)?(?::[^;{]*)?\{")
MEMBER = re.compile(r"\b([a-z]\w*_)\s*(?:=|\{|;|\[)")
USED = re.compile(r"(?<![\w.>])([a-z]\w*_)\b")


def plain(path):
    """The text without comments and literals; line breaks stay."""
    return COMMENT.sub(lambda m: '""' if m[0][0] == '"' else "\n" * m[0].count("\n"), path.read_text(encoding="utf-8"))


def closing(text, start):
    """Where the bracket that opens at `start` closes."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] in "({[") - (text[at] in ")}]")
        if depth == 0:
            return at
    return len(text)


def statements(body):
    """The parts of a class's body at its own level, what is in brackets included."""
    parts, start, at = [], 0, 0
    while at < len(body):
        if body[at] in "({[":
            end = closing(body, at)
            if body[at] == "{" and re.search(r"\)[\w\s]*(?::[^;]*)?$", body[start:at]):  # a function's
                parts.append(body[start:end + 1])
                start = end + 1
            at = end
        elif body[at] == ";":
            parts.append(body[start:at + 1])
            start = at + 1
        at += 1
    return parts


def members_of(body):
    """Name and initializer of each data member, in the order of construction."""
    found = []
    for part in statements(body):
        match = MEMBER.search(part)
        before = part[:match.start()] if match else ""
        if match and "(" not in before and not re.search(r"\b(static|using|return|friend)\b", before):
            found.append((match[1], part[match.end() - 1:]))
    return found


def initializers(text, start):
    """Name and text of each initializer of the list that begins at `start`."""
    for match in iter(lambda: re.compile(r"\s*,?\s*([\w:]+(?:<[^{(]*>)?)\s*(?=[({])").match(text, start), None):
        end = closing(text, match.end())
        yield match[1], text[match.end():end + 1]
        start = end + 1
        if not re.match(r"\s*,", text[start:start + 80]):
            return


def main():
    files = [pathlib.Path(name) for name in sys.argv[1:]]
    texts = {f: plain(f) for f in files}
    classes = {}  # (the room, the name): members. Names are unique in a room.
    for file, text in texts.items():
        for match in CLASS.finditer(text):
            body = text[match.end():closing(text, match.end() - 1)]
            members = members_of(body)
            if members:
                classes[file.parent, match[1]] = members
    uses = []
    for (room, name), members in classes.items():
        uses += [(room / name, name, members, *member) for member in members]
        constructor = re.compile(rf"\b{name}\s*(?=\()")
        for file, text in texts.items():
            if file.parent != room:
                continue
            for match in constructor.finditer(text):
                after = closing(text, match.end()) + 1
                colon = re.match(r"\s*(?:noexcept\s*)?:(?!:)", text[after:after + 40])
                if colon:
                    line = text.count("\n", 0, match.start()) + 1
                    uses += [(f"{file}:{line}", name, members, *i) for i in initializers(text, after + colon.end())]
    findings = set()
    for where, name, members, member, text in uses:
        order = [m for m, _ in members]
        if member not in order:
            continue
        for used in USED.findall(text):
            if used in order and order.index(used) > order.index(member):
                findings.add(f"{where}: error: {name}::{member} is initialized with {used}, which is constructed after it")
    print("".join(f"{finding}\n" for finding in sorted(findings)), end="")
    if not classes:
        print("order.py: error: found no class with members")
    return 1 if findings or not classes else 0


if __name__ == "__main__":
    sys.exit(main())
