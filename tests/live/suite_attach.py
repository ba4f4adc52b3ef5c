#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every way to attach, every kind of interface, every shape of packet: each mail is recorded once and right, each
packet is counted once and has one fate, and nothing stays attached.

LIVE_ATTACH_MAILS (default 20) mails in plain text in every case, half of them over IPv4 and half over IPv6.
"""

import os
import subprocess

from agent import Agent, binary, check_accounts
from mail import Held, Sending, check_records, expected_records, sessions
from postfix import Postfix
from report import Report
from testbed import (CLIENT, CLIENT_MAC, IFACE, SERVER, SERVER_MAC, Skipped, Testbed, need, sh, stop,
                     wait_until)

MAILS = int(os.environ.get("LIVE_ATTACH_MAILS", "20"))
INGRESS = {"native": "xdp_native", "generic": "xdp_generic", "tc": "tc_ingress"}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
WIRE_PY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wire.py")
SHAPES = ("tagged", "twice-tagged", "padded", "options", "fragments")
MIDDLE_MAC = "02:00:00:00:00:03", "02:00:00:00:00:04"


def send(bed, name, hosts=None, ns=None, **kwargs):
    """The mails; the records that they are worth."""
    wanted = [s for f in (4, 6) for s in sessions(MAILS // 2, families=(f,), tls=(False,), hosts=hosts, **kwargs)]
    return expected_records(Sending(bed, wanted, name=name, ns=ns).finish())


def segments(bed, ns):
    """TCP segments that the namespace has sent and received, by the kernel's own count."""
    names, values = (line.split()[1:] for line in bed.run(ns, "cat", "/proc/net/snmp").splitlines()
                     if line.startswith("Tcp:"))
    tcp = dict(zip(names, map(int, values)))
    return tcp["InSegs"] + tcp["OutSegs"] + tcp["RetransSegs"]


def offload(bed, on, *ends):
    """Whether the ends of a connection, (namespace, interface), leave segmentation and checksums to others."""
    need("ethtool")
    state = "on" if on else "off"
    for ns, iface in ends:
        bed.run(ns, "ethtool", "-K", iface, "tx", state, "tso", state, "gso", state, "gro", state)


def both_ends(bed):
    return (bed.client, IFACE), (bed.server, IFACE)


def afresh(bed, mtu=1500, offloaded=False):
    """The two namespaces with a new pair between them."""
    bed.clear()
    bed.connect(IFACE, IFACE, mtu)
    offload(bed, offloaded, *both_ends(bed))


def attachments(agent):
    return sorted((a["interface"], a["kind"]) for a in agent.status()["attachments"])


def check_attachments(report, name, agent, *expected):
    report.equal(f"{name}: attached", attachments(agent), sorted(expected))


def both_directions(iface=IFACE, ingress="tc_ingress"):
    return (iface, ingress), (iface, "tc_egress")


def check_mails(report, name, agent, expected):
    """The records, the accounts, no oddities. The status."""
    status = check_accounts(report, name, agent)
    check_records(report, name, agent, expected)
    report.equal(f"{name}: no weirds", agent.read("weird"), [])
    return status


def check_probe(report, name, agent, *expected):
    """What `probe` says once the agent has ended: what a new one would be attached to."""
    lines = agent.bed.run(agent.bed.server, binary(), "probe", "-c", agent.config, check=False)
    found = [line.split(None, 2)[1:] for line in lines.splitlines() if "TC egress" in line or "left out" in line]
    report.equal(f"{name}: `probe` names the same", sorted(i for i, what in found if not what.startswith("left out")),
                 sorted({i for i, _ in expected}))


class Once:
    """Whether the agent sees each packet of the server's namespace once, from now on. `crossings`: how often the namespace
    counts what it sends to itself."""

    def __init__(self, bed, agent, crossings=1):
        self.bed, self.crossings = bed, crossings
        self.segments, self.seen = segments(bed, bed.server), agent.status()["kernel"]["seen"]

    def check(self, report, name, status):
        report.equal(f"{name}: each packet seen once", status["kernel"]["seen"] - self.seen,
                     (segments(self.bed, self.bed.server) - self.segments) // self.crossings)


def check_end(report, name, agent, *places):
    """SIGTERM. `places`: (namespace, interface) where nothing may stay."""
    report.equal(f"{name}: exit status after SIGTERM", agent.stop(), 0)
    left = [line for ns, iface in places or [(agent.bed.server, IFACE)] for line in agent.bed.attached(iface, ns)]
    report.equal(f"{name}: nothing is attached any more", left, [])


def watch(report, bed, name, agent, *places, ns=None, **kwargs):
    """Mails past an agent whose interfaces carry each packet of the server's namespace once, and its end."""
    once = Once(bed, agent)
    status = check_mails(report, name, agent, send(bed, name.replace(" ", "-"), ns=ns, **kwargs))
    once.check(report, name, status)
    check_end(report, name, agent, *places)


# Modes, sizes of packets


def mode_and_mtu(report, bed, mode, mtu):
    """With segmentation in the kernel's stack, then left to the interface, where packets are up to 64 KiB."""
    name = f"{mode} {mtu}"
    afresh(bed, mtu)
    agent = Agent(bed, f"{mode}-{mtu}", mode)
    check_attachments(report, name, agent, *both_directions(ingress=INGRESS[mode]))
    once = Once(bed, agent)
    expected = send(bed, name.replace(" ", "-"))
    status = check_mails(report, name, agent, expected)
    once.check(report, name, status)
    offload(bed, True, *both_ends(bed))
    expected += send(bed, name.replace(" ", "-") + "-gso")
    check_mails(report, name + " GSO", agent, expected)
    check_end(report, name, agent)


def larger_than_the_mtu(report, bed, mode):
    """A packet that is segmented later counts once, as what it is."""
    name = f"{mode} large packets"
    afresh(bed, offloaded=True)
    agent = Agent(bed, f"{mode}-large", mode)
    client = Held(bed, SERVER[4])
    client.step("mail", large_mail(1_000_000))
    client.quit()
    kernel = check_accounts(report, name, agent)["kernel"]
    report.check(f"{name}: there are some", kernel["bytes_seen"] > 3 * 1500 * kernel["seen"], kernel)
    report.equal(f"{name}: one record of all bytes", [r["message_bytes"] > 1_000_000 for r in agent.records(1)], [True])
    check_end(report, name, agent)


def large_mail(size):
    return {"sender": "large@client.smtpscope.example", "rcpts": ["large@mx.smtpscope.example"],
            "subject": "a large mail", "size": size}


def shapes(report, bed, mode):
    """What arrives at the server has been on a wire that changes it."""
    name = f"{mode} shapes"
    through_the_middle(bed)
    agent = Agent(bed, f"{mode}-shapes", mode)
    expected = []
    for shape in SHAPES:
        wire = bed.start(bed.middle, WIRE_PY, "left", "right", shape, stdout=subprocess.PIPE)
        wire.stdout.readline()
        expected += send(bed, f"{mode}-{shape}")
        check_records(report, f"{mode} {shape}", agent, expected)
        stop(wire)
    engine = check_mails(report, name, agent, expected)["engine"]
    report.check(f"{name}: fragments were put together", engine["packets_reassembled"] > MAILS, engine)
    report.equal(f"{name}: all of them", (engine["fragments_reassembled"], engine["fragments_held"]),
                 (engine["fragments"], 0))
    check_end(report, name, agent)


def through_the_middle(bed):
    """The client's interface and the server's, each with its other end in a third namespace: `left` and `right`."""
    bed.clear()
    bed.middle = bed.namespace("middle")
    bed.pair((bed.client, IFACE, CLIENT_MAC), (bed.middle, "left", MIDDLE_MAC[0]), 1400)
    bed.pair((bed.server, IFACE, SERVER_MAC), (bed.middle, "right", MIDDLE_MAC[1]), 1500)
    for iface in ("left", "right"):
        bed.run(bed.middle, "sysctl", "-qw", f"net.ipv6.conf.{iface}.disable_ipv6=1")
        sh("ip", "-n", bed.middle, "link", "set", iface, "up")
    bed.address(IFACE, IFACE)
    offload(bed, False, *both_ends(bed))


# Kinds of interfaces


def loopback(report, bed, mode, ingress):
    """Client and server on one machine: everything that is sent on `lo` is received there, too."""
    name = f"lo {mode}"
    offload(bed, False, (bed.server, "lo"))
    agent = Agent(bed, f"lo-{mode}", mode, iface="lo")
    check_attachments(report, name, agent, ("lo", ingress))
    once = Once(bed, agent, crossings=2)
    expected = send(bed, name.replace(" ", "-"), hosts=LOOPBACK, ns=bed.server)
    status = check_mails(report, name, agent, expected)
    once.check(report, name, status)
    offload(bed, True, (bed.server, "lo"))
    expected += send(bed, name.replace(" ", "-") + "-gso", hosts=LOOPBACK, ns=bed.server)
    check_mails(report, name + " GSO", agent, expected)
    check_end(report, name, agent, (bed.server, "lo"))


def add_interface(ns, name, *kind, link=()):
    """Skipped if this kernel has none of that kind."""
    try:
        sh("ip", "-n", ns, "link", "add", *link, "name", name, "type", *kind)
    except RuntimeError as why:
        raise Skipped(f"no interface of type {kind[0]}: {why}") from None


def put_on_top(bed, upper, *kind):
    """An interface that the server's own becomes a part of, and that has the addresses."""
    afresh(bed)
    add_interface(bed.server, upper, *kind)
    sh("ip", "-n", bed.server, "link", "set", upper, "address", SERVER_MAC)
    for ns, iface in both_ends(bed):
        sh("ip", "-n", ns, "addr", "flush", "dev", iface)
    sh("ip", "-n", bed.server, "link", "set", IFACE, "down")  # a bond asks for that
    sh("ip", "-n", bed.server, "link", "set", IFACE, "master", upper)
    sh("ip", "-n", bed.server, "link", "set", IFACE, "up")
    bed.address(IFACE, upper)
    offload(bed, False, (bed.server, upper))


STACKS = {
    "below": ("auto", "auto", both_directions() + (("lo", "tc_egress"),)),
    "native": (IFACE, "native", both_directions(ingress="xdp_native")),
    "both": (f"{{upper}}, {IFACE}", "auto", both_directions()),
    "above": ("{upper}", "auto", None),
}


def stacked(report, bed, kind):
    """A bridge or a bond that has the server's addresses: its packets are seen on its part or on itself, not on both."""
    upper = {"bridge": "br0", "bond": "bond0"}[kind]
    put_on_top(bed, upper, kind, *(["mode", "active-backup"] if kind == "bond" else []))
    for case, (interfaces, mode, expected) in STACKS.items():
        name = f"{kind} {case}"
        agent = Agent(bed, name.replace(" ", "-"), mode, iface=interfaces.format(upper=upper))
        expected = expected or both_directions(upper)
        check_attachments(report, name, agent, *expected)
        watch(report, bed, name, agent, (bed.server, IFACE), (bed.server, upper))
        check_probe(report, name, agent, *expected)


def between_ports(report, bed, mode):
    """Mail that a bridge hands from one port to another, for neither of them its own."""
    name = f"bridge forwards {mode}"
    through_the_middle(bed)
    sh("ip", "-n", bed.middle, "link", "add", "br0", "type", "bridge")
    for port in ("left", "right"):
        sh("ip", "-n", bed.middle, "link", "set", port, "master", "br0")
    sh("ip", "-n", bed.middle, "link", "set", "br0", "up")
    bed.settle(bed.middle)
    agent = Agent(bed, f"ports-{mode}", mode, iface="left, right", ns=bed.middle)
    ingress = INGRESS.get(mode, "tc_ingress")
    check_attachments(report, name, agent, *both_directions("left", ingress), *both_directions("right", ingress))
    watch(report, bed, name, agent, (bed.middle, "left"), (bed.middle, "right"))


def route(bed, mtu):
    """The middle routes, and has to cut IPv4 packets for the server into fragments: the client allows it to."""
    through_the_middle(bed)
    forwarding = [f"net.ipv{v}.conf.{i}.forwarding=1" for v in (4, 6) for i in ("all", "left", "right")]
    bed.run(bed.middle, "sysctl", "-qw", "net.ipv6.conf.left.disable_ipv6=0", "net.ipv6.conf.right.disable_ipv6=0",
            *forwarding)
    bed.run(bed.client, "sysctl", "-qw", "net.ipv4.ip_no_pmtu_disc=1")
    sh("ip", "-n", bed.middle, "link", "set", "right", "mtu", str(mtu))
    sides = (("left", bed.client, MIDDLE_MAC[0], CLIENT, CLIENT_MAC, SERVER),
             ("right", bed.server, MIDDLE_MAC[1], SERVER, SERVER_MAC, CLIENT))
    for iface, end, mac, near, near_mac, far in sides:
        for family in (4, 6):
            sh("ip", "-n", bed.middle, f"-{family}", "route", "add", near[family], "dev", iface)
            sh("ip", "-n", bed.middle, "neigh", "add", near[family], "lladdr", near_mac, "dev", iface)
            sh("ip", "-n", end, "neigh", "replace", far[family], "lladdr", mac, "dev", IFACE, "nud", "permanent")


def routed(report, bed, where):
    """Mail that this host routes is seen as it comes and as it goes, here in fragments; it is one record even so."""
    name = f"routed {where}"
    route(bed, 1280)
    if where == "router":
        agent = Agent(bed, "routed-router", "auto", iface="left, right", ns=bed.middle)
    else:
        agent = Agent(bed, "routed-server", "auto")
    status = check_mails(report, name, agent, send(bed, name.replace(" ", "-")))
    report.check(f"{name}: fragments of the kernel's own", status["engine"]["packets_reassembled"] > MAILS // 2,
                 status["engine"])
    check_end(report, name, agent, *([(bed.middle, "left"), (bed.middle, "right")] if where == "router" else []))


def vlan(report, bed, kind):
    """An interface of its own for a VLAN, and one of that: the tags are what the kernel makes of them."""
    afresh(bed)
    inner = IFACE
    for protocol, number in {"802.1Q": (("802.1Q", 7),), "QinQ": (("802.1ad", 8), ("802.1Q", 9))}[kind]:
        for ns in (bed.client, bed.server):
            add_interface(ns, f"tag{number}", "vlan", "protocol", protocol, "id", str(number), link=("link", inner))
            sh("ip", "-n", ns, "addr", "flush", "dev", inner)
            sh("ip", "-n", ns, "link", "set", f"tag{number}", "up")
        inner = f"tag{number}"
    bed.address(inner, inner)
    offload(bed, False, (bed.client, inner), (bed.server, inner))
    for mode in INGRESS:
        agent = Agent(bed, f"{kind}-{mode}", mode, iface=f"{IFACE}, {inner}")
        check_attachments(report, f"{kind} {mode}", agent, *both_directions(ingress=INGRESS[mode]))
        watch(report, bed, f"{kind} {mode}", agent)


# Interfaces that change


def comes_late(report, bed, interfaces):
    """The agent is there first; the interface comes, goes, and comes again."""
    name = f"late {interfaces}"
    folder = "late-auto" if interfaces == "auto" else "late-glob"
    bed.clear()
    lo = [("lo", "tc_egress")] if interfaces == "auto" else []
    agent = Agent(bed, folder, "auto", iface=f'"{interfaces}"')
    check_attachments(report, name + " before", agent, *lo)
    once, expected = Once(bed, agent), []
    for turn in ("first", "again"):
        afresh(bed)
        wait_until(lambda: len(attachments(agent)) == len(lo) + 2, 5, "the interface is attached to")
        check_attachments(report, f"{name} {turn}", agent, *lo, *both_directions())
        expected += send(bed, f"{folder}-{turn}")
        status = check_mails(report, f"{name} {turn}", agent, expected)
        once.check(report, f"{name} {turn}", status)
        if turn == "first":
            bed.clear()
            wait_until(lambda: attachments(agent) == lo, 5, "the interface is given up")
            check_accounts(report, f"{name} gone", agent)
    report.equal(f"{name}: told as often as it came and went",
                 [agent.log().count(f" attached to {IFACE}: tc_ingress"),
                  agent.log().count(f"no longer attached to {IFACE}: tc_ingress")], [3, 1])
    check_end(report, name, agent)


def changes_its_mtu(report, bed):
    """Native XDP does not keep an interface from larger packets, if the kernel can hand them over in parts."""
    afresh(bed)
    agent = Agent(bed, "mtu", "native")
    once = Once(bed, agent)
    expected = send(bed, "mtu-1500")
    for mtu in (9000, 1500):
        for ns, iface in both_ends(bed):
            sh("ip", "-n", ns, "link", "set", iface, "mtu", str(mtu))
        expected += send(bed, f"mtu-to-{mtu}")
        status = check_mails(report, f"MTU becomes {mtu}", agent, expected)
    once.check(report, "MTU", status)
    check_attachments(report, "MTU", agent, *both_directions(ingress="xdp_native"))
    check_end(report, "MTU", agent)


# Settings of the capture


def refused(report, bed):
    """One interface that cannot have it in the way that is asked for: told once, with the remedy; the others can."""
    afresh(bed)
    agent = Agent(bed, "refused", "native", iface='"*"')
    check_attachments(report, "refused", agent, *both_directions(ingress="xdp_native"))
    expected = send(bed, "refused")
    sh("ip", "-n", bed.server, "link", "set", IFACE, "mtu", "1400")  # news for whoever follows interfaces
    expected += send(bed, "refused-again")
    check_mails(report, "refused", agent, expected)
    told = [line for line in agent.log().splitlines() if "lo: the mode that capture.xdp_mode asks for is ref" in line]
    report.check("refused: told once, with reason and remedy",
                 len(told) == 1 and "native XDP: " in told[0] and "`auto` finds one that works" in told[0], agent.log())
    check_end(report, "refused", agent)
    agent = Agent(bed, "refused-by-name", "native", iface="lo", ready=False)
    report.equal("refused by name: exit status", agent.process.wait(20), 1)
    report.check("refused by name: says so once", agent.log().count("is refused") == 1, agent.log())
    report.equal("refused by name: nothing is attached", bed.attached("lo"), [])


def shards(report, bed):
    """Two rings: both directions of a connection meet in one worker, fragments and all."""
    through_the_middle(bed)
    bed.start(bed.middle, WIRE_PY, "left", "right", "fragments", stdout=subprocess.PIPE).stdout.readline()
    agent = Agent(bed, "shards", "tc", options=("--set", "capture.shards=2", "--set", "capture.wake_watermark=8MiB"))
    wanted = sessions(4 * MAILS, tls=(False,), mails=(1,))
    sending = Sending(bed, wanted, clients=8, name="shards")
    used = [0, 0]

    def both_are_used():
        used[:] = (max(u, ring["used"]) for u, ring in zip(used, agent.status()["rings"]))
        return all(used)

    wait_until(both_are_used, 20, "records are in both rings")
    report.check("shards: both rings are used", all(used), used)
    expected = expected_records(sending.finish())
    status = check_mails(report, "shards", agent, expected)
    report.equal("shards: connections", status["engine"]["flows_opened"], len(wanted))
    report.check("shards: fragments", status["engine"]["packets_reassembled"] > len(wanted), status["engine"])
    check_end(report, "shards", agent)


def watermark(report, bed):
    """A reader that sleeps until much has come is woken less often, and misses nothing."""
    wakeups = {}
    for size in ("0", "1MiB"):
        afresh(bed)
        agent = Agent(bed, "watermark-" + size, "tc", options=("--set", "capture.wake_watermark=" + size))
        status = check_mails(report, f"watermark {size}", agent, send(bed, "watermark-" + size))
        wakeups[size] = status["kernel"]["wakeups"]
        check_end(report, f"watermark {size}", agent)
    report.check("watermark: fewer wake-ups", wakeups["1MiB"] < wakeups["0"] / 4, wakeups)


def size_limit(report, bed, mode, family):
    """What a message has beyond the limit is not copied; the next mail on the connection is. The sender is not so fast
    that it is through before the agent has said so: 10 MB/s."""
    name, size = f"limit {mode} IPv{family}", 5_000_000
    afresh(bed, offloaded=True)
    agent = Agent(bed, name.replace(" ", "-"), mode, options=("--set", "analyzer.max_message_bytes=100KiB"))
    client = Held(bed, SERVER[family])
    sizes = (1000, size, 2000, size)
    replies = [client.step("mail", dict(large_mail(n), subject=f"mail of {n}", rate=10_000_000))[-1] for n in sizes]
    client.quit()
    status = check_accounts(report, name, agent)
    records = agent.records(4)
    report.equal(f"{name}: the records", [(r["subject"], r["last_reply"], r["trans_depth"]) for r in records],
                 [(f"mail of {n}", reply, depth) for depth, (n, reply) in enumerate(zip(sizes, replies), 1)])
    ignored = [r.get("ignored_bytes", 0) for r in records]
    report.check(f"{name}: ignored_bytes", ignored[0] == ignored[2] == 0 and
                 all(size * 0.7 < n < size * 1.1 for n in ignored[1::2]), ignored)
    report.equal(f"{name}: nothing is missed", [r.get("missed_bytes") for r in records], [None] * 4)
    copied = status["engine"]["bytes"]
    report.check(f"{name}: little is copied", copied < size * 0.6, f"{copied} of {2 * size}")
    report.equal(f"{name}: no weirds", agent.read("weird"), [])
    check_end(report, name, agent)


def main():
    report = Report("attach")
    with Testbed() as bed:
        need("ethtool", "bpftool", "tc")
        Postfix(bed)
        for mode in INGRESS:
            for mtu in (1500, 9000):
                report.section(mode_and_mtu, bed, mode, mtu)
            report.section(shapes, bed, mode)
        report.section(larger_than_the_mtu, bed, "generic")
        report.section(larger_than_the_mtu, bed, "tc")
        report.section(loopback, bed, "auto", "tc_egress")
        report.section(loopback, bed, "generic", "xdp_generic")
        report.section(stacked, bed, "bridge")
        report.section(stacked, bed, "bond")
        report.section(between_ports, bed, "auto")
        report.section(between_ports, bed, "native")
        report.section(routed, bed, "server")
        report.section(routed, bed, "router")
        report.section(vlan, bed, "802.1Q")
        report.section(vlan, bed, "QinQ")
        report.section(comes_late, bed, "auto")
        report.section(comes_late, bed, IFACE[:3] + "*")
        report.section(changes_its_mtu, bed)
        report.section(refused, bed)
        report.section(shards, bed)
        report.section(watermark, bed)
        report.section(size_limit, bed, "native", 4)
        report.section(size_limit, bed, "tc", 6)
    report.finish()


if __name__ == "__main__":
    main()
