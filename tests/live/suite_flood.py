#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What strangers can do to the agent from outside: SESSIONS (default 200000) that say hello and then nothing, and SYNS
(default 1000000) from as many addresses to the mail server's port. Memory stays bounded, the cost of a packet does not
grow with the number of sessions, and real mail is recorded meanwhile.
"""

import ipaddress
import os
import random

from agent import Agent, causes
from frames import ACK, PUSH, SYN, Sender
from mail import Sending, check_records, expected_records, sessions
from postfix import Postfix
from report import Report
from testbed import CLIENT_MAC, SERVER, SERVER_MAC, Testbed, cpu_seconds

SESSIONS = int(os.environ.get("SESSIONS", "200000"))
SYNS = int(os.environ.get("SYNS", "1000000"))
BATCH = 20000
NOBODY = int(ipaddress.ip_address("10.99.0.77"))  # no address of the server's host: no stack has a say
MOST_EACH = 1150  # bytes of resident memory for a session that has said hello
MOST_FLOODED = 256 << 20  # bytes, for as many half-open connections as limits.flows lets in
SLOWER = 2.0  # the last sessions, compared with the first ones


def resident(agent):
    return agent.status()["memory"]["resident"]


def client_of(number):
    """Different for every number: (address, port)."""
    return 0x0A800000 + number // 20000, 40000 + number % 20000


def hello(bed):
    """The packets of a session up to the reply to EHLO, in order: who sends each of them."""
    to_server, to_client = (CLIENT_MAC, SERVER_MAC), (SERVER_MAC, CLIENT_MAC)
    greeting, command = b"220 mx ESMTP\r\n", b"EHLO client.example\r\n"
    reply = b"250-mx\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-STARTTLS\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
    return [("client", Sender(bed.client, to_server, SYN, 1000)),
            ("server", Sender(bed.server, to_client, SYN | ACK, 2000, 1001)),
            ("server", Sender(bed.server, to_client, ACK | PUSH, 2001, 1001, greeting)),
            ("client", Sender(bed.client, to_server, ACK | PUSH, 1001, 2001 + len(greeting), command)),
            ("server", Sender(bed.server, to_client, ACK | PUSH, 2001 + len(greeting), 1001 + len(command), reply))]


def real_mail(report, bed, name, agent):
    """Beside records of nothing: strangers have no transactions."""
    check_records(report, name, agent, expected_records(Sending(bed, sessions(40, tls=(False,)), name=name).finish()))


def many_sessions(report, bed):
    """In batches, so that it is the agent that is measured and not the ring's size."""
    agent = Agent(bed, "sessions", "native", options=("--set", "limits.idle_timeout=1h"))
    packets, server = hello(bed), (NOBODY, 25)
    before, costs = resident(agent), []
    for first in range(0, SESSIONS, BATCH):
        spent = cpu_seconds(agent.process)
        for who, sender in packets:
            for number in range(first, min(first + BATCH, SESSIONS)):
                client = client_of(number)
                sender.send(*((client, server) if who == "client" else (server, client)))
        status = agent.idle_status()
        costs.append(cpu_seconds(agent.process) - spent)
    for _, sender in packets:
        sender.close()
    each = (status["memory"]["resident"] - before) / SESSIONS
    print(f"    {each:.0f} bytes for each of {SESSIONS} sessions; CPU seconds for each {BATCH}: "
          + " ".join(f"{c:.2f}" for c in costs))
    report.equal("sessions: all are open", status["engine"]["flows_open"], SESSIONS)
    report.equal("sessions: nothing is lost", causes(status)["lost"], 0)
    report.check("sessions: memory for each", each <= MOST_EACH, each)
    third = max(1, len(costs) // 3)
    report.check("sessions: the last ones cost what the first ones cost",
                 sum(costs[-third:]) <= SLOWER * sum(costs[:third]) + 0.1, costs)
    real_mail(report, bed, "sessions", agent)
    report.equal("sessions: exit status", agent.stop(), 0)


def flood(report, bed):
    agent = Agent(bed, "flood", "native")
    before = resident(agent)
    sender, chance = Sender(bed.client, (CLIENT_MAC, SERVER_MAC), SYN, 1000), random.Random(1)
    server = (int(ipaddress.ip_address(SERVER[4])), 25)
    sending = Sending(bed, sessions(40, tls=(False,)), name="flooded")
    for _ in range(SYNS):
        sender.send((chance.randrange(0x0B000000, 0xDF000000), chance.randrange(1024, 65536)), server)
    sender.close()
    expected = expected_records(sending.finish())
    status = agent.idle_status()
    grown = status["memory"]["resident"] - before
    print(f"    {grown >> 20} MiB more, {status['engine']['flows_open']} connections followed, {causes(status)}")
    report.check("flood: the SYNs were seen", causes(status)["seen"] >= SYNS, causes(status))
    report.check("flood: memory is bounded", grown <= MOST_FLOODED, grown)
    report.equal("flood: nothing is lost", causes(status)["lost"], 0)
    check_records(report, "flood", agent, expected)
    report.equal("flood: exit status", agent.stop(), 0)


def main():
    report = Report("flood")
    with Testbed() as bed:
        Postfix(bed)
        report.section(many_sessions, bed)
        report.section(flood, bed)
    report.finish()


if __name__ == "__main__":
    main()
