#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Real mail to a real Postfix: exactly one right record for each, whatever the way it took.

MAILS (default 1000) in each of MODES (default "native tc"), over IPv4 and IPv6, on 25 and 587, plain and with STARTTLS,
DATA and BDAT, pipelined or not, one and several on a connection; then some by swaks. A session that goes over to TLS is
one record.
"""

import os
import re
import subprocess

from agent import Agent, check_accounts
from mail import Sending, check_records, expected_records, make_mail, sessions
from postfix import Postfix
from report import Report
from testbed import CLIENT, SERVER, Testbed, need

MAILS = int(os.environ.get("MAILS", "1000"))
MODES = os.environ.get("MODES", "native tc").split()
INGRESS = {"native": "xdp_native", "generic": "xdp_generic", "tc": "tc_ingress"}


def from_clients(report, mode, bed):
    agent = Agent(bed, "clients-" + mode, mode)
    kinds = sorted(a["kind"] for a in agent.status()["attachments"])
    report.equal(f"{mode}: both directions attached", kinds, sorted([INGRESS[mode], "tc_egress"]))
    done = Sending(bed, sessions(MAILS), name="mail-" + mode).finish()
    report.equal(f"{mode}: mails sent", sum(len(s["mails"]) for s in done), MAILS)
    check_accounts(report, mode, agent)
    check_records(report, mode, agent, expected_records(done))
    report.equal(f"{mode}: no weirds", agent.read("weird"), [])
    report.equal(f"{mode}: exit status after SIGTERM", agent.stop(), 0)
    report.equal(f"{mode}: nothing is attached any more", bed.attached(), [])


def swaks(bed, host, port, tls, mail):
    """The mail by swaks; what client.py says of a session, as far as it can be told from the transcript."""
    text = bed.run(bed.client, "swaks", "--server", host, "--port", str(port), "--helo", "client.smtpscope.example",
                   "--from", mail["sender"], "--to", ",".join(mail["rcpts"]), "--header", "Subject: " + mail["subject"],
                   *(["--tls"] if tls else []))
    replies = re.findall(r"^<[-~] +(\d{3} .*)$", text, re.MULTILINE)
    queued = [r for r in replies if "queued as" in r]
    starttls = [r for r in replies if r.startswith("220 ") and "TLS" in r]
    return {"host": host, "port": port, "local_host": CLIENT[6 if ":" in host else 4], "tls": tls,
            "mails": [dict(mail, reply=queued[-1])], "starttls_reply": starttls[-1] if starttls else None}


def succeeds(*command):
    return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0


def from_swaks(report, mode, bed):
    need("swaks")
    agent = Agent(bed, "swaks-" + mode, mode)
    families = (4, 6) if succeeds("perl", "-MIO::Socket::INET6", "-e1") else (4,)
    ways = [(f, p, t) for f in families for p in (25, 587) for t in (False, True)]
    done = [swaks(bed, SERVER[f], p, t, make_mail(n)) for n, (f, p, t) in enumerate(ways, 1)]
    check_accounts(report, "swaks " + mode, agent)
    # swaks does not tell its port: the record of each session is found by its place, as they came one after the other.
    for session, record in zip(done, agent.records(len(done))):
        session["local_port"] = record["id.orig_p"]
    check_records(report, "swaks " + mode, agent, expected_records(done))
    report.equal(f"swaks {mode}: exit status after SIGTERM", agent.stop(), 0)


def main():
    report = Report("mail")
    with Testbed() as bed:
        Postfix(bed)
        for mode in MODES:
            report.section(from_clients, mode, bed)
            report.section(from_swaks, mode, bed)
    report.finish()


if __name__ == "__main__":
    main()
