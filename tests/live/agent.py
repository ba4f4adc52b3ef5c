# SPDX-License-Identifier: BSD-3-Clause
"""The agent under test: started in a namespace, the server's, asked, stopped, and its records read."""

import json
import os
import queue
import socket
import subprocess
import threading
import time

from testbed import IFACE, stop, wait_until

BINARY = os.environ.get("SMTPSCOPE", "build/smtpscope")

CONFIG = """
capture:
  interfaces: [{iface}]
  xdp_mode: {mode}
analyzer:
  max_invalid_mail_transactions: {invalid}
log:
  sinks:
    - {{ type: file, format: json, directory: {dir}/records }}
control: {{ socket: {dir}/control.sock }}
"""


def binary():
    if not os.access(BINARY, os.X_OK):
        raise RuntimeError(f"{BINARY} is not built (SMTPSCOPE names another one)")
    return os.path.abspath(BINARY)


class Agent:
    def __init__(self, bed, name="agent", mode="native", iface=IFACE, invalid=25, ready=True, prefix=(), options=(),
                 owner=0, stdout=None, ns=None, pass_fds=()):
        """`ready`: waits until it is attached. `prefix`: words before the command, to run it under something else.
        `owner`: the user that its folder belongs to. `stdout`: instead of the log. `ns`: instead of the server's
        namespace. `pass_fds`: descriptors that it gets."""
        self.bed, self.dir = bed, os.path.join(bed.dir, name)
        self.values = {"iface": iface, "mode": mode, "invalid": invalid, "dir": self.dir}
        os.makedirs(self.dir + "/records", exist_ok=True)
        for path in (self.dir, self.dir + "/records"):
            os.chown(path, owner, owner)
        self.configure()
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify_path = self.dir + "/notify"
        if os.path.exists(notify_path):
            os.unlink(notify_path)
        self.notify.bind(notify_path)
        os.chmod(notify_path, 0o777)
        command = [*prefix, binary(), "run", "-c", self.config, *options]
        with open(self.dir + "/log", "ab") as log:
            self.process = bed.start(ns or bed.server, *command, stdout=stdout or log, stderr=log, stdin=subprocess.DEVNULL,
                                     env=dict(os.environ, NOTIFY_SOCKET=notify_path), pass_fds=pass_fds)
        # A manager that does not listen makes the agent wait as soon as ten of its messages lie there.
        self.told = queue.SimpleQueue()
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()
        if ready:
            self.wait_for_notification("READY=1", 30)

    def configure(self, **values):
        """Writes the configuration with these values changed."""
        self.values.update(values)
        self.write_configuration(CONFIG.format(**self.values))

    @property
    def config(self):
        """The path of the configuration file."""
        return self.dir + "/config.yaml"

    def configuration(self):
        """The text of the configuration file."""
        with open(self.config, encoding="ascii") as file:
            return file.read()

    def write_configuration(self, text):
        with open(self.config, "w", encoding="ascii") as file:
            file.write(text)

    def wait_for_notification(self, what, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if what in self.told.get(timeout=0.1).split("\n"):
                    return
            except queue.Empty:
                if self.process.poll() is not None:
                    raise RuntimeError(f"the agent has ended ({self.process.returncode}): {self.log()}") from None
        raise TimeoutError(f"no {what} within {seconds} s: {self.log()}")

    def listen(self):
        """Until it has ended and all that it has said was heard."""
        self.notify.settimeout(0.1)
        while True:
            ended = self.process.poll() is not None
            try:
                self.told.put(self.notification())
            except socket.timeout:
                if ended:
                    return

    def notification(self):
        """The next one that it has sent."""
        return self.notify.recv(4096).decode()

    def log(self):
        with open(self.dir + "/log", encoding="utf-8", errors="replace") as file:
            return file.read()

    def ask(self, *options, subcommand="status"):
        """The subcommand as a finished process."""
        command = [binary(), subcommand, "-c", "/dev/null", "--set", f"control.socket={self.dir}/control.sock", *options]
        return subprocess.run(command, text=True, capture_output=True, timeout=20, check=False)

    def status(self):
        done = self.ask("--json")
        if done.returncode != 0:
            raise RuntimeError(f"status: exit {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def flows(self):
        """The sessions that it follows."""
        done = self.ask("--json", subcommand="flows")
        if done.returncode != 0:
            raise RuntimeError(f"flows: exit {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def read(self, stream):
        """The records of a stream, in the order in which they were written."""
        path = f"{self.dir}/records/{stream}.log"
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def records(self, count, seconds=15):
        """At least `count` records of the smtp stream, if they come in time."""
        try:
            wait_until(lambda: len(self.read("smtp")) >= count, seconds, every=0.1)
        except TimeoutError:
            pass
        return self.read("smtp")

    def idle_status(self, seconds=10):
        """A status in which no packet has come since the one before: everything captured has been analysed."""
        end = time.monotonic() + seconds
        last = self.status()
        while time.monotonic() < end:
            time.sleep(0.3)
            now = self.status()
            waiting = now["queue"]["pending"] + sum(sink["waiting"] for sink in now["sinks"])
            if now["kernel"] == last["kernel"] and now["engine"] == last["engine"] and waiting == 0:
                return now
            last = now
        raise TimeoutError(f"packets keep coming: {last}")

    def stop(self):
        return stop(self.process, seconds=60)


def causes(status):
    """seen, delivered, ignored and lost, from the kernel's counters."""
    kernel = status["kernel"]
    return {"seen": kernel["seen"], "delivered": kernel["delivered"],
            "ignored": sum(v for k, v in kernel.items() if k.startswith("ignored_")),
            "lost": sum(v for k, v in kernel.items() if k.startswith("lost_"))}


def check_accounts(report, name, agent):
    """Every packet has exactly one fate, and none of them is a loss. The status."""
    status = agent.idle_status()
    sums = causes(status)
    report.check(f"{name}: seen = delivered + ignored + lost",
                 sums["seen"] == sums["delivered"] + sums["ignored"] + sums["lost"] > 0, sums)
    report.equal(f"{name}: nothing lost", sums["lost"], 0)
    report.equal(f"{name}: the interfaces' accounts are those of the kernel, each a part",
                 {k: sum(i["kernel"][k] for i in status["interfaces"]) for k in status["kernel"]}, status["kernel"])
    engine = status["engine"]
    report.equal(f"{name}: no gaps, nothing malformed", (engine["gaps"], engine["malformed"], engine["bad_checksums"]),
                 (0, 0, 0))
    dropped = [*(n for name, n in status["queue"].items() if name.startswith("dropped_")), *(s["dropped"] for s in status["sinks"])]
    report.check(f"{name}: no record dropped", status["sinks"] and len(dropped) > len(status["sinks"]) and not any(dropped),
                 dropped)
    return status
