# SPDX-License-Identifier: BSD-3-Clause
"""A booted Debian (box.sh) with Postfix, and a client beside it in a network namespace of its own."""

import fcntl
import json
import os
import pathlib
import re
import secrets
import signal
import subprocess
import sys
import zlib

from testbed import sh, wait_until

HERE = pathlib.Path(__file__).resolve().parent
SCRIPT, TCX = str(HERE / "box.sh"), str(HERE / "tcx.py")
IFACE = "mail0"
SERVER, CLIENT = "10.98.0.2", "10.98.0.1"

# What the suite needs in the tree beside what the package depends on.
EXTRA = ["postfix", "rpm"]

POSTFIX = """
compatibility_level = 3.6
myhostname = mx.example.net
mydestination =
mynetworks = 127.0.0.0/8 10.98.0.0/24
inet_interfaces = all
inet_protocols = ipv4
smtpd_peername_lookup = no
default_transport = discard:
local_transport = discard:
alias_maps =
alias_database =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
"""


def release():
    """The name of this machine's Debian release: its packages fit no other."""
    text = pathlib.Path("/etc/os-release").read_text(encoding="utf-8")
    return re.search(r"^VERSION_CODENAME=(\w+)", text, re.M).group(1)


def dependencies(deb):
    """Names of the packages that the .deb depends on; of alternatives the first."""
    depends = sh("dpkg-deb", "-f", deb, "Depends").strip()
    return [re.match(r"[\w.+-]+", part.strip()).group(0) for part in depends.split(",")]


def make_tree(cache, packages):
    """The folder of a tree with these packages: one that is there, or a new one. Boxes may run on it at the same time."""
    os.makedirs(cache, exist_ok=True)
    tree = os.path.join(cache, f"{release()}-{zlib.crc32(' '.join(packages).encode()):08x}")
    with open(f"{cache}/lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sh(SCRIPT, "tree", tree, release(), *packages, timeout=900)
    return tree


class Box:
    def __init__(self, tree):
        tag = secrets.token_hex(3)
        self.name, self.client = f"package-{tag}", f"ssp-{tag}"
        self.tree = tree

    def __enter__(self):
        # The finally-clauses of Python run for these signals, too.
        for sig in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(sig, lambda *_: sys.exit(1))
        try:
            sh(SCRIPT, "up", self.name, self.tree, timeout=120)
            self.pid = sh(SCRIPT, "pid", self.name).strip()
            sh("ip", "netns", "add", self.client)
            sh("ip", "link", "add", IFACE, "netns", self.pid, "type", "veth", "peer", "name", IFACE, "netns", self.client)
            self.run("ip", "addr", "add", f"{SERVER}/24", "dev", IFACE)
            self.run("ip", "link", "set", IFACE, "up")
            sh("ip", "-n", self.client, "addr", "add", f"{CLIENT}/24", "dev", IFACE)
            sh("ip", "-n", self.client, "link", "set", IFACE, "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        sh(SCRIPT, "down", self.name, check=False)
        sh("ip", "netns", "del", self.client, check=False)

    def run(self, *command, **kwargs):
        """A command inside, to its end; its output."""
        return sh(SCRIPT, "in", self.name, *command, **kwargs)

    def succeeds(self, *command):
        return subprocess.run([SCRIPT, "in", self.name, *command], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=60, check=False).returncode == 0

    def put(self, path, into):
        """A copy of a file, or text, inside."""
        target = f"/proc/{self.pid}/root{into}"
        if path.startswith("/"):
            sh("cp", path, target)
        else:
            pathlib.Path(target).write_text(path, encoding="utf-8")

    def start_postfix(self):
        self.put(POSTFIX, "/etc/postfix/main.cf")
        self.put("127.0.0.1 localhost\n127.0.1.1 mx.example.net mx\n", "/etc/hosts")
        self.run("systemctl", "restart", "postfix")
        wait_until(lambda: "0.0.0.0:25 " in self.run("ss", "-Hltn"), 20, "Postfix listens")

    def send_mail(self, recipient, subject, through_lo=False):
        """Hands a mail to the Postfix inside, from the client or over lo; its answer to the message."""
        enter = ["nsenter", f"--net=/proc/{self.pid}/ns/net"] if through_lo else ["ip", "netns", "exec", self.client]
        said = sh(*enter, "swaks", "--server", "127.0.0.1" if through_lo else SERVER, "--helo", "client.example.org",
                  "--from", "alice@example.org", "--to", recipient, "--header", f"Subject: {subject}", "--body", "x")
        return re.search(r"^<-  (250 .*queued as.*)$", said, re.M).group(1)

    def attached(self):
        """What of BPF is on the interfaces inside, a line for each; none if nothing is."""
        enter = ["nsenter", f"--net=/proc/{self.pid}/ns/net"]
        shown = sh(*enter, "bpftool", "net", "show").splitlines()
        return [line for line in shown if re.match(r"\w+\(\d+\)", line)] + sh(*enter, TCX).splitlines()

    def journal(self, *matches):
        """Entries of the journal that have all of these fields."""
        text = self.run("journalctl", "--no-pager", "-o", "json", *matches)
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def records_of(self, recipient):
        return self.journal(f"SMTP_RCPTTO={recipient}")

    def status(self):
        """What the agent inside says of itself."""
        return json.loads(self.run("smtpscope", "status", "--json"))

    def main_pid(self):
        return int(self.run("systemctl", "show", "-P", "MainPID", "smtpscope").strip())

    def process(self):
        """The service's process as /proc/PID/status has it."""
        text = self.run("cat", f"/proc/{self.main_pid()}/status")
        return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
