#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites that are named, one after the other, and prints the sum."""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SUM = re.compile(r"^[a-z]+: (\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


def run(suite):
    """Passed, failed and skipped checks of a suite. One that says no sum, or has checked nothing, has failed once."""
    sums = (0, 1, 0)
    with subprocess.Popen([sys.executable, f"{HERE}/suite_{suite}.py"], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            if match := SUM.match(line):
                sums = tuple(int(n or 0) for n in match.groups())
    passed, failed, skipped = sums
    return (passed, failed or int(process.returncode != 0), skipped) if any(sums) else (0, 1, 0)


def main():
    totals = [sum(column) for column in zip(*(run(suite) for suite in sys.argv[1:]))]
    passed, failed, skipped = totals or (0, 0, 0)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
