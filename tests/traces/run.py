#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Trace tests: conversations become captures, `read` reads them, and the records are those that the case expects.

usage: run.py [--keep DIR] SMTPSCOPE [NAME...]

The cases stand in *.trace beside this file (script.py says how); NAME picks those whose name contains it. Each case is
read in every format: the JSON records are compared with the expected ones, the TSV ones with those, column for column,
and the brief lines are counted. `--keep` leaves the captures in DIR.
"""
import argparse
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

from script import STREAMS, read_cases

# In every record, and not compared: they follow from the capture, or another test is about them.
ALWAYS = {"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "path", "fuids", "notice", "is_webmail",
          "subject_decoded", "from_decoded", "message_bytes", "duration", "queue_id", "reply_code", "enhanced_status",
          "rejected_rcptto", "auth_mechanism", "auth_user", "auth_success", "direction", "community_id", "tls_version",
          "extensions", "fuid", "source", "is_orig", "missing_bytes", "overflow_bytes", "parent_fuid", "sha256",
          "mime_type", "host", "proto", "src", "dst", "p", "n", "msg"}
SETS = {"rcptto", "to", "cc"}
HEADER = ["#separator", "#set_separator", "#empty_field", "#unset_field", "#path", "#open", "#fields", "#types"]


def read(program, case, trace, form, folder):
    """Runs the program; the folder then holds the logs."""
    os.makedirs(folder, exist_ok=True)
    command = [program, "read", "--format", form, "--log-dir", folder, *case.settings.get("args", "").split(), trace]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)


def log_lines(folder, stream):
    path = os.path.join(folder, stream + ".log")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", newline="\n") as f:
        return f.read().split("\n")[:-1]


# ---- JSON


def comparable(record):
    return {k: sorted(v) if k in SETS else v for k, v in record.items()}


def differs(expected, got):
    """The fields that are not as they should be; none if the record is as expected."""
    optional = ALWAYS - set(expected)
    expected = comparable({k: v for k, v in expected.items() if v is not None})
    got = comparable({k: v for k, v in got.items() if k not in optional})
    return sorted(k for k in set(expected) | set(got) if expected.get(k) != got.get(k) or (k in expected) != (k in got))


def compare(stream, expected, got):
    """What is wrong with the records, as text. Their order counts for smtp."""
    problems = []
    left = list(got)
    for record in expected:
        found = next((r for r in left[:1 if stream == "smtp" else None] if not differs(record, r)), None)
        if found is not None:
            left.remove(found)
            continue
        problems.append(f"{stream}: expected {json.dumps(record)}")
        if stream == "smtp" and left:
            other = left.pop(0)
            problems.append(f"{stream}:      got {json.dumps({k: other.get(k) for k in differs(record, other)})}")
    return problems + [f"{stream}: not expected: {json.dumps(r)}" for r in left]


# ---- TSV


def tsv_bytes(text):
    """A string as TSV has it, back to the bytes that it stands for."""
    def back(match):
        return b"\\" if match[1] == b"\\" else bytes([int(match[1][1:], 16)])
    return re.sub(rb"\\(\\|x[0-9a-f]{2})", back, text.encode())


def json_bytes(text):
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), text.encode())


def tsv_value(kind, text):
    """A column, read as zeek-cut's users read it."""
    inner = re.fullmatch(r"(?:set|vector)\[(\w+)\]", kind)
    if inner:
        return [] if text == "(empty)" else [tsv_value(inner[1], item) for item in text.split(",")]
    if kind in ("time", "interval"):
        return f"{float(text):.6f}"
    if kind == "bool":
        return {"T": True, "F": False}[text]
    if kind in ("count", "port"):
        return int(text)
    return b"" if text == "(empty)" else tsv_bytes(text)


def json_value(kind, value):
    if isinstance(value, list):
        return [json_value(kind, v) for v in value]
    if kind in ("time", "interval"):
        return f"{value:.6f}"
    return json_bytes(value) if isinstance(value, str) else value


def compare_tsv(stream, lines, records):
    """Whether the TSV log says what the JSON log says."""
    if not lines and not records:
        return []
    if [line.split("\t")[0].split(" ")[0] for line in lines[:len(HEADER)]] != HEADER:
        return [f"{stream}, TSV: the header is {lines[:len(HEADER)]}"]
    if not lines[-1].startswith("#close\t"):
        return [f"{stream}, TSV: the last line is {lines[-1]}"]
    names, kinds = (line.split("\t")[1:] for line in lines[len(HEADER) - 2:len(HEADER)])
    rows = [line.split("\t") for line in lines[len(HEADER):-1]]
    if len(names) != len(kinds) or any(len(row) != len(names) for row in rows) or len(rows) != len(records):
        return [f"{stream}, TSV: {len(rows)} rows for {len(records)} records, of {sorted(set(map(len, rows)))} columns, "
                f"{len(names)} names and {len(kinds)} types"]
    problems = []
    for row, record in zip(rows, records):
        for name, kind, text in zip(names, kinds, row):
            got = None if text == "-" else tsv_value(kind, text)
            expected = json_value(kind, record[name]) if name in record else None
            if got != expected:
                problems.append(f"{stream}, TSV: {name} is {text!r}, where JSON has {record.get(name)!r}")
        problems += [f"{stream}, TSV: {name} is missing" for name in set(record) - set(names)]
    return problems


# ---- brief


def compare_brief(stream, lines, records):
    shape = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+:\d+ -> \S+:\d+ \S.*")
    if len(lines) != len(records):
        return [f"{stream}, brief: {len(lines)} lines for {len(records)} records"]
    return [f"{stream}, brief: {line!r}" for line in lines if not shape.fullmatch(line) or not line.isprintable()]


# ---- cases


def problems_of(program, case, folder):
    """For each format, what is wrong."""
    os.makedirs(folder, exist_ok=True)
    trace = os.path.join(folder, "trace.pcap")
    case.write(trace)
    out = {}
    done = read(program, case, trace, "json", os.path.join(folder, "json"))
    records = {s: [json.loads(line) for line in log_lines(os.path.join(folder, "json"), s)] for s in STREAMS}
    out["json"] = [p for s in case.streams() for p in compare(s, case.expected[s], records[s])]
    said = done.stderr.decode(errors="replace")
    if done.returncode != int(case.settings.get("status", "0")):
        out["json"].append(f"exit status {done.returncode}: {said}")
    if not re.search(case.settings.get("stderr", r"\A\Z"), said):
        out["json"].append(f"stderr: {said}")
    for form, judge in ("tsv", compare_tsv), ("brief", compare_brief):
        read(program, case, trace, form, os.path.join(folder, form))
        out[form] = [p for s in STREAMS for p in judge(s, log_lines(os.path.join(folder, form), s), records[s])]
    return out


def check_judges():
    """A judge that finds no fault with anything is none."""
    record = {"ts": 1.5, "uid": "C1", "helo": "c", "rcptto": ["a", "b"]}
    header = [h + "\tx" for h in HEADER[:6]] + ["#fields\tts\tuid\thelo\trcptto", "#types\ttime\tstring\tstring\tset[string]"]
    rows = {"good": "1.500000\tC1\tc\ta,b", "value": "1.500000\tC1\td\ta,b", "unset": "1.500000\tC1\t-\ta,b",
            "split": "1.500000\tC1\tc\ta\tb"}
    tsv = {name: compare_tsv("smtp", [*header, row, "#close\tx"], [record]) for name, row in rows.items()}
    brief = "2023-11-14T22:13:20.000000Z 192.0.2.1:1 -> 192.0.2.2:25 x"
    return (not compare("smtp", [{"helo": "c", "rcptto": ["b", "a"]}], [record])
            and compare("smtp", [{"helo": "d", "rcptto": ["a", "b"]}], [record])
            and compare("smtp", [{"helo": "c"}], [record]) and compare("smtp", [], [record])
            and compare("smtp", [{"helo": "c", "rcptto": ["a", "b"], "date": "x"}], [record])
            and not tsv["good"] and tsv["value"] and tsv["unset"] and tsv["split"]
            and not compare_brief("smtp", [brief], [record]) and compare_brief("smtp", [brief + "\x1b"], [record])
            and compare_brief("smtp", [brief, brief], [record]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", metavar="DIR")
    parser.add_argument("program")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    cases = [c for path in sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "*.trace")))
             for c in read_cases(path)]
    if arguments.names:
        cases = [c for c in cases if any(name in c.name for name in arguments.names)]
    passed, failed, skipped = (1, 0, 0) if check_judges() else (0, 1, 0)
    if failed:
        print("FAILED the comparison lets wrong records pass")
    with tempfile.TemporaryDirectory() as temporary:
        for case in cases:
            folder = os.path.join(arguments.keep or temporary, re.sub(r"\W+", "-", case.name))
            try:
                results = problems_of(os.path.abspath(arguments.program), case, folder)
            except Exception as e:  # one case that cannot be run is no reason to leave out the others
                results = {"json": [f"{type(e).__name__}: {e}"]}
            if "known" in case.settings:
                if results["json"]:
                    skipped += 1
                    print(f"skip  {case.name}: {case.settings['known']}")
                    continue
                results["json"] = ["it passes: take `known` out"]
            for form, problems in results.items():
                passed += not problems
                failed += bool(problems)
                if problems:
                    print(f"FAILED {case.name} ({form})", *problems[:10], sep="\n    ")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
