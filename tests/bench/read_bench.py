#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What `read` costs: CPU time (user and system) for each trace, and how it grows.

usage: read_bench.py [--size MB] [--runs N] [--cache DIR] [--skip-growth] SMTPSCOPE TRAFFIC FLOOR [TRACE...]

Without TRACE, traces of the profiles below are made in the cache by TRAFFIC. Each is read RUNS times, in turn with
FLOOR, which reads it through libpcap and does nothing; the figures are medians. Then, for each thing of which there can
be more, twice as much of it must cost at most 2.2 times as much.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

# The design's numbers, in MB per CPU-second and records per CPU-second: without hashing, all streams.
DESIGN = {"mixed": (1500, None), "bulk-small": (600, 100_000), "big-attachments": (None, None), "starttls": (2500, None)}
# What is done with bodies, and what the design says of a profile then.
WORK = {"": (["files.hashes=[]"], {}), "+ sha256": (["files.hashes=[sha256]"], {"mixed": (900, None)}),
        "- files": (["files.enabled=false"], {})}
DESIGN_MEMORY = 32
LIMIT = 2.2
# How much of it, how often it is read, and what lifts the limits that would stop the growth: some tenths of a second.
# Both sizes fit into a cache, or neither does: otherwise the ratio would measure the machine and not the program.
GROWTH = {
    "bytes": (12_000_000, 40, []),
    "sessions": (40_000, 1, []),
    "open-sessions": (300, 200, []),
    "recipients": (1_500, 200, ["analyzer.max_rcptto_addresses=0"]),
    "parts": (100_000, 20, []),
    "nesting": (45, 10, []),
    "fields": (100_000, 20, []),
    "addresses": (1_500, 200, ["analyzer.max_to_addresses=0", "mime.max_header_bytes=0"]),
    "commands": (100_000, 8, []),
}
ATTEMPTS = 4  # what else runs on the machine makes figures too high, never too low
IDLE_SESSIONS = (20_000, 60_000)
DESIGN_IDLE = 1024


def resident(pid):
    """The most MB that a process has had so far; 0 if it is gone. (Its rusage counts this interpreter before exec.)"""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return next((int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


def run(command):
    """(user seconds, system seconds, resident MB) of a command."""
    process = subprocess.Popen(command)
    memory, pid = 0, 0
    while pid == 0:
        time.sleep(0.002)
        memory = max(memory, resident(process.pid))
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
    if status != 0:
        sys.exit(f"{' '.join(command)}: status {status}")
    process.returncode = 0
    return usage.ru_utime, usage.ru_stime, memory


def made(traffic, cache, what, count):
    """The path of a trace, made when it is not there."""
    path = os.path.join(cache, f"{what}-{count}.pcap")
    if not os.path.exists(path):
        subprocess.run([traffic, what, str(count), path + ".part"], check=True)
        os.rename(path + ".part", path)
    return path


def records_in(folder):
    path = os.path.join(folder, "smtp.log")
    if not os.path.exists(path):
        return 0
    with open(path, "rb") as f:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: f.read(1 << 20), b""))


def measure(arguments, name, trace, work):
    """One line of the table."""
    settings, design = WORK[work]
    design = design if work else DESIGN
    megabytes = os.path.getsize(trace) / 1e6
    seconds, floor, memory = [], [], []
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as logs:
        for _ in range(arguments.runs):
            floor.append(sum(run([arguments.floor, trace])[:2]))
            user, system, resident = run([arguments.smtpscope, "read", "--log-dir", logs, "--set", *settings, trace])
            seconds.append(user + system)
            memory.append(resident)
        records = records_in(logs)
    cpu = statistics.median(seconds)
    rate, record_rate = design.get(name, (None, None))
    print(f"{name + ' ' + work:<24} {megabytes:>7.0f} {megabytes / cpu:>9.0f} {rate or '-':>7} "
          f"{megabytes / statistics.median(floor):>7.0f} {records / cpu:>10.0f} {record_rate or '-':>8} "
          f"{max(memory):>7.1f} {DESIGN_MEMORY:>7} {min(seconds):>8.2f} {max(seconds):>7.2f}", flush=True)


def measured(arguments, trace, times=1, settings=()):
    """run() of `read` on the trace, `times` over."""
    with tempfile.TemporaryDirectory() as logs:
        command = [arguments.smtpscope, "read", "--log-dir", logs]
        for s in settings:
            command += ["--set", s]
        return run(command + [trace] * times)


def growth(arguments, what, count, times, settings):
    """User seconds for `count` and for twice that: the least of some runs, and of more while the ratio is too high."""
    traces = [made(arguments.traffic, arguments.cache, what, n) for n in (count, 2 * count)]
    start = measured(arguments, made(arguments.traffic, arguments.cache, "recipients", 0))[0]
    least = [float("inf")] * 2
    for _ in range(ATTEMPTS):
        for _ in range(2):
            for i, trace in enumerate(traces):
                least[i] = min(least[i], measured(arguments, trace, times, settings)[0] - start)
        if least[1] <= LIMIT * least[0]:
            break
    return least


def check_growth(arguments):
    """Whether twice as much takes at most LIMIT times as long."""
    print(f"\n{'twice the':<16} {'count':>10} {'seconds':>8} {'doubled':>8} {'ratio':>6}   at most {LIMIT}")
    good = True
    for what, (count, times, settings) in GROWTH.items():
        once, twice = growth(arguments, what, count, times, settings)
        ratio = twice / once
        good = good and ratio <= LIMIT
        print(f"{what:<16} {count:>10} {once:>8.2f} {twice:>8.2f} {ratio:>6.2f}   {'' if ratio <= LIMIT else 'TOO MUCH'}",
              flush=True)
    return good


def measure_idle(arguments):
    """What one session more holds, after its EHLO."""
    few, many = (measured(arguments, made(arguments.traffic, arguments.cache, "idle-sessions", n))[2] for n in IDLE_SESSIONS)
    each = (many - few) * 2**20 / (IDLE_SESSIONS[1] - IDLE_SESSIONS[0])
    print(f"\nmemory for an idle session: {each:.0f} bytes, at most {DESIGN_IDLE}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1000, help="MB of each profile")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cache", default="build/bench")
    parser.add_argument("--skip-growth", action="store_true")
    parser.add_argument("smtpscope")
    parser.add_argument("traffic")
    parser.add_argument("floor")
    parser.add_argument("traces", nargs="*")
    arguments = parser.parse_args()
    os.makedirs(arguments.cache, exist_ok=True)
    traces = [(os.path.basename(t).partition(".")[0], t) for t in arguments.traces]
    if not traces:
        traces = [(p, made(arguments.traffic, arguments.cache, p, arguments.size)) for p in DESIGN]

    print(f"{'':<24} {'':>7} {'MB per CPU-second':^25} {'records per CPU-s':^19} {'resident MB':^15} {'CPU-seconds':^16}")
    print(f"{'trace':<24} {'MB':>7} {'median':>9} {'design':>7} {'floor':>7} {'median':>10} {'design':>8} {'most':>7} "
          f"{'design':>7} {'least':>8} {'most':>7}")
    for name, trace in traces:
        for work in WORK if name != "starttls" else [""]:
            measure(arguments, name, trace, work)
    if arguments.skip_growth:
        return
    measure_idle(arguments)
    if not check_growth(arguments):
        sys.exit("something grows faster than it should")


if __name__ == "__main__":
    main()
