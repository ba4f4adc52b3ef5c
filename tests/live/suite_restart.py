#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""One agent after another while mail flows: with a service manager's store of descriptors nothing is lost in between, and
where the next one cannot go on it says why. The manager is this suite (store.py); a real one is in the package's suite.
"""

import re
import signal

from agent import Agent, causes
from mail import Held, Sending, check_records, expected_records, flow_differences, make_mail, sessions
from postfix import Postfix
from report import Report
from store import Store, StoredAgent
from testbed import SERVER, Testbed, need, wait_until

MAILS = 500
RESTARTS = 10


def plain_mails(bed, count, name):
    return Sending(bed, sessions(count, tls=(False,)), name=name).finish()


def records_are_right(report, name, agent, done):
    check_records(report, name, agent, expected_records(done))


def nothing_lost(report, name, agent, seen=0):
    """The kernel's counters go on from `seen`."""
    sums = causes(agent.idle_status())
    report.check(f"{name}: the counters go on, nothing is lost", sums["seen"] > seen and sums["lost"] == 0, sums)
    report.equal(f"{name}: seen = delivered + ignored", sums["seen"], sums["delivered"] + sums["ignored"])


def stays_while_stored(report, bed, name, store):
    report.check(f"{name}: attached as long as the store has it", bed.attached())
    store.clear()
    wait_until(lambda: not bed.attached(), 5, "nothing is attached")
    report.equal(f"{name}: and no longer", bed.attached(), [])


def nobody_is_there(report, bed):
    """What comes while no process runs is in the rings, whatever ended the one before."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        name = f"after {sig.name}"
        with Store() as store:
            first = StoredAgent(bed, store, name.replace(" ", "-"))
            links, seen = first.links(), causes(first.idle_status())["seen"]
            report.equal(f"{name}: exit status", first.end(sig), 0 if sig == signal.SIGTERM else -sig)
            done = plain_mails(bed, 40, name)
            second = StoredAgent(bed, store, name.replace(" ", "-"))
            report.check(f"{name}: says that it goes on", "nothing was missed in between" in second.log(), second.log())
            records_are_right(report, f"{name}: mails that no process saw", second, done)
            report.equal(f"{name}: the links are the same", (second.links(), len(links)), (links, 2))
            nothing_lost(report, name, second, seen)
            report.equal(f"{name}: exit status of the next", second.end(signal.SIGTERM), 0)
            stays_while_stored(report, bed, name, store)


def held_over(report, bed):
    """Sessions that are open meanwhile: one in a transaction, one that has gone over to TLS."""
    name = "held"
    with Store() as store:
        first = StoredAgent(bed, store, name)
        half, secure = Held(bed, SERVER[4]), Held(bed, SERVER[6])
        reply = secure.step("starttls")[-1]
        secure.step("mail", make_mail(1))
        half.command("MAIL FROM:<half@client.smtpscope.example>", 250)
        half.command("RCPT TO:<half@mx.smtpscope.example>", 250)
        ignored = first.idle_status()["kernel"]["ignored_flow"]
        first.end(signal.SIGTERM)
        second = StoredAgent(bed, store, name)
        half.command("DATA", 354)
        end = half.command("Subject: half\r\n\r\nbody\r\n.", 250)[-1]
        whole = half.step("mail", make_mail(2))[-1]
        secure.step("mail", make_mail(3))
        for held in (half, secure):
            held.quit()
        status = second.idle_status()
        second.end(signal.SIGTERM)
        fields = ("tls", "mailfrom", "rcptto", "subject", "last_reply", "incomplete")
        found = [tuple(r.get(f) for f in fields) for r in second.read("smtp")]
        mail = make_mail(2)
        report.equal(f"{name}: what came before is a record that says so, what comes after are others", found, [
            (True, None, None, None, reply, None),
            (False, "half@client.smtpscope.example", ["half@mx.smtpscope.example"], None, "250 2.1.5 Ok", "shutdown"),
            (False, None, None, "half", end, "beginning"),
            (False, mail["sender"], mail["rcpts"], mail["subject"], whole, None)])
        report.check(f"{name}: what goes on in TLS is still not copied", status["kernel"]["ignored_flow"] > ignored,
                     status["kernel"])


def another_version(report, bed):
    """What an agent of another version has kept is of no use, and must not be in the way."""
    with Store() as store:
        first = StoredAgent(bed, store, "version")
        links = first.links()
        first.end(signal.SIGTERM)
        store.kept = {re.sub(r"^smtpscope-\d+-", "smtpscope-0-", kept): fd for kept, fd in store.kept.items()}
        second = StoredAgent(bed, store, "version")
        report.check("another version: says so", "it was of another version" in second.log(), second.log())
        report.equal("another version: new links, in the same places",
                     (len(second.links()), second.links() & links, [a["kind"] for a in second.status()["attachments"]]),
                     (2, set(), ["xdp_native", "tc_egress"]))
        report.equal("another version: nothing of it stays in the store", [k for k in store.kept if "-0-" in k], [])
        records_are_right(report, "another version", second, plain_mails(bed, 20, "version"))
        nothing_lost(report, "another version", second)
        second.end(signal.SIGTERM)


def settings_change(report, bed):
    """What cannot be taken over is created again, and the log says so; links stay unless the new plan has no place for them."""
    rows = [("two shards", "native", "capture.shards=2", "capture.shards", True),
            ("fewer shards", "native", "capture.shards=1", "capture.shards", True),
            ("fewer verdicts", "native", "capture.verdicts=2048", "capture.verdicts", True),
            ("a larger ring", "native", "capture.ring_size=32MiB", "capture.ring_size", True),
            ("other ports", "native", "capture.ports=[25, 587, 2525]", None, True),
            ("generic", "generic", "log.level=info", None, False),
            ("another mode", "tc", "log.level=info", None, False)]
    options = []
    with Store() as store:
        agent = StoredAgent(bed, store, "settings")
        for name, mode, key, complaint, same in rows:
            links = agent.links()
            agent.end(signal.SIGTERM)
            options += ["--set", key]
            agent = StoredAgent(bed, store, name.replace(" ", "-"), mode, options)
            said = "the capture of the process before does not go on: " in agent.log()
            report.check(f"{name}: says why it begins anew, or nothing", said == bool(complaint)
                         and (complaint or "") in agent.log(), agent.log())
            report.equal(f"{name}: the links are the same", agent.links() == links, same)
            report.equal(f"{name}: attached", len(agent.links()), 2)
            records_are_right(report, name, agent, plain_mails(bed, 20, name))
            nothing_lost(report, name, agent)
        kinds = sorted(a["kind"] for a in agent.status()["attachments"])
        report.equal("another mode: what is attached", (kinds, bed.attached()), (["tc_egress", "tc_ingress"], []))
        agent.end(signal.SIGTERM)


def without_a_store(report, bed):
    """The end of each agent takes everything with it, and the next one starts from nothing."""
    for n in range(2):
        agent = Agent(bed, f"cold-{n}")
        records_are_right(report, f"without a store, {n}", agent, plain_mails(bed, 20, f"cold-{n}"))
        report.check(f"without a store, {n}: nothing of a process before", "process before" not in agent.log(), agent.log())
        report.equal(f"without a store, {n}: exit status", agent.stop(), 0)
        report.equal(f"without a store, {n}: nothing stays attached", bed.attached(), [])


def while_mail_flows(report, bed):
    wanted, name = sessions(MAILS, tls=(False,)), "flow"
    with Store() as store:
        agent = StoredAgent(bed, store, name)
        links = agent.links()
        held = Held(bed, SERVER[4])
        mails = [make_mail(10000 + n) for n in range(RESTARTS + 1)]
        replies = [held.step("mail", mails[0])[-1]]
        done = []
        for n in range(RESTARTS):
            sending = Sending(bed, wanted[n::RESTARTS], name=f"{name}-{n}")
            wait_until(lambda so_far=sending.done_so_far: len(so_far()[0]) >= 5, 60, "mail flows")
            seen = causes(agent.status())["seen"]
            report.check(f"{name}: {n}: mail is being sent", any(p.poll() is None for p in sending.processes))
            report.equal(f"{name}: {n}: exit status", agent.end(signal.SIGTERM), 0)
            agent = StoredAgent(bed, store, name)
            report.equal(f"{name}: {n}: the links are the same", agent.links(), links)
            report.check(f"{name}: {n}: the counters go on", causes(agent.status())["seen"] >= seen)
            replies.append(held.step("mail", mails[n + 1])[-1])
            done += sending.finish()
        held.quit()
        nothing_lost(report, name, agent)
        agent.end(signal.SIGTERM)
    for mail, reply in zip(mails, replies):
        mail["reply"] = reply
    missing, foreign, wrong, incomplete = flow_differences([*done, {"mails": mails}], agent.read("smtp"))
    report.equal(f"{name}: every mail has a record", missing, [])
    report.equal(f"{name}: one for each, and right", (wrong, foreign), ([], []))
    report.check(f"{name}: only what was under way is incomplete", incomplete <= 2 * RESTARTS, incomplete)


def main():
    report = Report("restart")
    with Testbed() as bed:
        need("bpftool", "bash")
        Postfix(bed)
        report.section(nobody_is_there, bed)
        report.section(while_mail_flows, bed)
        report.section(held_over, bed)
        report.section(another_version, bed)
        report.section(settings_change, bed)
        report.section(without_a_store, bed)
    report.finish()


if __name__ == "__main__":
    main()
