# SPDX-License-Identifier: BSD-3-Clause
"""Mails by the hundred: what is to be sent, clients that send it, and what the records have to say about it."""

import itertools
import json
import os
import random
import subprocess
import sys

from client import HELO
from testbed import SERVER

CLIENT_PY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "client.py")


def make_mail(n):
    return {"sender": f"sender{n}@client.smtpscope.example", "subject": f"mail number {n}", "size": n * 977 % 20000,
            "rcpts": [f"rcpt{n}.{k}@mx.smtpscope.example" for k in range(1 + n % 3)]}


def sessions(total, families=(4, 6), ports=(25, 587), tls=(False, True), bdat=(0, 1, 4), pipeline=(False, True),
             mails=(1, 5), hosts=None):
    """Sessions with `total` mails in all that use every combination about as often, in an order that is always the same
    and mixes them."""
    hosts = hosts or SERVER
    ways = list(itertools.product(families, ports, tls, bdat, pipeline, mails))
    random.Random(1).shuffle(ways)
    ways = itertools.cycle(ways)
    made, sent = [], 0
    while sent < total:
        family, port, secure, chunks, ahead, count = next(ways)
        count = min(count, total - sent)
        some = [make_mail(n) for n in range(sent + 1, sent + count + 1)]
        made.append({"host": hosts[family], "port": port, "tls": secure, "bdat": chunks, "pipeline": ahead,
                     "mails": some})
        sent += count
    return made


class Sending:
    """Clients that share the sessions among them."""

    def __init__(self, bed, wanted, clients=2, name="sending", ns=None):
        """`ns`: instead of the client's namespace."""
        self.outputs, self.processes = [], []
        for i in range(clients):
            base = f"{bed.dir}/{name}.{i}"
            with open(base + ".in", "w", encoding="ascii") as file:
                file.writelines(json.dumps(s) + "\n" for s in wanted[i::clients])
            with open(base + ".in", "rb") as stdin, open(base + ".out", "wb") as stdout:
                self.processes.append(bed.start(ns or bed.client, sys.executable, CLIENT_PY, stdin=stdin, stdout=stdout,
                                                stderr=subprocess.STDOUT))
            self.outputs.append(base + ".out")

    def done_so_far(self):
        """The sessions that are over, and what else the clients said: complaints."""
        done, complaints = [], []
        for path in self.outputs:
            with open(path, encoding="utf-8") as file:
                for line in file:
                    if line.startswith("{") and line.endswith("\n"):
                        done.append(json.loads(line))
                    elif not line.startswith("{"):
                        complaints.append(line)
        return done, complaints

    def finish(self, seconds=300):
        """Waits for all of them; the sessions. Raises if a client failed."""
        for process in self.processes:
            process.wait(seconds)
        done, complaints = self.done_so_far()
        if complaints or any(p.returncode for p in self.processes):
            raise RuntimeError("a client failed: " + "".join(complaints))
        return done


class Held:
    """One connection from the client's namespace, one step at a time."""

    def __init__(self, bed, host, port=25):
        self.process = bed.start(bed.client, sys.executable, CLIENT_PY, host, str(port), text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = json.loads(self.process.stdout.readline())
        self.replies = []

    def step(self, *action):
        """The lines of the server's reply."""
        self.process.stdin.write(json.dumps(action) + "\n")
        self.process.stdin.flush()
        self.replies.append(json.loads(self.process.stdout.readline()))
        return self.replies[-1]

    def command(self, text, code):
        return self.step("command", text, code)

    def quit(self):
        self.step("quit")
        self.process.stdin.close()
        self.process.wait(10)


def expected_records(done):
    """What the sessions' records say."""
    expected = []
    for session in done:
        base = {"id.orig_h": session["local_host"], "id.orig_p": session["local_port"], "id.resp_h": session["host"],
                "id.resp_p": session["port"], "helo": HELO, "tls": session["tls"]}
        if session["tls"]:
            expected.append(dict(base, trans_depth=1, last_reply=session["starttls_reply"], mailfrom=None, rcptto=None,
                                 subject=None))
            continue
        for depth, mail in enumerate(session["mails"], 1):
            expected.append(dict(base, trans_depth=depth, last_reply=mail["reply"], mailfrom=mail["sender"],
                                 rcptto=mail["rcpts"], subject=mail["subject"]))
    return expected


def place(record):
    """What identifies a record: the connection and, in plain text, the place in it. Several sessions have the same if the
    kernel gave a client's port again."""
    return tuple(record[f] for f in ("id.orig_h", "id.orig_p", "id.resp_p", "trans_depth"))


def differences(expected, records):
    """What is missing, what is too much, and which fields are wrong: lines, none of them if all is right."""
    def wrong(record, wanted):
        return {f: (record.get(f), v) for f, v in wanted.items() if record.get(f) != v}

    lines, left = [], {}
    for wanted in expected:
        left.setdefault(place(wanted), []).append(wanted)
    for record in records:
        same = left.get(place(record))
        if not same:
            lines.append(f"{'not sent' if same is None else 'twice'}: {record}")
            continue
        best = min(same, key=lambda wanted, r=record: len(wrong(r, wanted)))
        same.remove(best)
        if found := wrong(record, best):
            lines.append(f"wrong (got, expected): {found} in {record}")
    lines += [f"no record: {wanted}" for same in left.values() for wanted in same]
    return lines


def check_records(report, name, agent, expected):
    found = differences(expected, agent.records(len(expected)))
    for line in found[:5]:
        print("    " + line)
    report.check(f"{name}: {len(expected)} records, one for each and right", expected and not found,
                 f"{len(found)} differences")


def flow_differences(done, records, killed=False):
    """Of mail that flowed while the agent was restarted. Each mail has one record, which is right; one that was under way
    has one that says so, and may have another of what came after, which says that it lacks the beginning and may name
    nothing of the mail. `killed`: what the dead process had read and not yet given back may come twice. The mails without
    any, the records of nothing that was sent, what is wrong, and how many mails have a record that is incomplete."""
    sent = {mail["subject"]: mail for session in done for mail in session["mails"]}
    subjects = {mail["sender"]: mail["subject"] for mail in sent.values()}
    of = {}
    for record in records:
        of.setdefault(record.get("subject") or subjects.get(record.get("mailfrom")), []).append(record)
    missing = sorted(sent.keys() - of.keys())
    foreign = [record for subject in of.keys() - sent.keys() for record in of[subject]
               if record.get("incomplete") != "beginning"]
    wrong, incomplete = [], 0
    for subject in sent.keys() & of.keys():
        mail, found = sent[subject], of[subject]
        whole = [r for r in found if "incomplete" not in r]
        cut = [r for r in found if "incomplete" in r]
        incomplete += bool(cut)
        known = [(r.get("mailfrom"), r.get("rcptto"), r["last_reply"]) for r in whole]
        right = (mail["sender"], mail["rcpts"], mail["reply"])
        if len(found) > 2 or len(whole) > (2 if killed else 1) or any(k != right for k in known):
            wrong.append(found)
    return missing, foreign, wrong, incomplete
