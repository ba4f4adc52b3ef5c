#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A ring that is too small for an agent that gets no CPU: packets are lost. They are counted, they become gaps of the
sessions that they belong to, and every record is right or says that bytes are missing; none mixes two mails.

MAILS (default 300) in each of MODES (default "native tc"), while the agent is stopped and continued all the time.
"""

import os
import re
import signal
import threading
import time

from agent import Agent, causes
from mail import Sending, expected_records, sessions
from postfix import Postfix
from report import Report
from testbed import Testbed

MAILS = int(os.environ.get("MAILS", "300"))
MODES = os.environ.get("MODES", "native tc").split()
RING = ("--set", "capture.ring_size=64KiB")
NUMBER = re.compile(r"(?:sender|rcpt|mail number )(\d+)")


def starve(agent, until):
    """Half of the time is taken from the agent, in pieces that are longer than the ring lasts."""
    while not until.is_set():
        agent.process.send_signal(signal.SIGSTOP)
        time.sleep(0.05)
        agent.process.send_signal(signal.SIGCONT)
        time.sleep(0.05)


def numbers(record):
    """Of the mails that the record's fields are of."""
    texts = [record.get("mailfrom", ""), record.get("subject", ""), *record.get("rcptto", []), *record.get("to", []),
             record.get("msg_id", "").replace(".", " ")]
    return {match.group(1) for text in texts for match in NUMBER.finditer(text)}


def overloaded(report, mode, bed):
    agent = Agent(bed, "overload-" + mode, mode, options=RING)
    over = threading.Event()
    starving = threading.Thread(target=starve, args=(agent, over))
    starving.start()
    try:
        done = Sending(bed, sessions(MAILS, tls=(False,)), name="overload-" + mode).finish()
    finally:
        over.set()
        starving.join()
    status = agent.idle_status()
    sums = causes(status)
    report.check(f"{mode}: packets were lost", sums["lost"] > 0, sums)
    report.equal(f"{mode}: seen = delivered + ignored + lost", sums["seen"],
                 sums["delivered"] + sums["ignored"] + sums["lost"])
    report.check(f"{mode}: the losses are gaps", status["engine"]["gaps"] > 0, status["engine"])
    report.equal(f"{mode}: exit status after SIGTERM", agent.stop(), 0)  # what is open is written
    records = agent.read("smtp")
    report.equal(f"{mode}: no record is of two mails", [r for r in records if len(numbers(r)) > 1], [])
    whole = [r for r in records if "missed_bytes" not in r and "incomplete" not in r]
    by_mail = {(e["id.orig_p"], e["mailfrom"]): e for e in expected_records(done)}
    wrong = []
    for record in whole:
        key = (record["id.orig_p"], record.get("mailfrom"))
        fields = ("rcptto", "subject", "last_reply")
        sent = by_mail.get(key, {})
        wrong += [(key, f, record.get(f), sent.get(f)) for f in fields if record.get(f) != sent.get(f)]
    report.check(f"{mode}: some records lack nothing, and others do", 0 < len(whole) < len(records), (len(whole), len(records)))
    report.equal(f"{mode}: a record that says nothing of missing bytes is right ({len(whole)} of {len(records)})",
                 wrong, [])
    report.check(f"{mode}: the agent's log tells of the losses", "lost: " in agent.log(), agent.log()[-500:])


def main():
    report = Report("overload")
    with Testbed() as bed:
        Postfix(bed)
        for mode in MODES:
            report.section(overloaded, mode, bed)
    report.finish()


if __name__ == "__main__":
    main()
