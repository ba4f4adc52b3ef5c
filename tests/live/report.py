# SPDX-License-Identifier: BSD-3-Clause
"""What a suite has found out: a line for each check and the sum at the end."""

import sys
import traceback

from testbed import Skipped, Testbed


class Report:
    def __init__(self, suite):
        self.suite, self.passed, self.failed, self.skipped = suite, 0, 0, 0

    def check(self, name, ok, detail=""):
        if ok:
            self.passed += 1
            print(f"ok    {self.suite}: {name}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL  {self.suite}: {name}: {detail}", flush=True)
        return ok

    def equal(self, name, got, expected):
        return self.check(name, got == expected, f"got {got!r}, expected {expected!r}")

    def skip(self, name, why):
        self.skipped += 1
        print(f"skip  {self.suite}: {name}: {why}", flush=True)

    def section(self, function, *args):
        """Runs a part of the suite; whatever it raises is a failed check, and whatever it has started ends with it."""
        beds = [(a, len(a.processes)) for a in args if isinstance(a, Testbed)]
        name = " ".join([function.__name__, *(str(a) for a in args if isinstance(a, (str, int)))])
        try:
            function(self, *args)
        except Skipped as why:
            self.skip(name, why)
        except Exception as error:  # pylint: disable=broad-except
            traceback.print_exc()
            self.check(name, False, repr(error))
        finally:
            for bed, before in beds:
                bed.stop_from(before)

    def finish(self):
        """Prints the sum and ends the process."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        print(f"{self.suite}: {self.passed} passed, {self.failed} failed{skipped}", flush=True)
        sys.exit(1 if self.failed else 0)
