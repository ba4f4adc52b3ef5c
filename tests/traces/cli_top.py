#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""`top` on a terminal, of an agent with many sessions: what it writes fits, whatever the size of the window.

usage: cli_top.py SMTPSCOPE
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

os.environ["SMTPSCOPE"] = sys.argv[1]
HERE = sys.path.pop(0)  # behind the standard library, which has a module `secrets` as well
sys.path += [HERE, os.path.join(HERE, "../live")]

from agent import Agent, binary  # noqa: E402
from checks import Checks  # noqa: E402
from frames import ACK, PUSH, SYN, Sender  # noqa: E402
from testbed import CLIENT_MAC, SERVER_MAC, Skipped, Testbed, die_with_parent, stop, wait_until  # noqa: E402

SESSIONS = 70
NOBODY = (0x0A63004D, 25)  # 10.99.0.77, no address of the server's host: no stack has a say
BEGIN = b"\x1b[H\x1b[J"  # of a picture


class Picture:
    """What a terminal of that size shows of the bytes of one picture."""

    def __init__(self, rows, columns, data):
        self.rows, self.columns = rows, columns
        self.lines, self.column = [""], 0
        self.wrapped = self.scrolled = False
        for character in data.decode():
            self.show(character)

    def show(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.feed()
        else:
            if self.column == self.columns:
                self.wrapped, self.column = True, 0
                self.feed()
            self.lines[-1] += character
            self.column += 1

    def feed(self):
        self.scrolled |= len(self.lines) == self.rows
        self.lines.append("")

    def fits(self):
        return not self.wrapped and not self.scrolled and all(line.isprintable() for line in self.lines)


def check_judge(check):
    """One that finds no fault with anything is none."""
    fitting = [Picture(2, 3, data).fits() for data in (b"abc\r\nabc", b"abcd", b"a\r\nb\r\nc", b"a\r\n\r\n", b"\x1b[K")]
    check.equal("what fits", fitting, [True, False, False, False, False])


class Top:
    """The subcommand on a terminal of its own."""

    def __init__(self, agent, rows, columns, *options):
        self.master, slave = pty.openpty()
        self.resize(rows, columns)

        def take_terminal():
            die_with_parent()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        command = [binary(), "top", "-c", "/dev/null", "--set", f"control.socket={agent.dir}/control.sock", *options]
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=take_terminal)
        os.close(slave)
        self.output = b""

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, enough, seconds=20):
        """Reads until it is enough, or the subcommand has ended."""
        end = time.monotonic() + seconds
        while not enough():
            if not select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError(f"top writes no more: {self.output!r}")
            try:
                self.output += os.read(self.master, 65536)
            except OSError:  # nobody has it open any longer
                return

    def pictures(self):
        return self.output.split(BEGIN)[1:]

    def wait_for(self, pictures):
        self.read(lambda: len(self.pictures()) >= pictures)

    def end(self):
        """Everything that it has still to say; its exit status."""
        self.read(lambda: False)
        status = self.process.wait(20)
        os.close(self.master)
        return status


def open_sessions(bed, agent):
    """Each up to the reply to EHLO, packets of no stack."""
    to_server, to_client = (CLIENT_MAC, SERVER_MAC), (SERVER_MAC, CLIENT_MAC)
    greeting, command, reply = b"220 mx ESMTP\r\n", b"EHLO client.example\r\n", b"250 mx\r\n"
    packets = [(True, Sender(bed.client, to_server, SYN, 1000)),
               (False, Sender(bed.server, to_client, SYN | ACK, 2000, 1001)),
               (False, Sender(bed.server, to_client, ACK | PUSH, 2001, 1001, greeting)),
               (True, Sender(bed.client, to_server, ACK | PUSH, 1001, 2001 + len(greeting), command)),
               (False, Sender(bed.server, to_client, ACK | PUSH, 2001 + len(greeting), 1001 + len(command), reply))]
    for from_client, sender in packets:
        for number in range(SESSIONS):
            client = (0xC6336400 + number, 40000 + number)  # 198.51.100.0
            sender.send(*((client, NOBODY) if from_client else (NOBODY, client)))
        sender.close()
    wait_until(lambda: agent.status()["engine"]["flows_open"] == SESSIONS, 20, "all sessions are open")


def sizes(check, agent):
    for rows, columns in (24, 80), (24, 40), (50, 200), (24, 132), (10, 20), (3, 40), (2, 80), (2, 2), (1, 80), (24, 1), (1, 1):
        top = Top(agent, rows, columns, "--count", "1")
        check.equal(f"{rows}x{columns}: exit status", top.end(), 0)
        shown = Picture(rows, columns, top.pictures()[0].removesuffix(b"\r\n"))
        check.equal(f"{rows}x{columns}: it fits: {shown.lines}", shown.fits(), True)
        check.equal(f"{rows}x{columns}: no row stays empty", len(shown.lines), rows)
        check.equal(f"{rows}x{columns}: how it begins", shown.lines[0][:13], f"sessions: {SESSIONS};"[:columns])


def content(check, agent):
    top = Top(agent, 24, 41, "--count", "1")  # as many as the stage and the longest client need
    top.end()
    lines = top.pictures()[0].decode().splitlines()
    check.equal("41 columns: the number of sessions", lines[0].split(";")[0], f"sessions: {SESSIONS}")
    clients = [line for line in lines if re.search(r" commands +198\.51\.100\.\d+:\d+$", line)]
    check.equal("41 columns: the clients", len(clients), 24 - 3 - 1)


def resized(check, agent):
    top = Top(agent, 24, 80, "--interval", "3600")
    top.wait_for(1)
    for number, (rows, columns) in enumerate(((10, 40), (40, 100), (1, 1)), 2):
        top.resize(rows, columns)
        top.wait_for(number)
    top.process.send_signal(signal.SIGINT)
    check.equal("resized: Ctrl-C is no failure", top.end(), 0)
    pictures = top.pictures()
    check.equal("resized: a picture each time", len(pictures), 4)
    check.equal("resized: the cursor leaves the last one", pictures[3], b"s\r\n")
    for (rows, columns), data in zip(((24, 80), (10, 40), (40, 100)), pictures):
        shown = Picture(rows, columns, data)
        check.equal(f"resized to {rows}x{columns}: it fits and fills: {shown.lines}", (shown.fits(), len(shown.lines)), (True, rows))


def agent_ends(check, agent):
    top = Top(agent, 24, 80, "--interval", "1")
    top.wait_for(1)
    check.equal("the agent ends", agent.stop(), 0)
    check.equal("without an agent: exit status", top.end(), 1)
    last = top.output.decode().splitlines()[-1]
    check.equal("without an agent: what it says", last, "smtpscope: the picture above is the last one: no agent is running: "
                f"nobody answers on {agent.dir}/control.sock")
    top = Top(agent, 24, 80)
    check.equal("no agent at all: exit status", top.end(), 1)
    check.equal("no agent at all: what it says", top.output.decode(), "smtpscope: no agent is running: nobody answers on "
                f"{agent.dir}/control.sock\r\n")


def main():
    check = Checks()
    check_judge(check)
    skipped = 0
    try:
        with Testbed() as bed:
            agent = Agent(bed, mode="tc")
            open_sessions(bed, agent)
            for part in sizes, content, resized, agent_ends:
                part(check, agent)
            stop(agent.process)
    except Skipped as why:
        print(f"skip  top: {why}")
        skipped = 1
    print(f"{check.passed} passed, {check.failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return check.failed > 0


if __name__ == "__main__":
    sys.exit(main())
