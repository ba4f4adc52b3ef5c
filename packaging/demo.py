#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What `make run` shows: the agent at work on this machine, and one mail that makes its record at once.

The mail goes to a real Postfix, through a private pair of network namespaces. An agent follows the interfaces of its own
namespace, so two of them run: one here, one in the server's. Ends with Ctrl-C and leaves nothing behind; ends by itself
after the mail when the output is not a terminal or CI is set.

    demo.py SMTPSCOPE        the program to show
"""

import contextlib
import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/live"))

from postfix import Postfix  # noqa: E402
from testbed import CLIENT, IFACE, SERVER, Skipped, Testbed, die_with_parent, need, sh, stop, wait_until  # noqa: E402

KINDS = {
    "xdp_native": "native XDP",
    "xdp_generic": "generic XDP",
    "tc_ingress": "TC ingress",
    "tc_egress": "TC egress",
}
SUBJECT = "Hello from smtpscope"


class Failure(Exception):
    """The demonstration cannot go on; what it was told says why."""


def heading(text):
    print(f"\n== {text}", flush=True)


class Agent:
    """`smtpscope run` in a network namespace; None is this machine's own."""

    def __init__(self, bed, program, name, namespace, *arguments):
        self.program, self.name = program, name
        self.socket = f"{bed.dir}/{name}.sock"
        self.log = f"{bed.dir}/{name}.log"
        self.records = queue.Queue()
        command = [program, "run", "-c", f"{bed.dir}/empty.yaml", "--set", f"control.socket={self.socket}",
                   "--set", "log.sinks=[{type: stdout, format: json}]", *arguments]
        with open(self.log, "wb") as log:
            if namespace:
                self.process = bed.start(namespace, *command, stdout=subprocess.PIPE, stderr=log)
            else:
                self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log,
                                                preexec_fn=die_with_parent)
                bed.processes.append(self.process)
        threading.Thread(target=self.read_records, daemon=True).start()
        wait_until(self.status, 15, f"the agent {name} answers")

    def read_records(self):
        for line in self.process.stdout:
            self.records.put(json.loads(line))

    def status(self):
        """Its own account of itself; None while it does not answer."""
        if self.process.poll() is not None:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                raise Failure(f"the agent {self.name} has ended: {log.read().strip()}")
        done = subprocess.run([self.program, "status", "--json", "-c", os.path.dirname(self.socket) + "/empty.yaml",
                               "--set", f"control.socket={self.socket}"], capture_output=True, timeout=20, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None


def attachments(status):
    """Lines that tell which program is on which interface, and why not a better one."""
    for a in status["attachments"]:
        reason = f"; {a['reason']}" if a["reason"] else ""
        yield f"{a['interface']} (ifindex {a['ifindex']}): {KINDS.get(a['kind'], a['kind'])}, by {a['means']}{reason}"


def start_postfix(bed):
    """`postfix start-fg` runs the server as a child in a session of its own, which has to be ended by itself."""
    def end_master():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            pid = int(pathlib.Path(server.dir, "queue/pid/master.pid").read_text(encoding="ascii"))
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 10, "Postfix ends")

    server = Postfix(bed)
    bed.cleanup.callback(end_master)


def send_mail(bed):
    done = bed.run(bed.client, "swaks", "--server", SERVER[4], "--helo", "client.example.org", "--from",
                   "alice@example.org", "--to", "bob@example.net,carol@example.net", "--header", f"Subject: {SUBJECT}",
                   "--body", "One mail, through XDP and TC.", "--silent", "2", check=False)
    print(done.strip() or f"{CLIENT[4]} -> {SERVER[4]}:25, accepted by Postfix")


def show(bed, program):
    heading("The agent on this machine")
    agents = []
    try:
        agents.append(Agent(bed, program, "here", None))
        print("\n".join(attachments(agents[0].status())) or "no interface is up")
    except Failure as problem:  # one is running already, say
        print(problem)

    heading(f"One mail: {CLIENT[4]} -> Postfix on {SERVER[4]}, in namespaces {bed.client} and {bed.server}")
    start_postfix(bed)
    server = Agent(bed, program, "server", bed.server, "-i", IFACE, "--set", "capture.xdp_mode=native")
    send_mail(bed)
    try:
        record = server.records.get(timeout=15)
    except queue.Empty:
        raise Failure(f"no record of it within 15 s; status: {json.dumps(server.status())}") from None

    heading("Its record")
    print(json.dumps(record, indent=2, ensure_ascii=False))
    heading("The way it took")
    status = server.status()
    print("\n".join(attachments(status)))
    kernel = status["kernel"]
    print(f"ring: {kernel['seen']} packets seen = {kernel['delivered']} delivered + {kernel['ignored']} ignored "
          f"(empty acknowledgements) + {kernel['lost']} lost; {kernel['bytes_delivered']} bytes delivered")
    if record.get("subject") != SUBJECT:
        raise Failure("that is not the record of the mail that was sent")
    return [*agents, server]


def follow(agents):
    heading("Records as they come, until Ctrl-C")
    while True:
        for agent in agents:
            agent.status()
            while not agent.records.empty():
                print(json.dumps(agent.records.get(), ensure_ascii=False), flush=True)
        time.sleep(0.5)


def main():
    program = os.path.abspath(sys.argv[1])
    unattended = bool(os.environ.get("CI")) or not sys.stdin.isatty() or not sys.stdout.isatty()
    need("swaks", "postfix")
    heading("What this machine allows (smtpscope probe)")
    print(sh(program, "probe", check=False).rstrip())
    with Testbed() as bed:
        open(f"{bed.dir}/empty.yaml", "w", encoding="ascii").close()  # the defaults, whatever /etc says
        try:
            agents = show(bed, program)
            if not unattended:
                follow(agents)
            status = 0
        except KeyboardInterrupt:
            status = 0
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C does not stop the tidying up
            heading("Ending; nothing stays attached")
    return status


try:
    sys.exit(main())
except (Failure, Skipped, RuntimeError, TimeoutError) as problem:
    sys.exit(f"demo: {problem}")
