#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the agent does to a TCP connection that is not mail: throughput and round trips on another port of the interface
that it is attached to, and the same without it, in turn.

ROUNDS (default 5) pairs for each of MODES (default "native generic tc"); each round sends MB (default 1000) and makes TRIPS
(default 20,000) round trips of 64 bytes. The median of the ratios is what counts: single figures are noise.
"""

import os
import socket
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))

from agent import Agent, causes  # pylint: disable=wrong-import-position
from report import Report
from testbed import SERVER, Testbed, wait_until

PORT = 5001  # no port of ours
ROUNDS = int(os.environ.get("ROUNDS", "5"))
MEGABYTES = int(os.environ.get("MB", "1000"))
TRIPS = int(os.environ.get("TRIPS", "20000"))
MODES = os.environ.get("MODES", "native generic tc").split()


def serve(connection):
    """Takes all that comes on a connection that begins with `>`, and sends back what comes on others."""
    with connection:
        buffer = bytearray(1 << 20)
        sink = connection.recv(1) == b">"
        while size := connection.recv_into(buffer):
            if not sink:
                connection.sendall(memoryview(buffer)[:size])


def server():
    with socket.create_server(("0.0.0.0", PORT)) as listener:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


def throughput():
    """GB/s."""
    block = bytes(1 << 20)
    with socket.create_connection((SERVER[4], PORT)) as connection:
        connection.sendall(b">")
        began = time.perf_counter()
        for _ in range(MEGABYTES):
            connection.sendall(block)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)  # the other end has taken all of it
        return MEGABYTES * len(block) / 1e9 / (time.perf_counter() - began)


def round_trip():
    """Microseconds."""
    with socket.create_connection((SERVER[4], PORT)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"<")
        message = bytes(64)
        began = time.perf_counter()
        for _ in range(TRIPS):
            connection.sendall(message)
            left = len(message)
            while left:
                left -= len(connection.recv(left))
        return (time.perf_counter() - began) / TRIPS * 1e6


def measure(bed):
    text = bed.run(bed.client, sys.executable, os.path.abspath(__file__), "client", timeout=300)
    return tuple(map(float, text.split()))


def compare(report, mode, bed):
    without, attached = [], []
    for n in range(ROUNDS):
        without.append(measure(bed))
        agent = Agent(bed, f"{mode}-{n}", mode)
        attached.append(measure(bed))
        seen = causes(agent.status())["seen"]
        report.equal(f"{mode}: not one of these packets was looked at more closely", seen, 0)
        agent.stop()
    for what, unit, index in (("throughput", "GB/s", 0), ("round trip", "us", 1)):
        before, after = ([pair[index] for pair in some] for some in (without, attached))
        ratio = statistics.median(b / a for a, b in zip(before, after))
        print(f"{mode:8} {what:10} {statistics.median(before):7.2f} {unit} without, {statistics.median(after):7.2f} with"
              f" the agent: median ratio {ratio:.3f}", flush=True)


def main():
    report = Report("host-bench")
    with Testbed() as bed:
        bed.start(bed.server, sys.executable, os.path.abspath(__file__), "server")
        wait_until(lambda: f":{PORT} " in bed.run(bed.server, "ss", "-Hltn"), 10, "the server listens")
        for mode in MODES:
            report.section(compare, mode, bed)
    report.finish()


if __name__ == "__main__":
    if sys.argv[1:] == ["server"]:
        server()
    elif sys.argv[1:] == ["client"]:
        print(throughput(), round_trip())
    else:
        main()
