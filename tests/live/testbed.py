# SPDX-License-Identifier: BSD-3-Clause
"""Two network namespaces with a veth pair between them, and the processes of a test. None of it outlives the test."""

import contextlib
import copy
import ctypes
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time

CLIENT_MAC, SERVER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
CLIENT = {4: "10.99.0.1", 6: "fd99::1"}
SERVER = {4: "10.99.0.2", 6: "fd99::2"}
IFACE = "mail0"  # of both ends, each in its namespace


class Skipped(Exception):
    """Something that the test needs is not on this machine."""


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skipped(f"{program} is not installed")


def need_root():
    if os.geteuid() != 0:
        raise Skipped("not root")


def sh(*command, check=True, **kwargs):
    """Runs a command to its end; its output as text. Bounded, as every wait here."""
    kwargs.setdefault("timeout", 60)
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def cpu_seconds(process):
    """Of all its threads, so far."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until(condition, seconds=10.0, what="condition", every=0.02):
    """The first true value of condition(); fails after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(every)


def die_with_parent():
    """For preexec_fn: a test that is killed takes its processes with it."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def stop(process, sig=signal.SIGTERM, seconds=20):
    """Ends a process that this test has started; its exit status."""
    if process.poll() is None:
        process.send_signal(sig)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(seconds)
    return process.returncode


class Testbed:
    """`client` and `server` are the names of the namespaces, `dir` is a folder for everything."""

    def __init__(self):
        self.cleanup = contextlib.ExitStack()
        self.processes = []

    def __enter__(self):
        need_root()
        need("ip", "sysctl")
        # Python's with-statements and finally-clauses run for these signals, too.
        for sig in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(sig, lambda *_: sys.exit(1))
        try:
            self.dir = tempfile.mkdtemp(prefix="smtpscope-live-")
            os.chmod(self.dir, 0o755)  # for servers that give up root
            self.cleanup.callback(shutil.rmtree, self.dir, ignore_errors=True)
            self.client, self.server = self.namespace("client"), self.namespace("server")
            self.connect(IFACE, IFACE)
        except BaseException:
            self.cleanup.close()
            raise
        return self

    def __exit__(self, *_):
        self.stop_from(0)
        self.cleanup.close()

    def stop_from(self, index):
        """Ends the processes from that one on, the last one first."""
        while len(self.processes) > index:
            stop(self.processes.pop())

    def namespace(self, role):
        """One more, for as long as the test lasts."""
        name = f"ss{role[0]}-{secrets.token_hex(3)}"
        sh("ip", "netns", "add", name)
        self.cleanup.callback(sh, "ip", "netns", "del", name, check=False)
        sh("ip", "-n", name, "link", "set", "lo", "up")
        return name

    def clear(self, *namespaces):
        """Takes the interfaces of the test away."""
        for ns in namespaces or (self.client, self.server):
            links = json.loads(sh("ip", "-n", ns, "-j", "-d", "link", "show"))
            for link in links:
                if link.get("linkinfo", {}).get("info_kind") in ("veth", "bridge", "bond", "vlan"):
                    sh("ip", "-n", ns, "link", "del", link["ifname"], check=False)  # gone with another one, perhaps

    @staticmethod
    def pair(one, other, mtu=1500):
        """A veth pair; its ends are (namespace, interface, MAC)."""
        sh("ip", "link", "add", one[1], "address", one[2], "mtu", str(mtu), "netns", one[0], "type", "veth", "peer",
           "name", other[1], "address", other[2], "mtu", str(mtu), "netns", other[0])

    def connect(self, client_if, server_if, mtu=1500):
        """A veth pair with addresses of both families, static neighbours and no traffic of its own."""
        self.pair((self.client, client_if, CLIENT_MAC), (self.server, server_if, SERVER_MAC), mtu)
        self.address(client_if, server_if)

    def address(self, client_if, server_if):
        """The addresses of both ends on these interfaces, which become up. They have the MACs of the pair."""
        ends = ((self.client, client_if, CLIENT, SERVER, SERVER_MAC),
                (self.server, server_if, SERVER, CLIENT, CLIENT_MAC))
        for ns, iface, own, _, _ in ends:
            conf = f"net.ipv6.conf.{iface}"
            self.run(ns, "sysctl", "-qw", f"{conf}.accept_ra=0", f"{conf}.router_solicitations=0",
                     f"{conf}.accept_dad=0", f"{conf}.addr_gen_mode=1")
            sh("ip", "-n", ns, "addr", "add", f"{own[4]}/24", "dev", iface)
            sh("ip", "-n", ns, "addr", "add", f"{own[6]}/64", "dev", iface, "nodad")
        for ns, iface, *_ in ends:
            sh("ip", "-n", ns, "link", "set", iface, "up")
        for ns, *_ in ends:
            self.settle(ns)
        for ns, iface, _, other, mac in ends:
            for address in other.values():
                sh("ip", "-n", ns, "neigh", "replace", address, "lladdr", mac, "dev", iface, "nud", "permanent")

    @staticmethod
    def settle(ns):
        """Waits until what is up has a carrier and bridges forward: until then packets would arrive and get no further."""
        def settled(link):
            state = link.get("linkinfo", {}).get("info_slave_data", {}).get("state", "forwarding")
            return link["operstate"] in ("UP", "UNKNOWN") and state in ("forwarding", "ACTIVE")

        def all_settled():
            links = json.loads(sh("ip", "-n", ns, "-j", "-d", "link", "show", "up"))
            return all(settled(link) for link in links)

        wait_until(all_settled, 10, f"the interfaces of {ns} carry packets")

    def run(self, ns, *command, **kwargs):
        return sh("ip", "netns", "exec", ns, *command, **kwargs)

    def start(self, ns, *command, **kwargs):
        """A process in a namespace that ends with the test. `ip netns exec` becomes the command: the pid is its own."""
        process = subprocess.Popen(["ip", "netns", "exec", ns, *command], preexec_fn=die_with_parent, **kwargs)
        self.processes.append(process)
        return process

    def attached(self, iface=IFACE, ns=None):
        """What `bpftool net` and `ip` show on an interface, the server's if `ns` is not given: lines, none of them if
        nothing is attached."""
        ns = ns or self.server
        lines = self.run(ns, "bpftool", "net", "show", "dev", iface).splitlines()
        found = [line.strip() for line in lines if line.startswith(iface + "(")]
        filters = self.run(ns, "tc", "filter", "show", "dev", iface, "ingress", check=False)
        filters += self.run(ns, "tc", "filter", "show", "dev", iface, "egress", check=False)
        return found + [line.strip() for line in filters.splitlines() if " bpf " in line]


def mirrored(bed):
    """The same testbed, seen from the client: what runs in the server's namespace runs in the client's."""
    other = copy.copy(bed)
    other.client, other.server = bed.server, bed.client
    return other
