#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the agent costs at a steady rate of mail: CPU-seconds for each GB, resident memory, and that nothing is lost.

RATE (default 100) MB/s of mail over a veth pair, MB (default 1000) in all, for each of MODES, without and with hashes of
the files. The kernel programs' time is the sender's, not the agent's, and not in the figure. Beside it tcpdump, as the
floor, in the same run.
"""

import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))

from agent import Agent, causes  # pylint: disable=wrong-import-position
from report import Report
from testbed import IFACE, SERVER, Testbed, cpu_seconds, stop, wait_until

RATE = os.environ.get("RATE", "100")
MEGABYTES = os.environ.get("MB", "1000")
CONNECTIONS = os.environ.get("CONNECTIONS", "8")
MODES = os.environ.get("MODES", "native tc").split()
HASHES = {"": "[]", "+ sha256": "[sha256]"}
TRAFFIC = os.path.abspath(os.environ.get("LIVE_TRAFFIC", "build/tests/bench/live_traffic"))


def peak_memory(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def send(bed):
    return json.loads(bed.run(bed.client, TRAFFIC, "send", SERVER[4], "25", RATE, MEGABYTES, CONNECTIONS, timeout=600))


def figures(name, cpu, traffic, more=""):
    gigabytes = traffic["bytes"] / 1e9
    print(f"{name:16} {cpu / gigabytes:6.3f} CPU-seconds per GB at {traffic['bytes'] / 1e6 / traffic['seconds']:.0f} MB/s"
          f" ({traffic['mails']} mails, {gigabytes:.2f} GB){more}", flush=True)


def agent_costs(report, mode, work, bed):
    agent = Agent(bed, "bench-" + mode + work.replace(" ", ""), mode, options=("--set", "files.hashes=" + HASHES[work]))
    before = cpu_seconds(agent.process)
    traffic = send(bed)
    status = agent.idle_status()
    cpu = cpu_seconds(agent.process) - before
    sums = causes(status)
    name = f"{mode} {work}".rstrip()
    figures(name, cpu, traffic, f", peak memory {peak_memory(agent.process):.1f} MiB, {sums}")
    dropped = status["queue"]["dropped_smtp"] + sum(sink["dropped"] for sink in status["sinks"])
    report.equal(f"{name}: nothing lost", (sums["lost"], status["engine"]["gaps"], dropped), (0, 0, 0))
    report.equal(f"{name}: records", len(agent.records(traffic["mails"])), traffic["mails"])
    report.equal(f"{name}: exit status", agent.stop(), 0)


def tcpdump_costs(_, bed):
    if not shutil.which("tcpdump"):
        return
    tcpdump = bed.start(bed.server, "tcpdump", "-i", IFACE, "-s", "0", "-B", "65536", "-w", "/dev/null", "tcp", "port", "25",
                        stderr=subprocess.PIPE, text=True)
    tcpdump.stderr.readline()
    before = cpu_seconds(tcpdump)
    traffic = send(bed)
    figures("tcpdump", cpu_seconds(tcpdump) - before, traffic)
    stop(tcpdump)


def main():
    report = Report("live-bench")
    with Testbed() as bed:
        bed.start(bed.server, TRAFFIC, "sink", "25")
        wait_until(lambda: ":25 " in bed.run(bed.server, "ss", "-Hltn"), 10, "the sink listens")
        report.section(tcpdump_costs, bed)
        for mode in MODES:
            for work in HASHES:
                report.section(agent_costs, mode, work, bed)
    report.finish()


if __name__ == "__main__":
    main()
