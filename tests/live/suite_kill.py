#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The end of an agent, asked for or not, and company on the interface: mail goes on and nothing of others is touched."""

import os
import re
import signal
import subprocess

from agent import Agent, binary, check_accounts
from mail import Held, Sending, differences, expected_records, sessions
from postfix import Postfix
from report import Report
from testbed import IFACE, SERVER, Testbed, need, sh, stop, wait_until

KILLS, LOAD = 10, 150  # mails for each
FOREIGN = """
#include <linux/types.h>
__attribute__((section("xdp"), used)) int foreign(void *ctx) { return 2; /* XDP_PASS */ }
char _license[] __attribute__((section("license"), used)) = "GPL";
"""


def plain_mails(bed, count, name):
    return Sending(bed, sessions(count, tls=(False,)), name=name).finish()


def records_are_right(report, name, agent, done):
    expected = expected_records(done)
    found = differences(expected, agent.records(len(expected)))
    report.check(f"{name}: {len(expected)} records, one for each and right", expected and not found,
                 "\n".join(found[:5]))


def killed_under_load(report, bed):
    sent = []
    for n in range(1, KILLS + 1):
        agent = Agent(bed, "killed")  # while what was sent to the one before may still be on its way
        report.check(f"killed {n}: attached before", bed.attached())
        sending = Sending(bed, sessions(LOAD), name=f"load{n}")
        sent.append(sending)
        wait_until(lambda s=sending: len(s.done_so_far()[0]) >= 3, 60, "mail flows")
        report.check(f"killed {n}: mail is still being sent", any(p.poll() is None for p in sending.processes))
        report.equal(f"killed {n}: by SIGKILL", stop(agent.process, signal.SIGKILL), -signal.SIGKILL)
        wait_until(lambda: not bed.attached(), 5, "nothing is attached")
        report.check(f"killed {n}: nothing stays attached", not bed.attached(), bed.attached())
    done = [session for sending in sent for session in sending.finish()]
    report.equal("killed: all mails were accepted", sum(len(s["mails"]) for s in done), LOAD * KILLS)

    for path in os.listdir(agent.dir + "/records"):
        os.unlink(f"{agent.dir}/records/{path}")
    agent = Agent(bed, "killed")  # the same folder, and so the dead one's control socket
    records_are_right(report, "restarted", agent, plain_mails(bed, 20, "restarted"))
    check_accounts(report, "restarted", agent)
    report.equal("restarted: exit status after SIGTERM", agent.stop(), 0)
    report.equal("restarted: nothing stays attached", bed.attached(), [])
    report.check("restarted: the control socket is gone", not os.path.exists(agent.dir + "/control.sock"))


def stopped_in_a_transaction(report, bed):
    for sig in (signal.SIGTERM, signal.SIGINT):
        name = f"stopped by {sig.name}"
        agent = Agent(bed, name.replace(" ", "-"))
        client = Held(bed, SERVER[4])
        client.command("MAIL FROM:<open@client.smtpscope.example>", 250)
        client.command("RCPT TO:<open@mx.smtpscope.example>", 250)
        report.equal(f"{name}: exit status", stop(agent.process, sig), 0)
        report.equal(f"{name}: the open transaction is a record",
                     [(r["mailfrom"], r["rcptto"], r["last_reply"]) for r in agent.read("smtp")],
                     [("open@client.smtpscope.example", ["open@mx.smtpscope.example"], "250 2.1.5 Ok")])
        report.equal(f"{name}: nothing stays attached", bed.attached(), [])
        client.quit()


def started_twice(report, bed):
    first = Agent(bed, "first")
    attachments = first.status()["attachments"]
    second = Agent(bed, "second", ready=False)
    report.equal("second on the interface: exit status", second.process.wait(20), 1)
    report.check("second on the interface: says where", IFACE in second.log(), second.log())
    third = Agent(bed, "first", ready=False)
    report.equal("second on the control socket: exit status", third.process.wait(20), 1)
    report.check("second on the control socket: says so", "another agent" in first.log(), first.log())
    report.equal("first: still answers, attached as before", first.status()["attachments"], attachments)
    records_are_right(report, "first", first, plain_mails(bed, 20, "twice"))
    check_accounts(report, "first", first)
    report.equal("first: exit status", first.stop(), 0)


def beside_a_foreign_program(report, bed):
    need("clang")
    source, program = bed.dir + "/foreign.c", bed.dir + "/foreign.o"
    with open(source, "w", encoding="ascii") as file:
        file.write(FOREIGN)
    sh("clang", "-target", "bpf", "-O2", "-g", "-I/usr/include/" + os.uname().machine + "-linux-gnu", "-c", source,
       "-o", program)
    sh("ip", "-n", bed.server, "link", "set", "dev", IFACE, "xdpdrv", "obj", program, "sec", "xdp")

    def foreign_is_there():
        return "xdp" in sh("ip", "-n", bed.server, "link", "show", "dev", IFACE) and any(
            "driver id" in line for line in bed.attached())

    report.check("foreign: attached", foreign_is_there(), bed.attached())
    before = bed.attached()
    agent = Agent(bed, "foreign", "native")
    kinds = {a["kind"]: a["reason"] for a in agent.status()["attachments"]}
    report.equal("foreign: TC took the place of XDP", sorted(kinds), ["tc_egress", "tc_ingress"])
    report.check("foreign: says why", "XDP" in kinds.get("tc_ingress", "") and "XDP" in agent.log(), agent.log())
    told = [line for line in agent.log().splitlines() if f"{IFACE}: tc_ingress" in line]
    report.check("foreign: told once, with the remedy", len(told) == 1 and "detach it if it is not needed" in told[0],
                 agent.log())
    report.check("foreign: still attached", foreign_is_there(), bed.attached())
    records_are_right(report, "foreign", agent, plain_mails(bed, 20, "foreign"))
    check_accounts(report, "foreign", agent)
    report.equal("foreign: exit status", agent.stop(), 0)
    report.equal("foreign: what is attached afterwards", bed.attached(), before)
    sh("ip", "-n", bed.server, "link", "set", "dev", IFACE, "xdpdrv", "off")


def behind_a_stuck_sink(report, bed):
    """Standard output is a pipe that nobody reads: capture, status and the other sinks go on, and the end is bounded."""
    for patient in (True, False):
        name = "stuck sink " + ("read at last" if patient else "given up")
        folder = name.replace(" ", "-")
        reader, writer = os.pipe()
        agent = Agent(bed, folder, stdout=writer, options=("--set", "log.sinks=[{type: stdout, format: json}, {type: file, "
                                                           f"format: json, directory: {bed.dir}/{folder}/records}}]"))
        os.close(writer)
        plain_mails(bed, 300, "stuck")
        report.equal(f"{name}: the other sink has all", len(agent.records(300)), 300)
        status = agent.status()
        sink = status["sinks"][0]
        report.check(f"{name}: records wait, nothing is lost", sink["waiting"] > 0 and sink["dropped"] == 0
                     and sink["written"] + sink["waiting"] == 300 and status["kernel"]["lost"] == 0, status)
        wait_until(lambda: "nobody reads it" in agent.status()["sinks"][0]["last_error"], 5, "the status tells")
        client = Held(bed, SERVER[4])
        client.command("MAIL FROM:<open@client.smtpscope.example>", 250)
        wait_until(lambda: agent.status()["engine"]["flows_open"] == 1, 5, "a session is open")
        agent.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not bed.attached(), 5, "it ends")
        agent.process.send_signal(signal.SIGHUP)  # too late to mean anything
        if patient:
            with open(reader, "rb") as pipe:
                report.equal(f"{name}: all records came", len(pipe.read().splitlines()), 301)
            report.equal(f"{name}: exit status", agent.process.wait(10), 0)
        else:
            report.equal(f"{name}: exit status", agent.process.wait(15), 0)
            told = re.findall("lost: ([0-9]+) records that stdout had not taken at its end", agent.log())
            with open(reader, "rb") as pipe:
                there = pipe.read().count(b"\n")
            report.equal(f"{name}: says how many the sink has not got", told, [str(301 - there)])
        report.equal(f"{name}: the other sink has what was open", agent.read("smtp")[-1]["mailfrom"],
                     "open@client.smtpscope.example")
        report.equal(f"{name}: nothing is attached", bed.attached(), [])
        client.quit()


def behind_a_file_system_that_hangs(report, bed):
    """A pipe in the place of a log file: its writer hangs. A reload takes it away, and the end leaves it."""
    folder = bed.dir + "/hung/pipe"
    os.makedirs(folder)
    os.mkfifo(folder + "/smtp.log")
    hung = f"    - {{ type: file, format: json, directory: {folder}, streams: [smtp] }}\n"
    agent = Agent(bed, "hung")
    text = agent.configuration()
    for config, sent in ((text.replace("control:", hung + "control:"), 200), (text, 400)):
        agent.write_configuration(config)
        done = subprocess.run([binary(), "reload", "-c", agent.config], text=True, capture_output=True, timeout=20,
                              check=False)
        report.equal("hung: reloaded", (done.returncode, done.stderr), (0, ""))
        plain_mails(bed, 200, "hung")
        report.equal("hung: the other sink has all", len(agent.records(sent)), sent)
    sinks = {sink["name"]: sink for sink in agent.status()["sinks"]}
    report.check("hung: the former sink is still there", sinks[folder]["former"] and sinks[folder]["waiting"] > 0, sinks)
    agent.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not bed.attached(), 5, "it ends")
    agent.process.send_signal(signal.SIGTERM)
    report.equal("hung: exit status", agent.process.wait(10), 0)
    report.check("hung: the log says what is missing where", re.search(
        rf"a second signal ended it, with records unwritten: 0 before the sinks, [0-9]+ before {folder}$", agent.log(), re.M),
        agent.log())


def main():
    report = Report("kill")
    with Testbed() as bed:
        need("bpftool")
        Postfix(bed)
        report.section(killed_under_load, bed)
        report.section(stopped_in_a_transaction, bed)
        report.section(behind_a_stuck_sink, bed)
        report.section(behind_a_file_system_that_hangs, bed)
        report.section(started_twice, bed)
        report.section(beside_a_foreign_program, bed)
    report.finish()


if __name__ == "__main__":
    main()
