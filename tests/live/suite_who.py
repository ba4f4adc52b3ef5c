#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Whose process took part in a mail: its uid, user, unit and container, on either side and on lo, over IPv4 and IPv6.

The units are folders of this suite's own in the cgroup tree, with the names that systemd and Docker would give them. The
agents run as another user with the three capabilities of the service.
"""

import json
import os
import pwd
import secrets
import shutil
import subprocess
import sys

from agent import Agent
from cgroups import Cgroups
from mail import CLIENT_PY, Held, make_mail
from postfix import Postfix
from report import Report
from testbed import SERVER, Skipped, Testbed, mirrored, need, wait_until

NOBODY = pwd.getpwnam("nobody")
UNNAMED = 2_000_000_011  # a uid without a name
CAPS = "+bpf,+net_admin,+perfmon"
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
WHO = ("process_uid", "process_user", "process_unit", "container")


def as_user(uid, caps=""):
    """Words before a command that is to run as this user, with no capabilities but these."""
    kept = (f"--bounding-set=-all,{caps}", f"--inh-caps=-all,{caps}", f"--ambient-caps=-all,{caps}") if caps else ()
    return ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *kept)


def start_agent(bed, name, **how):
    return Agent(bed, name, "tc", prefix=as_user(NOBODY.pw_uid, CAPS), owner=NOBODY.pw_uid, **how)


def send(bed, namespace, host, n, *prefix):
    """One mail by a client that is run under `prefix`; its subject."""
    session = {"host": host, "port": 25, "tls": False, "bdat": 0, "pipeline": False, "mails": [make_mail(n)]}
    script = bed.dir + "/client.py"
    shutil.copy(CLIENT_PY, script)  # where every user can read it
    bed.run(namespace, *prefix, sys.executable, script, input=json.dumps(session) + "\n")
    return session["mails"][0]["subject"]


def who(agent, subject):
    """What the record of this mail says of the process: the fields that are there."""
    def found():
        return [r for r in agent.read("smtp") if r.get("subject") == subject]
    record = wait_until(found, 15, f"a record of {subject}", every=0.1)[0]
    return {field: record[field] for field in WHO if field in record}


def process(uid, user, unit, container=None):
    known = dict(zip(WHO, (uid, user, unit, container)))
    return {field: value for field, value in known.items() if value is not None}


def both_sides(report, bed, cgroups):
    """Each agent tells of the process on its own side."""
    server = start_agent(bed, "server")
    client = start_agent(mirrored(bed), "client")
    postfix = process(pwd.getpwnam("postfix").pw_uid, "postfix", "postfix@-.service")
    spam = cgroups.inside("user.slice/user-1234.slice/php-spam.scope")
    shell = cgroups.inside("user.slice/user-1234.slice")
    rows = [("a scope", spam, NOBODY.pw_uid, process(NOBODY.pw_uid, "nobody", "php-spam.scope")),
            ("a slice alone", shell, NOBODY.pw_uid, process(NOBODY.pw_uid, "nobody", "user-1234.slice")),
            ("a uid without a name", spam, UNNAMED, process(UNNAMED, None, "php-spam.scope"))]
    for n, (name, folder, uid, expected) in enumerate(rows):
        for family, host in SERVER.items():
            subject = send(bed, bed.client, host, 10 * n + family, *folder, *as_user(uid))
            report.equal(f"outbound, IPv{family}, {name}: the client", who(client, subject), expected)
            report.equal(f"inbound, IPv{family}, {name}: the server", who(server, subject), postfix)
    status = client.status()["cgroups"]
    report.check("few readings of the cgroups are enough", 1 <= status["readings"] <= len(rows) + 1, status)


def short_lived(report, bed, cgroups):
    """What is gone when the record is written was there when the connection began."""
    client = start_agent(mirrored(bed), "short-lived")
    container = secrets.token_hex(32)
    rows = [("a scope", "system.slice/php-2.scope", process(NOBODY.pw_uid, "nobody", "php-2.scope")),
            ("a container", f"system.slice/docker-{container}.scope",
             process(NOBODY.pw_uid, None, f"docker-{container}.scope", container))]
    for n, (name, path, expected) in enumerate(rows, 100):
        client.idle_status()  # and a tenth of a second later than the scope before
        folder = cgroups.inside(path)
        subject = send(bed, bed.client, SERVER[4], n, *folder, *as_user(NOBODY.pw_uid))
        cgroups.remove(f"{cgroups.root}/{path}")
        report.equal(f"{name} that lived for one mail", who(client, subject), expected)


def over_lo(report, bed, cgroups):
    """Both ends are of this host: who sent the mail counts, though the server speaks first."""
    agent = start_agent(bed, "lo", iface="lo")
    folder = cgroups.inside("system.slice/cron.service")
    for family, host in LOOPBACK.items():
        subject = send(bed, bed.server, host, 200 + family, *folder, *as_user(NOBODY.pw_uid))
        report.equal(f"lo, IPv{family}: the client", who(agent, subject), process(NOBODY.pw_uid, "nobody", "cron.service"))


def without_cgroups(report, bed):
    """An agent that sees no cgroup2 names the user all the same, and says what is missing."""
    hidden = ("sh", "-c", f'umount "{bed.dir}/cgroup" && exec "$@"', "sh")
    agent = Agent(bed, "hidden", "tc", prefix=hidden)
    subject = send(bed, bed.client, SERVER[4], 300)
    report.equal("no cgroup2: uid and user", who(agent, subject),
                 process(pwd.getpwnam("postfix").pw_uid, "postfix", None))
    report.check("no cgroup2: it says so", "cgroup2 is not mounted here" in agent.log(), agent.log())


def stops_in_between(report, bed):
    """A mail that the agent did not see the end of is marked; one that was over is not."""
    agent = start_agent(bed, "stops")
    whole, half = Held(bed, SERVER[4]), Held(bed, SERVER[6])
    whole.step("mail", make_mail(400))
    for command in ("EHLO client.smtpscope.example", "MAIL FROM:<half@client.smtpscope.example>"):
        half.command(command, 250)
    agent.idle_status()
    agent.stop()
    found = {r["mailfrom"]: r.get("incomplete") for r in agent.read("smtp")}
    report.equal("the agent stops", found, {make_mail(400)["sender"]: None, "half@client.smtpscope.example": "shutdown"})
    for held in (whole, half):
        held.quit()


def main():
    report = Report("who")
    with Testbed() as bed:
        need("setpriv", "mount")
        try:
            cgroups = Cgroups(bed)
        except Skipped as why:
            report.skip("cgroups", why)
            report.finish()
        Postfix(bed, prefix=cgroups.inside("system.slice/system-postfix.slice/postfix@-.service"))
        report.section(both_sides, bed, cgroups)
        report.section(short_lived, bed, cgroups)
        report.section(over_lo, bed, cgroups)
        report.section(without_cgroups, bed)
        report.section(stops_in_between, bed)
    report.finish()


if __name__ == "__main__":
    main()
