# SPDX-License-Identifier: BSD-3-Clause
"""journald goes away and comes back: the records of what was sent meanwhile are there."""

from testbed import wait_until

MAILS = 20
SOCKETS = ("systemd-journald.socket", "systemd-journald-dev-log.socket")
SERVICE = "systemd-journald.service"


def journald_comes_back(report, box):
    def sink():
        return box.status()["sinks"][0]

    before, recipients = sink(), [f"away{n}@example.net" for n in range(MAILS)]
    report.equal("journald away: it is what records go to", before["name"], "journald")
    box.run("systemctl", "stop", *SOCKETS, SERVICE)
    try:
        for recipient in recipients:
            box.send_mail(recipient, "while journald is away")
        wait_until(lambda: sink()["waiting"] >= MAILS, 20, "the records wait", every=0.2)
    finally:
        box.run("systemctl", "start", *SOCKETS, SERVICE)
    wait_until(lambda: sink()["waiting"] == 0, 20, "nothing waits", every=0.2)
    wait_until(lambda: all(box.records_of(r) for r in recipients[-1:]), 10, "the last record is in the journal", every=0.2)
    report.equal("journald away: one record for each mail", {r: len(box.records_of(r)) for r in recipients},
                 dict.fromkeys(recipients, 1))
    report.equal("journald away: none is lost", sink()["dropped"], before["dropped"])
