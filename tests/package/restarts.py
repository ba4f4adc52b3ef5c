# SPDX-License-Identifier: BSD-3-Clause
"""The service's end and beginning while mail flows, with systemd's store of descriptors."""

import re
import subprocess
import tempfile
import time

from box import SERVER
from mail import Held, Sending, flow_differences, make_mail, sessions
from testbed import die_with_parent, stop, wait_until

RESTARTS, KILLS, MAILS, CLIENTS = 4, 2, 800, 2


class Outside:
    """The client's namespace, as Sending and Held want it."""

    def __init__(self, box, folder):
        self.client, self.dir, self.processes = box.client, folder, []

    def start(self, namespace, *command, **kwargs):
        self.processes.append(subprocess.Popen(["ip", "netns", "exec", namespace, *command], preexec_fn=die_with_parent,
                                               **kwargs))
        return self.processes[-1]

    def stop(self):
        for process in self.processes:
            stop(process)


def links(box):
    """The ids of the agent's links, by the kernel's word on its descriptors."""
    said = box.run("sh", "-c", f"cat /proc/{box.main_pid()}/fdinfo/*")
    return set(re.findall(r"^link_id:\s*(\d+)", said, re.M))


def kernel(box):
    return box.status()["kernel"]


def idle_kernel(box):
    """Counters that are the same twice, half a second apart."""
    last = kernel(box)
    for _ in range(20):
        time.sleep(0.5)
        now = kernel(box)
        if now == last:
            return now
        last = now
    raise TimeoutError(f"packets keep coming: {last}")


def records(box, since):
    """The smtp records in the journal since that cursor, with the keys that they have in files."""
    entries = box.journal("-u", "smtpscope", f"--after-cursor={since}")
    return [{key[5:].lower(): value for key, value in entry.items() if key.startswith("SMTP_")} for entry in entries
            if "SMTP_TRANS_DEPTH" in entry]


def as_list(record):
    rcpts = record.get("rcptto", [])
    return dict(record, rcptto=rcpts if isinstance(rcpts, list) else [rcpts])


def cursor(box):
    return box.journal("-n", "1")[0]["__CURSOR"]


def restart(box):
    box.run("systemctl", "restart", "smtpscope")


def kill(box):
    pid = box.main_pid()
    box.run("kill", "-KILL", str(pid))
    wait_until(lambda: box.main_pid() not in (0, pid) and box.succeeds("systemctl", "is-active", "smtpscope"), 15,
               "the service is back")


def flow_through(report, box, name, how, times, may_miss):
    """Ends the service that often while mail flows and a session is held open. `may_miss`: mails that may have no record."""
    since, before, attached = cursor(box), kernel(box), links(box)
    report.equal(f"{name}: two links on the interface", len(attached), 2)
    with tempfile.TemporaryDirectory(prefix="smtpscope-package-") as folder:
        outside = Outside(box, folder)
        try:
            wanted = [dict(session, host=SERVER) for session in sessions(MAILS, families=(4,), ports=(25,), tls=(False,))]
            held = Held(outside, SERVER)
            mails = [make_mail(10000 + n) for n in range(times + 1)]
            mails[0]["reply"] = held.step("mail", mails[0])[-1]
            seen, done = before["seen"], []
            for n in range(times):
                sending = Sending(outside, wanted[n::times], CLIENTS, f"sending-{n}")
                wait_until(lambda so_far=sending.done_so_far: len(so_far()[0]) >= 5, 60, "mail flows")
                report.check(f"{name}: {n}: mail is being sent", any(p.poll() is None for p in sending.processes))
                how(box)
                now = kernel(box)
                report.check(f"{name}: {n}: the counters go on, nothing is lost", now["seen"] >= seen and now["lost"] == 0, now)
                report.equal(f"{name}: {n}: the links are the same", links(box), attached)
                seen = now["seen"]
                mails[n + 1]["reply"] = held.step("mail", mails[n + 1])[-1]
                done += sending.finish()
            held.quit()
        finally:
            outside.stop()
    now = idle_kernel(box)
    report.check(f"{name}: seen = delivered + ignored, lost nothing", now["lost"] == 0
                 and now["seen"] == now["delivered"] + now["ignored"] > before["seen"], now)
    missing, foreign, wrong, incomplete = flow_differences([*done, {"mails": mails}], map(as_list, records(box, since)),
                                                              killed=how is kill)
    report.check(f"{name}: every mail has a record, but for {may_miss} at most", len(missing) <= may_miss, missing)
    report.equal(f"{name}: one for each, and right", (wrong, foreign), ([], []))
    report.check(f"{name}: only what was under way is incomplete", incomplete <= times * (CLIENTS + 1), incomplete)


def restarts_lose_nothing(report, box):
    flow_through(report, box, "restart", restart, RESTARTS, 0)
    # What the dead process had read and not yet written is gone: of each client, the mail that was under way or just over.
    flow_through(report, box, "kill -9 under load", kill, KILLS, KILLS * CLIENTS * 2)
    box.run("systemctl", "stop", "smtpscope")
    report.equal("stop: nothing is attached", box.attached(), [])
    box.run("systemctl", "start", "smtpscope")
