#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Errors are reported in words that name them, with the exit status of the contract; and three capabilities are enough."""

import os
import re
import signal
import subprocess

from agent import Agent, binary
from mail import Held, make_mail
from postfix import Postfix
from report import Report
from testbed import IFACE, SERVER, Testbed, need, stop

CAPABILITIES = "cap_bpf,cap_net_admin,cap_perfmon"
NOBODY = 65534


def run(bed, *command, seconds=20):
    """Exit status and what was said, of a command in the server's namespace; one that does not end gets SIGTERM."""
    process = bed.start(bed.server, *command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        stop(process)
        return "still running", process.stdout.read()
    return process.returncode, said


def with_config(bed, text):
    path = bed.dir + "/errors.yaml"
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


def command_line(report, bed):
    socket = f"control.socket={bed.dir}/errors.sock"
    rows = (
        ("unknown option", ["run", "--nonsense"], 2, ["--nonsense"]),
        ("operand", ["run", "eth0"], 2, ["eth0"]),
        ("option without its argument", ["run", "-i"], 2, ["-i"]),
        ("missing file", ["run", "-c", "/no/such/file.yaml"], 2, ["/no/such/file.yaml"]),
        ("unknown key", ["run", "-c", with_config(bed, "capture:\n  prots: [25]\n")], 2,
         ["errors.yaml:2:3", "prots", "ports"]),
        ("unknown key by --set", ["run", "--set", "analyzer.max_rcpt=3"], 2, ["max_rcpt"]),
        ("wrong type by --set", ["run", "--set", "analyzer.max_rcptto_addresses=many"], 2, ["max_rcptto_addresses"]),
        ("no such interface", ["run", "--set", socket, "-i", "nosuch0"], 1, ["nosuch0"]),
        ("status of nobody", ["status", "--set", socket], 1, ["no agent is running", "errors.sock"]),
        ("status, unknown option", ["status", "--xml"], 2, ["--xml"]),
        ("sink without its folder", ["run", "--set", socket, "-i", IFACE, "--set",
                                     "log.sinks=[{type: file, format: json, directory: /no/such/folder}]"], 1,
         ["/no/such/folder", "install -d"]),
        ("extraction without its folder", ["run", "--set", socket, "-i", IFACE, "--set",
                                           "files.extract={enabled: true, directory: /no/such/folder}"], 1,
         ["files.extract.directory", "/no/such/folder", "install -d"]),
        ("check-config says the same", ["check-config", "--set",
                                        "log.sinks=[{type: file, format: json, directory: /no/such/folder}]"], 2,
         ["/no/such/folder", "install -d"]),
    )
    for name, arguments, wanted, words in rows:
        status, said = run(bed, binary(), *arguments)
        report.check(f"{name}: exit status {wanted}", status == wanted, f"{status}: {said}")
        missing = [w for w in words if w not in said]
        report.check(f"{name}: the message names it", not missing, f"{missing} not in {said!r}")
    report.equal("nothing is attached", bed.attached(), [])


def without_capabilities(report, bed):
    need("setpriv")
    agent = Agent(bed, "powerless", ready=False, owner=NOBODY,
                  prefix=("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"))
    report.equal("no capability: exit status", agent.process.wait(20), 1)
    missing = [c for c in CAPABILITIES.upper().split(",") if c not in agent.log()]
    report.check("no capability: the message names all three", not missing, agent.log())
    for dropped in CAPABILITIES.split(","):
        rest = [c for c in CAPABILITIES.split(",") if c != dropped]
        agent = Agent(bed, "without-" + dropped, ready=False, owner=NOBODY, prefix=as_nobody(*rest))
        report.equal(f"without {dropped}: exit status", agent.process.wait(20), 1)
        report.check(f"without {dropped}: the message names it", dropped.upper() in agent.log(), agent.log())


def as_nobody(*capabilities):
    caps = "+" + ",+".join(c.removeprefix("cap_") for c in capabilities)
    return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all," + caps,
            "--inh-caps=-all," + caps, "--ambient-caps=-all," + caps)


def with_three_capabilities(report, bed):
    need("setpriv")
    agent = Agent(bed, "three", owner=NOBODY, prefix=as_nobody(*CAPABILITIES.split(",")))
    with open(f"/proc/{agent.process.pid}/status", encoding="ascii") as file:
        lines = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    report.equal("three capabilities: uid and capabilities", (lines["Uid"].split()[0], int(lines["CapEff"], 16)),
                 (str(NOBODY), 1 << 39 | 1 << 38 | 1 << 12))
    client = Held(bed, SERVER[4])
    reply = client.step("mail", make_mail(1))[-1]
    client.quit()
    report.equal("three capabilities: a mail is recorded", [r["last_reply"] for r in agent.records(1)], [reply])
    report.equal("three capabilities: exit status", agent.stop(), 0)
    report.equal("three capabilities: nothing stays attached", bed.attached(), [])


def places_of_another_user(report, bed):
    """A directory, and a file of an earlier run, that the agent's user may not write."""
    need("setpriv")
    as_user = as_nobody(*CAPABILITIES.split(","))
    agent = Agent(bed, "foreign-directory", ready=False, prefix=as_user)
    report.equal("a directory of root's: exit status", agent.process.wait(20), 1)
    report.check("a directory of root's: what and what to do", f"log.sinks: {agent.dir}/records: user " in agent.log()
                 and "may not write there (root:root, mode 0755)" in agent.log() and "chown" in agent.log(), agent.log())
    os.makedirs(bed.dir + "/foreign-file/records")
    with open(bed.dir + "/foreign-file/records/smtp.log", "w", encoding="ascii"):
        pass
    agent = Agent(bed, "foreign-file", ready=False, owner=NOBODY, prefix=as_user)
    report.equal("a log file of root's: exit status", agent.process.wait(20), 1)
    report.check("a log file of root's: what and what to do", "records/smtp.log: user " in agent.log()
                 and "may not write it" in agent.log() and "chown" in agent.log(), agent.log())


def probe_beside_an_agent(report, bed):
    """What an agent watches already is all right."""
    probe = (binary(), "probe", "-c", "/dev/null", "-i", IFACE)
    report.check("probe: an interface that nobody watches", run(bed, *probe)[1].rstrip().endswith("`smtpscope run` would start."))
    agent = Agent(bed, "probed")
    status, said = run(bed, *probe)
    report.equal("probe beside an agent: exit status", status, 0)
    report.check("probe beside an agent: the interface is watched", re.search(
        rf"^ok +{IFACE} +watched by a running agent \(process {agent.process.pid}\)$", said, re.M), said)
    report.check("probe beside an agent: nothing is missing", "MISSING" not in said and said.rstrip().endswith(
        "`smtpscope run` would start once the agent that runs has ended."), said)
    report.equal("probe beside an agent: exit status of the agent", agent.stop(), 0)


def interfaces_that_are_not_here(report, bed):
    """`probe` says whether `run` would start: it waits for what a glob stands for, and not for a name."""
    rows = (("nosuch*", True), (f"{IFACE},nosuch*", True), ("nosuch0", False), (f"{IFACE},nosuch0", False))
    for n, (iface, starts) in enumerate(rows):
        names = [word for one in iface.split(",") for word in ("-i", one)]
        status, said = run(bed, binary(), "probe", "-c", "/dev/null", *names)
        report.equal(f"probe: {iface}", (status, said.splitlines()[-1]),
                     (0, "`smtpscope run` would start.") if starts else (1, "`smtpscope run` would not start."))
        report.check(f"probe: {iface}: what is missing", re.search(
            r"^less +nosuch\* +no such interface is here now; `run` starts, and waits for one$" if starts
            else r"^MISSING +nosuch0 +no such interface is here$", said, re.M), said)
        agent = Agent(bed, f"absent-{n}", options=names, ready=starts)
        report.equal(f"run: {iface}", stop(agent.process) if starts else agent.process.wait(20), 0 if starts else 1)


def without_btf(report, bed):
    """A kernel without type information: a clear message, or programs that do without it."""
    agent = Agent(bed, "btf", ready=False, prefix=("sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh"))
    try:
        agent.wait_for_notification("READY=1", 10)
        report.equal("no BTF: works without it", agent.stop(), 0)
    except RuntimeError:
        report.equal("no BTF: exit status", agent.process.wait(20), 1)
        report.check("no BTF: the message names it", "BTF" in agent.log(), agent.log())


def control_socket_is_not_vital(report, bed):
    agent = Agent(bed, "socketless", options=("--set", "control.socket=/proc/no/such/folder/s"))
    report.check("no control socket: a warning", "control socket" in agent.log(), agent.log())
    report.equal("no control socket: goes on", agent.process.poll(), None)
    report.equal("no control socket: exit status", stop(agent.process, signal.SIGINT), 0)


def main():
    report = Report("errors")
    with Testbed() as bed:
        binary()
        Postfix(bed)
        report.section(command_line, bed)
        report.section(without_capabilities, bed)
        report.section(with_three_capabilities, bed)
        report.section(places_of_another_user, bed)
        report.section(probe_beside_an_agent, bed)
        report.section(interfaces_that_are_not_here, bed)
        report.section(without_btf, bed)
        report.section(control_socket_is_not_vital, bed)
    report.finish()


if __name__ == "__main__":
    main()
