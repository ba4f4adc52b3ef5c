#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""An agent that has nothing to do sleeps: its timer, its wake-ups, its CPU time; and it is there when there is something."""

import glob
import os
import re
import time

from agent import Agent
from mail import Held, make_mail
from postfix import Postfix
from report import Report
from testbed import SERVER, Testbed, wait_until

STARTS = 20
SECONDS = 5  # that are measured
WATCHDOG = 1.0


def timer_interval(process):
    """Of its timer, in seconds."""
    found = []
    for link in glob.glob(f"/proc/{process.pid}/fd/*"):
        if os.readlink(link) != "anon_inode:[timerfd]":
            continue
        with open(link.replace("/fd/", "/fdinfo/"), encoding="ascii") as file:
            found += re.findall(r"it_interval: \((\d+), (\d+)\)", file.read())
    (interval,) = found
    return int(interval[0]) + int(interval[1]) / 1e9


def sum_of_threads(process, name, pattern):
    total = 0
    for path in glob.glob(f"/proc/{process.pid}/task/*/{name}"):
        with open(path, encoding="ascii") as file:
            total += int(re.search(pattern, file.read(), re.M).group(1))
    return total


def wakeups(process):
    return sum_of_threads(process, "status", r"^voluntary_ctxt_switches:\s*(\d+)")


def cpu_milliseconds(process):
    return sum_of_threads(process, "schedstat", r"^(\d+)") / 1e6


def every_start_has_its_timer(report, bed):
    """The interval, which decides how often it wakes and tells the service manager that it is alive."""
    intervals = []
    for n in range(STARTS):
        agent = Agent(bed, f"start-{n}")
        intervals.append(wait_until(lambda process=agent.process: timer_interval(process), 5, "a timer"))
        agent.stop()
    report.equal(f"timer: a second, on {STARTS} starts", intervals, [1.0] * STARTS)


def sleeps(report, bed):
    """Workers without a session wait for packets alone, however many they are."""
    agent = Agent(bed, "sleeper", options=("--set", "capture.shards=4"))
    agent.idle_status()
    process = agent.process
    began, woken, used = time.monotonic(), wakeups(process), cpu_milliseconds(process)
    wait_until(lambda: time.monotonic() - began >= SECONDS, SECONDS + 5, "some seconds", every=0.5)
    woken, used, took = wakeups(process) - woken, cpu_milliseconds(process) - used, time.monotonic() - began
    report.check("asleep: fewer than two wake-ups a second, all threads together", woken / took < 2, (woken, took))
    report.check("asleep: less than half a percent of a CPU", used / took < 5, f"{used} ms in {took} s")
    client = Held(bed, SERVER[4])
    mail, reply = make_mail(1), client.step("mail", make_mail(1))[-1]
    report.equal("awake: a mail is recorded at once", [(r["mailfrom"], r["last_reply"]) for r in agent.records(1)],
                 [(mail["sender"], reply)])
    report.equal("awake: the session is listed", len(agent.flows()["flows"]), 1)
    client.quit()
    report.equal("asleep: exit status", agent.stop(), 0)


def tells_that_it_is_alive(report, bed):
    """In the time that the service manager allows, with sessions and without."""
    agent = Agent(bed, "watched", prefix=("env", f"WATCHDOG_USEC={int(WATCHDOG * 1e6)}"))
    report.equal("watchdog: the timer has half of its time", timer_interval(agent.process), WATCHDOG / 2)
    for name, client in (("no session", None), ("a session", lambda: Held(bed, SERVER[4]))):
        client = client and client()
        while not agent.told.empty():
            agent.told.get()
        agent.wait_for_notification("WATCHDOG=1")
        gaps, last = [], time.monotonic()
        for _ in range(6):
            agent.wait_for_notification("WATCHDOG=1")
            gaps.append(time.monotonic() - last)
            last = time.monotonic()
        report.check(f"watchdog, {name}: told in time", max(gaps) < WATCHDOG, gaps)
        report.check(f"watchdog, {name}: and not much more often", sum(gaps) > 4 * WATCHDOG / 2, gaps)
        if client:
            client.quit()
    report.equal("watchdog: exit status", agent.stop(), 0)


def main():
    report = Report("idle")
    with Testbed() as bed:
        Postfix(bed)
        report.section(every_start_has_its_timer, bed)
        report.section(sleeps, bed)
        report.section(tells_that_it_is_alive, bed)
    report.finish()


if __name__ == "__main__":
    main()
