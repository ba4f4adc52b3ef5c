# SPDX-License-Identifier: BSD-3-Clause
"""Places that the service's user, or the unit, keeps the agent from: check-config tells root of it, a reload refuses it."""

import json

from testbed import wait_until

CONFIG = "/etc/smtpscope/smtpscope.yaml"
LOGS = "/srv/mail-logs"
DROP_IN = "/etc/systemd/system/smtpscope.service.d"


def log_to(directory):
    return f"log: {{ sinks: [{{ type: journald }}, {{ type: file, directory: {directory} }}] }}\n"


def check_config(box):
    """Whether it is valid, and what is said."""
    return box.succeeds("smtpscope", "check-config"), box.run("smtpscope", "check-config", check=False)


def says(report, box, what, *words):
    valid, said = check_config(box)
    report.check(f"places: {what}: check-config finds it", not valid and all(word in said for word in words), said)


def reload_is_refused(report, box, what, *words):
    pid = box.main_pid()
    report.check(f"places: {what}: a reload fails", not box.succeeds("systemctl", "reload", "smtpscope"))
    error = box.status()["reload_error"]
    report.check(f"places: {what}: and says the same", all(word in error for word in words), error)
    report.equal(f"places: {what}: the agent goes on", box.main_pid(), pid)


def what_is_closed_to_the_service(report, box):
    kept = box.run("cat", CONFIG)
    box.put(log_to(LOGS), CONFIG)
    says(report, box, "no directory", f"log.sinks: {LOGS}: No such file or directory",
         f"install -d -o smtpscope -g smtpscope -m 0750 {LOGS}")
    box.run("mkdir", LOGS)
    says(report, box, "root's directory", "user smtpscope may not write there (root:root, mode 0755)",
         f"chown smtpscope:smtpscope {LOGS}")
    box.run("chown", "smtpscope:smtpscope", LOGS)
    says(report, box, "ProtectSystem=strict", "smtpscope.service makes it read-only (ProtectSystem=strict)",
         "systemctl edit smtpscope", f"ReadWritePaths={LOGS}")
    reload_is_refused(report, box, "ProtectSystem=strict", f"log.sinks: {LOGS}: Read-only file system",
                      f"ReadWritePaths={LOGS}")
    box.run("mkdir", DROP_IN)
    box.put(f"[Service]\nReadWritePaths={LOGS}\n", f"{DROP_IN}/override.conf")
    box.run("systemctl", "daemon-reload")
    report.check("places: the remedy: check-config is content", *check_config(box))
    box.run("systemctl", "restart", "smtpscope")
    box.send_mail("places@example.net", "to a file")

    def records():
        text = box.run("cat", f"{LOGS}/smtp.log", check=False)
        return [json.loads(line)["subject"] for line in text.splitlines() if line.startswith("{")]

    report.equal("places: the remedy: the service writes there", wait_until(records, 10, "a record in the file"), ["to a file"])
    box.run("chown", "root:root", f"{LOGS}/smtp.log")
    box.run("chmod", "640", f"{LOGS}/smtp.log")
    says(report, box, "root's file in it", f"{LOGS}/smtp.log: user smtpscope may not write it")
    box.put(log_to("/tmp"), CONFIG)
    says(report, box, "PrivateTmp", "smtpscope.service hides what is there (PrivateTmp=yes)")
    box.run("chmod", "600", CONFIG)
    says(report, box, "a file for root alone", f"{CONFIG}: user smtpscope may not read it", f"chmod 0640 {CONFIG}")
    box.run("chmod", "644", CONFIG)
    box.put(kept, CONFIG)
    box.run("rm", "-r", DROP_IN, LOGS)
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "restart", "smtpscope")
    report.check("places: as before: check-config is content", *check_config(box))
