#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A policy that drops every second mail, in two shards: of these nothing is left, neither in a stream nor on the disk, and of
the others nothing is missing."""

import collections
import os
import signal

from agent import Agent, check_accounts
from mail import Held, Sending, differences, expected_records, make_mail, sessions
from postfix import Postfix
from report import Report
from testbed import SERVER, Testbed, wait_until

MAILS = int(os.environ.get("MAILS", "100"))
# The senders are sender1@, sender2@ and so on.
DROP = "log.policy=[{ when: { mailfrom: { regex: '^sender[0-9]*[13579]@' } }, action: drop }]"


def start(bed, name):
    extracted = f"{bed.dir}/{name}.extracted"
    settings = ("capture.shards=2", "files.extract.enabled=true", "files.extract.min_free=0", f"files.extract.directory={extracted}", DROP)
    return Agent(bed, name, "tc", options=[word for s in settings for word in ("--set", s)]), extracted


def is_dropped(record):
    return int(record["mailfrom"].split("@")[0].removeprefix("sender")) % 2 == 1


def every_second_mail(report, bed):
    agent, extracted = start(bed, "second")
    done = Sending(bed, sessions(MAILS, tls=(False,)), clients=4, name="second").finish()
    sent = expected_records(done)
    kept = [r for r in sent if not is_dropped(r)]
    records = agent.records(len(kept))
    report.equal("records", differences(kept, records), [])
    status = check_accounts(report, "accounts", agent)
    report.equal("mails that were dropped", status["policy"]["dropped_smtp"], len(sent) - len(kept))
    report.check("what went with them", status["engine"]["dropped_with_mail"] >= len(sent) - len(kept), status["engine"])
    report.equal("nothing was given up", (status["engine"]["dropped_waiting"], status["engine"]["dropped_without_mail"]), (0, 0))
    report.equal("nothing waits any longer", status["engine"]["waiting_memory"], 0)
    report.equal("exit status", agent.stop(), 0)
    files = agent.read("files")
    report.equal("files are those of the mails", collections.Counter(f["fuid"] for f in files),
                 collections.Counter(fuid for r in records for fuid in r["fuids"]))
    report.equal("what is on the disk", sorted(os.listdir(extracted)), sorted(f["extracted"] for f in files))
    known = {r["uid"] for r in records}
    for stream in ("weird", "ssl", "notice"):
        report.equal(f"{stream}: of connections with a mail alone", [r for r in agent.read(stream) if r["uid"] not in known], [])


def killed(report, bed):
    """A file that had ended and was not decided on has a name that nobody looks for, and the next agent removes it."""
    agent, extracted = start(bed, "killed")
    client = Held(bed, SERVER[4])
    client.step("mail", make_mail(2))
    agent.records(1)
    client.command("MAIL FROM:<sender1@client.smtpscope.example>", 250)
    client.command("RCPT TO:<rcpt@mx.smtpscope.example>", 250)
    client.command("DATA", 354)
    client.step("send", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + "--b\r\n\r\nsecret\r\n" * 3 + "--b\r\n\r\nmore\r\n")
    wait_until(lambda: len(os.listdir(extracted)) >= 4, 10, "files of the mail that is open")
    names = os.listdir(extracted)
    report.equal("names", collections.Counter(n.endswith(".part") for n in names)[False], 1)
    agent.process.send_signal(signal.SIGKILL)
    agent.process.wait(10)
    report.check("what it left ends in .part", len([n for n in os.listdir(extracted) if n.endswith(".part")]) >= 3, names)
    again, _ = start(bed, "killed")
    report.equal("what the next one finds", [n for n in os.listdir(extracted) if n.endswith(".part")], [])
    report.equal("and leaves", len(os.listdir(extracted)), 1)
    client.process.kill()
    report.equal("exit status", again.stop(), 0)


def main():
    report = Report("policy")
    with Testbed() as bed:
        Postfix(bed)
        report.section(every_second_mail, bed)
        report.section(killed, bed)
    report.finish()


if __name__ == "__main__":
    main()
