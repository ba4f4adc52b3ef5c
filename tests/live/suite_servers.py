#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Postfix, Exim and OpenSMTPD as they are: every mail is recorded where it comes in and where it is relayed onward, once
on each leg, with the user and the unit of the server.

A client sends over IPv4 and IPv6, to 25 and 587, in plain text and after STARTTLS. The recipient's domain tells the server
the way onward, of which there are as many kinds. A Postfix beside the client receives what is relayed; its log tells what
has really come.
"""

import collections
import dataclasses
import itertools
import re
import subprocess

from agent import Agent, check_accounts
from cgroups import Cgroups
from mail import Sending, differences, expected_records, make_mail
from packaged import Exim, OpenSMTPD
from postfix import Postfix
from report import Report
from testbed import CLIENT, SERVER, Skipped, Testbed, mirrored, wait_until

WHO = ("process_user", "process_unit")
SCACHE = "scache unix - - n - 1 scache\n"


@dataclasses.dataclass(frozen=True)
class Way:
    """A kind of connection from the server onward; mail to its domain takes it."""
    name: str
    domain: str
    host: str
    port: int
    tls: bool


def make_ways():
    ways = []
    for port, tls, family in itertools.product((25, 587), (False, True), (4, 6)):
        name = f"{'tls' if tls else 'plain'}{port}v{family}"
        ways.append(Way(name, name + ".smtpscope.example", CLIENT[family], port, tls))
    return ways


WAYS = make_ways()


class RelayingPostfix(Postfix):
    user = "postfix"

    def __init__(self, bed, prefix):
        maps = " ".join(f"{{ {way.domain} = {way.name}:[{way.host}]:{way.port} }}" for way in WAYS)
        services = "".join(f"{way.name} unix - - n - - smtp -o smtp_tls_security_level={'encrypt' if way.tls else 'none'}\n"
                           for way in WAYS)
        super().__init__(bed, "relaying", prefix, main=f"transport_maps = inline:{{ {maps} }}\n", master=SCACHE + services)


SERVERS = {"postfix": (RelayingPostfix, "system-postfix.slice/postfix@-.service"),
           "exim": (lambda bed, prefix: Exim(bed, WAYS, prefix), "exim4.service"),
           "opensmtpd": (lambda bed, prefix: OpenSMTPD(bed, WAYS, prefix), "opensmtpd.service")}


def starttls_failure(bed):
    """What a handshake with the server ends in; None if it succeeds."""
    said = bed.run(bed.client, "openssl", "s_client", "-starttls", "smtp", "-connect", SERVER[4] + ":25",
                   stdin=subprocess.DEVNULL, check=False)
    return next((line for line in said.splitlines() if ":error:" in line), None)


def sessions(tls_kinds):
    """For each kind of connection from the client, one with a mail for each way onward."""
    numbers = itertools.count(1)
    made = []
    for port, tls, family in itertools.product((25, 587), tls_kinds, (4, 6)):
        mails = []
        for way, n in zip(WAYS, numbers):
            mail = make_mail(n)
            mails.append(dict(mail, rcpts=[f"{r.split('@')[0]}@{way.domain}" for r in mail["rcpts"]]))
        made.append({"host": SERVER[family], "port": port, "tls": tls, "bdat": 0, "pipeline": False, "mails": mails})
    return made


class Received:
    """What the receiver's log says has come: for each queue id the message id, the sender and the recipients."""

    PATTERN = re.compile(r"postfix/(?:cleanup|qmgr|discard)\[\d+\]: (\w+): (message-id|from|to)=<([^>]*)>?")

    def __init__(self, log):
        self.mails = collections.defaultdict(lambda: {"message-id": [], "from": [], "to": []})
        for queue_id, what, value in self.PATTERN.findall(log):
            self.mails[queue_id][what].append(value)
        self.tls_connections = collections.Counter(
            re.findall(r"TLS connection established from \S*\[([0-9a-f:.]+)\]", log))

    def recipients(self):
        return collections.Counter(to for mail in self.mails.values() for to in mail["to"])


class Receiver(Postfix):
    """Beside the client. It is started again for each server, with an empty log."""

    def __init__(self, bed, name, prefix):
        super().__init__(mirrored(bed), "receiver-" + name, prefix, host="receiver.smtpscope.example",
                         main="smtpd_tls_loglevel = 1\n")

    def received(self):
        return Received(self.log())


def way_to(recipient):
    return next(way for way in WAYS if recipient.endswith("@" + way.domain))


def onward_in_plain_text(mails):
    """The records that belong to what has come in plain text, by the queue id."""
    expected = {}
    for queue_id, mail in mails.items():
        way = way_to(mail["to"][0])
        if not way.tls:
            expected[queue_id] = {"mailfrom": mail["from"][0], "rcptto": sorted(mail["to"]),
                                  "msg_id": f"<{mail['message-id'][0]}>", "id.resp_h": way.host, "id.resp_p": way.port}
    return expected


def check_inbound(report, name, done, records):
    expected = expected_records(done)
    found = differences(expected, records)
    report.check(f"{name}: inbound: {len(expected)} records, one for each mail or TLS session",
                 expected and not found, "\n".join(found[:5]))


def check_onward(report, name, received, records):
    plain = [r for r in records if not r["tls"]]
    expected = onward_in_plain_text(received.mails)
    found = {r.get("queue_id"): {"mailfrom": r.get("mailfrom"), "rcptto": sorted(r.get("rcptto", [])),
                                 "msg_id": r.get("msg_id"), "id.resp_h": r["id.resp_h"], "id.resp_p": r["id.resp_p"]}
             for r in plain}
    report.equal(f"{name}: onward: none twice", len(plain), len(found))
    report.equal(f"{name}: onward: {len(expected)} records, as the receiver's log has it", found, expected)
    report.equal(f"{name}: onward: one record for each TLS session",
                 collections.Counter(r["id.orig_h"] for r in records if r["tls"]), received.tls_connections)


def relays(report, bed, cgroups, name):
    try:
        relays_all(report, bed, cgroups, name)
    finally:
        cgroups.remove(f"{cgroups.root}/{name}.slice")  # with all that listens


def relays_all(report, bed, cgroups, name):
    make, folder = SERVERS[name]
    receiver = Receiver(bed, name, cgroups.inside(f"{name}.slice/receiver.service"))
    server = make(bed, cgroups.inside(f"{name}.slice/{folder}"))
    failure = starttls_failure(bed)
    if failure:  # as with Debian 12's OpenSMTPD, which is older than its OpenSSL
        report.skip(f"{name}: inbound STARTTLS", f"this server cannot: {failure}")
    agent = Agent(bed, name, "auto", prefix=getattr(server, "names", ()))
    wanted = sessions((False,) if failure else (False, True))
    done = Sending(bed, wanted, name=name).finish()
    sent = collections.Counter(r for session in wanted for mail in session["mails"] for r in mail["rcpts"])
    wait_until(lambda: receiver.received().recipients().total() >= sent.total(), 40, "everything is relayed", every=0.3)
    check_accounts(report, name, agent)
    report.equal(f"{name}: exit status", agent.stop(), 0)
    records = agent.read("smtp")
    received = receiver.received()
    report.equal(f"{name}: every recipient got every mail, once", received.recipients() - sent, collections.Counter())
    report.equal(f"{name}: no record is incomplete", [r for r in records if "incomplete" in r], [])
    check_inbound(report, name, done, [r for r in records if r["id.orig_h"] in CLIENT.values()])
    check_onward(report, name, received, [r for r in records if r["id.orig_h"] in SERVER.values()])
    for leg, hosts in (("inbound", CLIENT), ("onward", SERVER)):
        who = collections.Counter(tuple(r.get(f) for f in WHO) for r in records if r["id.orig_h"] in hosts.values())
        report.equal(f"{name}: {leg}: the server's user and unit", list(who), [(server.user, folder.split("/")[-1])])


def main():
    report = Report("servers")
    with Testbed() as bed:
        try:
            cgroups = Cgroups(bed)
        except Skipped as why:
            report.skip("cgroups", why)
            report.finish()
        for name in SERVERS:
            report.section(relays, bed, cgroups, name)
    report.finish()


if __name__ == "__main__":
    main()
