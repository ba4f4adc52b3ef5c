#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""When the analysis has learned all that it can of a connection, the kernel copies nothing more of it except its end; and
the server's answers are what they would have been without an agent.

BYTES (default 10,000,000) follow on the connection after that point, in each of MODES (default "native tc").
"""

import os
import re

from agent import Agent, causes, check_accounts
from mail import Held
from postfix import Postfix
from report import Report
from testbed import CLIENT, SERVER, Testbed, wait_until

BYTES = int(os.environ.get("BYTES", "10000000"))
MODES = os.environ.get("MODES", "native tc").split()
INVALID = 40
LIMIT = 25
LARGE = {"sender": "large@client.smtpscope.example", "rcpts": ["large@mx.smtpscope.example"], "subject": "a large mail",
         "size": BYTES}


def send_invalid(client):
    for n in range(1, INVALID + 1):
        client.command(f"RCPT TO:<rcpt{n}@mx.smtpscope.example>", 503)


def go_over_to_tls(client):
    client.step("starttls")


def without_agent(bed, host, give_reason):
    client = Held(bed, host)
    give_reason(client)
    client.step("mail", LARGE)
    client.quit()
    return client.replies


def without_ids(replies):
    return [[re.sub(r"queued as \w+", "queued as ID", line) for line in reply] for reply in replies]


def copied(status):
    """What reached user space, in packets by the kernel's count and in bytes by the engine's."""
    return status["kernel"]["delivered"], status["engine"]["bytes"]


def check_flow(report, name, agent, client, stage):
    """What is told of the session while it lives, with the kernel's counts."""
    told = agent.flows()
    kernel = {"orig_verdict": "ignore", "resp_verdict": "ignore"}
    report.equal(f"{name}: the one session that `flows` tells of",
                 (told["open"], [(f["id.orig_p"], f["stage"], {k: f.get("kernel", {}).get(k) for k in kernel})
                                 for f in told["flows"]]), (1, [(client.port, stage, kernel)]))
    ignored = [f["kernel"]["ignored_bytes"] for f in told["flows"] if "kernel" in f]
    report.check(f"{name}: and the bytes that the kernel left out", ignored and ignored[0] > BYTES, told)
    top = agent.ask("--count", "2", "--interval", "1", subcommand="top")
    rows = [line for line in top.stdout.splitlines() if f":{client.port} -> " in line]
    report.check(f"{name}: `top` shows it twice", top.returncode == 0 and len(rows) == 2 and stage in rows[1],
                 f"{top.stdout}{top.stderr}")


def with_agent(report, name, agent, host, give_reason, reference):
    """The large mail is ignored by the kernel, packet by packet. The client, with its replies."""
    client = Held(agent.bed, host)
    give_reason(client)
    wait_until(lambda: agent.status()["engine"]["flows_ignored"] == 1, 10, "the flow is ignored")
    before = agent.idle_status()
    client.step("mail", LARGE)
    after = agent.idle_status()
    report.equal(f"{name}: nothing more was copied", copied(after), copied(before))
    ignored = after["kernel"]["ignored_flow"] - before["kernel"]["ignored_flow"]
    segments = BYTES // 65536
    report.check(f"{name}: the ignored packets grow", ignored > segments, f"{ignored} for at least {segments}")
    check_flow(report, name, agent, client, "tls" if give_reason is go_over_to_tls else "ignored")
    client.quit()
    report.check(f"{name}: the server's answers are those of a run without agent",
                 without_ids(client.replies) == without_ids(reference), f"{client.replies} instead of {reference}")
    report.equal(f"{name}: the record is there at the end of the connection", len(agent.records(1)), 1)
    packets, size = (a - b for a, b in zip(copied(check_accounts(report, name, agent)), copied(after)))
    report.check(f"{name}: the end was copied and no more", 1 <= packets <= 4 and size < 400, f"{packets}, {size} bytes")
    report.equal(f"{name}: exit status after SIGTERM", agent.stop(), 0)
    return client


def invalid_transactions(report, mode, bed, reference):
    name = f"{mode} invalid"
    agent = Agent(bed, "invalid-" + mode, mode, invalid=LIMIT)
    client = with_agent(report, name, agent, SERVER[4], send_invalid, reference)
    wanted = {"id.orig_h": CLIENT[4], "id.orig_p": client.port, "trans_depth": 1, "mailfrom": None,
              "rcptto": [f"rcpt{n}@mx.smtpscope.example" for n in range(1, LIMIT + 2)],
              "last_reply": client.replies[0][-1]}
    report.equal(f"{name}: one record and what it says", [{k: r.get(k) for k in wanted} for r in agent.read("smtp")],
                 [wanted])
    report.equal(f"{name}: weirds", [(w["name"], w.get("addl")) for w in agent.read("weird")], [
        ("smtp_mail_transaction_invalid", "rcpt to missing mail from"),
        ("smtp_excessive_invalid_mail_transactions", f"{LIMIT + 1} > {LIMIT}")])


def starttls(report, mode, bed, reference):
    name = f"{mode} starttls"
    agent = Agent(bed, "starttls-" + mode, mode)
    with_agent(report, name, agent, SERVER[6], go_over_to_tls, reference)
    report.equal(f"{name}: one record", [(r["tls"], r.get("mailfrom"), r["last_reply"]) for r in agent.read("smtp")],
                 [(True, None, "220 2.0.0 Ready to start TLS")])
    report.equal(f"{name}: no weirds", agent.read("weird"), [])


def main():
    report = Report("detach")
    with Testbed() as bed:
        Postfix(bed)
        references = [without_agent(bed, SERVER[4], send_invalid), without_agent(bed, SERVER[6], go_over_to_tls)]
        for mode in MODES:
            report.section(invalid_transactions, mode, bed, references[0])
            report.section(starttls, mode, bed, references[1])
    report.finish()


if __name__ == "__main__":
    main()
