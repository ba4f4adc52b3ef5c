#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Each field that the reference does not have is in one trace, is not in another, and is in none if it is switched off.

usage: fields.py [--list] SMTPSCOPE

The program says which fields these are: the columns of its TSV behind the reference's. Among the cases of *.trace one has
to expect a value of each, and one to expect none, though the field is wanted; whether they get that is run.py's to find
out. `--list` names them. Then the first case that has the field is read without it, and with it alone, in every format.
"""
import argparse
import copy
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

from checks import Checks
from run import ALWAYS, log_lines, read
from script import STREAMS, read_cases

LAST_OF_REFERENCE = "is_webmail"
SWITCH = "analyzer.extra_fields="
# What no capture file can show, and where it is seen. No case of *.trace may have it.
LIVE = {
    "process_uid": "of a process only the kernel of its host knows: tests/live/suite_who.py",
    "process_user": "as process_uid",
    "process_unit": "as process_uid",
    "container": "as process_uid",
    "ignored_bytes": "of what is captured already nothing is left out: tests/live/suite_attach.py",
}
# What the brief line says of a field, and only where that is wanted.
MARKS = {"missed_bytes": r" \[[^]]* missed\]", "incomplete": r" \[incomplete\]"}
BRIEF = ("brief", "smtp")
# Absent only where it is not wanted, and why.
NEVER_UNKNOWN = {"community_id": "every connection has one"}


def without_marks(line, fields):
    for name in set(fields) & set(MARKS):
        line = re.sub(MARKS[name], "", line, count=1)
    return line


def own_fields(program, folder, case):
    """The columns behind the reference's, and the values of the switch."""
    names = list(Logs(program, folder, case).tsv[0])
    dump = subprocess.run([program, "check-config", "--dump"], stdout=subprocess.PIPE, timeout=60).stdout.decode()
    switched = re.search(r"^ *extra_fields: \[(.*)\]$", dump, re.MULTILINE)[1].split(", ")
    return names[names.index(LAST_OF_REFERENCE) + 1:], switched


def expected_of(record, field):
    """What run.py expects of the field: `value`, `none`, or `anything`."""
    if record.get(field) is not None:
        return "value"
    return "anything" if field in ALWAYS and field not in record else "none"


def those_that_expect(what, field, cases):
    return [case for case in cases if any(expected_of(record, field) == what for record in case.expected["smtp"])]


class Logs:
    """What is written about a case with these extra fields."""

    def __init__(self, program, folder, case, fields=None):
        if fields is not None:
            case = copy.copy(case)
            args = case.settings.get("args", "") + f" --set {SWITCH}[{','.join(fields)}]"
            case.settings = {**case.settings, "args": args}
        trace = os.path.join(folder, "trace.pcap")
        case.write(trace)
        self.others = {}
        for form in "json", "tsv", "brief":
            with tempfile.TemporaryDirectory(dir=folder) as logs:
                read(program, case, trace, form, logs)
                for stream in STREAMS:
                    lines = log_lines(logs, stream)
                    self.others[form, stream] = [line for line in lines if not line.startswith(("#open", "#close"))]
        self.json = [json.loads(line) for line in self.others.pop(("json", "smtp"))]
        lines = [line.split("\t") for line in self.others.pop(("tsv", "smtp"))]
        names = next(line[1:] for line in lines if line[0] == "#fields")
        self.tsv = [dict(zip(names, line)) for line in lines if not line[0].startswith("#")]

    def without(self, fields):
        """All of it, but these are not set."""
        return ([{name: value for name, value in record.items() if name not in fields} for record in self.json],
                [{name: "-" if name in fields else text for name, text in row.items()} for row in self.tsv],
                {**self.others, BRIEF: [without_marks(line, fields) for line in self.others[BRIEF]]})


def switched_off(check, program, folder, case, field, fields):
    others = [name for name in fields if name != field]
    all_of_them = Logs(program, folder, case)
    check.equal(f"{field} switched off: {case.name}", Logs(program, folder, case, others).without([]), all_of_them.without([field]))
    check.equal(f"{field} alone: {case.name}", Logs(program, folder, case, [field]).without([]), all_of_them.without(others))
    check.equal(f"{field} was there: {case.name}", any(field in record for record in all_of_them.json), True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("program")
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.program)
    cases = [case for path in sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "*.trace")))
             for case in read_cases(path) if "known" not in case.settings]
    # That a field is absent which nobody wants says nothing.
    cases = [case for case in cases if SWITCH not in case.settings.get("args", "")]
    check = Checks()
    check.equal("what is expected", [expected_of({"x": 0}, "x"), expected_of({"x": None}, "x"), expected_of({}, "x"),
                                     expected_of({}, next(iter(ALWAYS)))], ["value", "none", "none", "anything"])
    with tempfile.TemporaryDirectory() as folder:
        fields, switched = own_fields(program, folder, next(case for case in cases if case.expected["smtp"]))
        check.equal("each can be switched off", sorted(switched), sorted(fields))
        check.equal("those of live captures are among them", sorted(set(LIVE) - set(fields)), [])
        for field in fields:
            having, lacking = (those_that_expect(what, field, cases) for what in ("value", "none"))
            check.equal(f"{field}: a trace that has it", bool(having), field not in LIVE)
            check.equal(f"{field}: a trace that has it not", bool(lacking), field not in NEVER_UNKNOWN)
            if arguments.list:
                print(field, having[0].name if having else LIVE.get(field), lacking[0].name if lacking else NEVER_UNKNOWN.get(field),
                      sep="\t")
            if having:
                switched_off(check, program, folder, having[0], field, fields)
    print(f"{check.passed} passed, {check.failed} failed")
    return check.failed > 0


if __name__ == "__main__":
    sys.exit(main())
