# SPDX-License-Identifier: BSD-3-Clause
"""Counts of what a suite has found."""


class Checks:
    passed = failed = 0

    def equal(self, name, got, expected):
        if got == expected:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {name}: {got!r}, expected {expected!r}")
