#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs clang-tidy on sources, except where it has found nothing in the same text before.

tidy.py CACHE SOURCE... -- FLAGS...    exit status 1 and the findings if there are any

The text is the source and every header that it includes, the system's too. CACHE/SOURCE lists the headers of last time,
and the keys of the texts in which nothing was found.
"""

import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

KEPT = 20  # texts of one source: branches, and what was undone again


def digest(parts):
    total = hashlib.sha256()
    for part in parts:
        total.update(f"{len(part)} ".encode() + part)
    return total.hexdigest()


def digest_now(file):
    """Empty if it is not there."""
    try:
        return digest([pathlib.Path(file).read_bytes()])
    except OSError:
        return ""


digest_once = functools.lru_cache(maxsize=None)(digest_now)  # the same headers for all sources


class Tidy:
    def __init__(self, cache, flags):
        self.cache, self.flags = pathlib.Path(cache), flags
        version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
        self.tool = digest([version, pathlib.Path(".clang-tidy").read_bytes(), *(f.encode() for f in flags)])

    def key_of(self, files, digest_of_file):
        return digest(part.encode() for part in (self.tool, *(p for f in files for p in (f, digest_of_file(f)))))

    def included(self, source):
        """Every file whose text the compiler reads."""
        output = subprocess.run(["clang++", *self.flags, "-M", source], capture_output=True, text=True, check=True).stdout
        return re.findall(r"\S+", output.replace("\\\n", " ").split(":", 1)[1])

    def findings(self, source):
        """What clang-tidy says of it, None if it was not asked."""
        entry = self.cache / source.replace("/", "+")
        try:
            known = json.loads(entry.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = {"files": [], "clean": []}
        if known["files"] and self.key_of(known["files"], digest_once) in known["clean"]:
            return None
        try:
            files = self.included(source)
        except subprocess.CalledProcessError as why:
            return f"{source}: error: it does not compile\n{why.stderr}"
        before = self.key_of(files, digest_now)
        done = subprocess.run(["clang-tidy", "--quiet", source, "--", *self.flags], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            return re.sub(r"^.* warnings? generated\.\n", "", done.stdout, flags=re.MULTILINE) or f"{source}: error\n"
        if self.key_of(files, digest_now) != before:
            return ""  # it is another text by now: not worth a note
        temporary = entry.with_name(f"{entry.name}.{os.getpid()}")
        temporary.write_text(json.dumps({"files": files, "clean": [before, *known["clean"]][:KEPT]}),
                             encoding="utf-8")
        temporary.replace(entry)
        return ""


def main():
    split = sys.argv.index("--")
    cache, sources = sys.argv[1], sys.argv[2:split]
    os.makedirs(cache, exist_ok=True)
    tidy = Tidy(cache, sys.argv[split + 1:])
    asked, bad = 0, 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for at, (source, text) in enumerate(zip(sources, pool.map(tidy.findings, sources)), 1):
            if text is None:
                continue
            asked += 1
            bad += bool(text)
            print(f"  TIDY     {source} ({at} of {len(sources)})\n{text}", end="", flush=True)
    print(f"  TIDY     {asked} of {len(sources)} sources were looked at, {bad} with findings", flush=True)
    return 1 if bad or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
