#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Boots kernels and checks that the agent captures real mail on each, with what that kernel has.

run.py OUTPUT-FOLDER VERSION...    OUTPUT-FOLDER/smtpscope and OUTPUT-FOLDER/bpf-tests are what is tried
"""

import collections
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import debian
import image
from debian import Skipped
from report import Report

SECONDS = int(os.environ.get("KERNEL_SECONDS", "1400"))  # for one virtual machine, at most
README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


@dataclasses.dataclass
class Mails:
    """`count` of one kind in each direction: connections of their own, or one for all (`options`: -d)."""

    name: str
    count: int
    recipients: int
    size: int
    options: str = ""

    def expected(self, server):
        """The record's server, sender, recipients and subject. smtp-source numbers them but one, the last first."""
        numbers = [*range(self.recipients, 1, -1), ""]
        return (server, f"{self.name}@client.smtpscope.example",
                tuple(f"{n}{self.name}@mx.smtpscope.example" for n in numbers), self.name)


LARGE = 2_000_000
MAILS = [Mails("short", 6, 1, 700), Mails("session", 3, 3, 5000, "-d"), Mails("large", 1, 4, LARGE)]
PER_ADDRESS = sum(m.count for m in MAILS)


@dataclasses.dataclass
class Scenario:
    """`segmented`: most bytes come in GSO packets. `needs`: the feature without which the agent must refuse, and
    `refusal` what it says then. `end`: the signal; what stays after KILL the next scenario on that interface, or
    `detach`, has to remove."""

    name: str
    mode: str
    interface: str
    mtu: int
    sender: str  # peer: the mail comes in; here: it goes out
    addresses: tuple
    kinds: tuple  # what has to be attached
    segmented: bool = False
    needs: str = ""
    refusal: str = ""
    end: str = "TERM"

    def line(self):
        number = PER_ADDRESS * len(self.addresses)
        return " ".join([self.name, self.mode, self.interface, str(self.mtu), self.sender, self.end, str(number),
                         *self.addresses])


HERE, PEER, LOOPBACK = ("10.99.0.2", "fd99::2"), ("10.99.0.1", "fd99::1"), ("127.0.0.1", "::1")
TAGGED, BONDED = ("10.99.7.2", "fd97::2"), ("10.99.8.2", "fd98::2")
SCENARIOS = [
    Scenario("native", "native", "mail0", 1500, "peer", HERE, ("xdp_native", "tc_egress")),
    Scenario("native-9000", "native", "mail0", 9000, "peer", HERE, ("xdp_native", "tc_egress"), needs="frags",
             refusal="too large for XDP"),
    Scenario("generic", "generic", "mail0", 1500, "peer", HERE, ("xdp_generic", "tc_egress"), segmented=True),
    Scenario("tc", "tc", "mail0", 1500, "peer", HERE, ("tc_ingress", "tc_egress"), segmented=True, end="KILL"),
    Scenario("vlan", "native", "mail0", 1500, "peer", TAGGED, ("xdp_native", "tc_egress")),
    Scenario("vlan-itself", "auto", "tag7", 1500, "peer", TAGGED, ("tc_ingress", "tc_egress")),
    Scenario("bond-below", "auto", "bond1,part0,part1", 1500, "peer", BONDED, ("tc_ingress", "tc_egress") * 2),
    Scenario("bond-itself", "auto", "bond1", 1500, "peer", BONDED, ("tc_ingress", "tc_egress")),
    Scenario("outgoing", "auto", "mail0", 1500, "here", PEER, ("tc_ingress", "tc_egress"), segmented=True),
    Scenario("loopback", "auto", "lo", 1500, "here", LOOPBACK, ("tc_egress",), segmented=True, end="KILL"),
]

# The table in README.md, section Requirements.
FEATURES = {"5.10": set(), "6.1": {"frags"}, "6.12": {"frags", "tcx"}}


def boot(kernel, folder, tree):
    """What the machine told: {(scenario, item): text}; the console's text."""
    root = folder / "tree"
    shutil.copytree(tree, root, symlinks=True)
    image.add_modules(root, kernel)
    (root / "scenarios").write_text("".join(s.line() + "\n" for s in SCENARIOS), encoding="ascii")
    (root / "mails").write_text("".join(f"{m.name} {m.count} {m.recipients} {m.size} {m.options}\n" for m in MAILS),
                                encoding="ascii")
    image.pack(root, folder / "initramfs")
    console, told = folder / "console", folder / "told"
    command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "1024", "-nodefaults",
               "-no-reboot", "-display", "none", "-nic", "none", "-serial", f"file:{console}", "-serial", f"file:{told}",
               "-kernel", kernel.image, "-initrd", folder / "initramfs",
               "-append", "console=ttyS0 panic=-1 quiet no_timer_check random.trust_cpu=on mitigations=off init_on_alloc=0"]
    try:
        subprocess.run(command, timeout=SECONDS, check=True, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        print(f"the virtual machine was ended after {SECONDS} s", flush=True)
    sections = collections.defaultdict(str)
    key = None
    for line in told.read_text(encoding="utf-8", errors="replace").replace("\r", "").splitlines(keepends=True):
        if line.startswith("@@ "):
            key = tuple(line[3:].strip().split(" ", 1))
            sections[key] = ""
        elif key:
            sections[key] += line
    return sections, console.read_text(encoding="utf-8", errors="replace")


def check_accounts(report, name, status):
    kernel = status["kernel"]
    ignored = sum(v for k, v in kernel.items() if k.startswith("ignored_"))
    lost = sum(v for k, v in kernel.items() if k.startswith("lost_"))
    report.check(f"{name}: seen = delivered + ignored + lost",
                 kernel["seen"] == kernel["delivered"] + ignored + lost > 0, kernel)
    engine = status["engine"]
    report.equal(f"{name}: nothing lost, no gap, nothing malformed",
                 (lost, engine["gaps"], engine["malformed"], engine["bad_checksums"]), (0, 0, 0, 0))


def check_records(report, name, text, addresses, mails):
    records = [json.loads(line) for line in text.splitlines() if line]
    got = collections.Counter((r["id.resp_h"], r.get("mailfrom"), tuple(r.get("rcptto", ())), r.get("subject"),
                               r.get("last_reply")) for r in records)
    expected = collections.Counter()
    for address in addresses:
        for m in mails:
            expected[(*m.expected(address), "250 2.0.0 Ok")] += m.count
    missing, extra = expected - got, got - expected
    report.check(f"{name}: {expected.total()} mails, {expected.total()} records, each right", not missing and not extra,
                 f"missing {dict(missing)}, not sent {dict(extra)}")
    large = [r.get("message_bytes", 0) for r in records if r.get("subject") == "large"]
    report.check(f"{name}: of the large ones, every byte", large and min(large) >= LARGE, large)


def check_left(report, told, scenario, features):
    """After SIGTERM nothing; after SIGKILL the filters if they are not links."""
    name, left = scenario.name, told[scenario.name, "leftovers"].strip()
    if scenario.end == "TERM":
        report.equal(f"{name}: nothing is left attached, no program in the kernel", left, "")
        return
    report.equal(f"{name}: exit status after SIGKILL", told[name, "exit"].strip(), "137")
    sides = re.findall(rf"^{scenario.interface} (ingress|egress) .* handle", left, re.MULTILINE)
    expected = [] if "tcx" in features else [k.removeprefix("tc_") for k in scenario.kinds]
    report.check(f"{name}: after SIGKILL {expected or 'nothing'} is left", sides == expected, left)


def check_run(report, told, scenario, features):
    name = scenario.name
    status = json.loads(told[name, "status"])
    means = "tcx" if "tcx" in features else "clsact"
    report.equal(f"{name}: attached", tuple((a["kind"], a["means"]) for a in status["attachments"]),
                 tuple((kind, "link" if kind.startswith("xdp") else means) for kind in scenario.kinds))
    report.equal(f"{name}: the client is content", told[name, "client"].strip(), "")
    check_accounts(report, name, status)
    check_records(report, name, told[name, "records"], scenario.addresses, MAILS)
    content, delivered = LARGE * len(scenario.addresses), status["kernel"]["bytes_delivered"]
    report.check(f"{name}: each packet once", content < delivered < 1.5 * content, delivered)
    if scenario.segmented:
        kernel = status["kernel"]
        report.check(f"{name}: packets larger than the MTU", kernel["bytes_delivered"] > 2000 * kernel["delivered"], kernel)


def check_scenario(report, told, scenario, features):
    name, before = scenario.name, report.failed
    started, left = told[name, "started"].strip(), told[name, "exit"].strip()
    if scenario.needs and scenario.needs not in features:
        report.equal(f"{name}: refused", (started, left), ("no", "1"))
        report.check(f"{name}: the reason", scenario.refusal in told[name, "log"], told[name, "log"])
    elif report.equal(f"{name}: starts", started, "yes"):
        check_run(report, told, scenario, features)
        if scenario.end == "TERM":
            report.equal(f"{name}: exit status after SIGTERM", left, "0")
    check_left(report, told, scenario, features)
    if report.failed > before:
        print(told[name, "log"], flush=True)


def check_detach(report, told, features):
    removed = ["lo: removed the TC egress filter",
               "lo: removed the clsact queueing discipline, which has no filter any more"]
    report.equal("`detach` tells what it removed", told["detach", "output"].strip().splitlines(),
                 ["nothing was left attached."] if "tcx" in features else removed)
    report.equal("`detach`: nothing is left", told["detach", "leftovers"].strip(), "")


def check_probe(report, told, features):
    probe = told["vm", "probe"]
    report.check("probe: `run` would start", "`smtpscope run` would start." in probe, probe)
    report.equal("probe: XDP fragments", "XDP fragments" not in probe, "frags" in features)
    report.equal("probe: tcx", "tcx" not in probe, "tcx" in features)
    bare = told["bare", "started"].strip()
    if "tcx" in features:
        report.equal("without sch_ingress and cls_bpf: starts", bare, "yes")
    else:
        report.equal("without sch_ingress and cls_bpf: refuses", bare, "no")
        report.check("without sch_ingress and cls_bpf: names the option",
                     "CONFIG_NET_SCH_INGRESS" in told["bare", "log"], told["bare", "log"])


def check_options(report, kernel):
    """Each option that README.md asks for is there."""
    options = set(re.findall(r"`(CONFIG_\w+)`", README.read_text(encoding="utf-8")))
    lacking = sorted(o for o in options if kernel.config.get(o) not in ("y", "m"))
    report.check(f"the {len(options)} options that README names are set", options and not lacking, lacking)


def check_bpf_tests(report, told):
    output = told["bpf", "output"].strip()
    last = output.splitlines()[-1] if output else ""
    report.check(f"bpf-tests: {last}", re.match(r"cases: [1-9]\d* passed, 0 failed", last), output)


def judge(report, version, kernel, told, console):
    features = FEATURES[version]
    if not report.check("the scenarios are played to the end", ("vm", "end") in told,
                        f"{dict(told)}\n{console[-4000:]}"):
        return
    check_options(report, kernel)
    check_probe(report, told, features)
    for scenario in SCENARIOS:
        check_scenario(report, told, scenario, features)
    check_detach(report, told, features)
    check_bpf_tests(report, told)


def try_kernel(version, out, tree):
    """The kernel, what its machine told, the console, and the seconds that it took."""
    kernel = debian.fetch(version, out / "kernels")
    folder = out / "kernels" / f"{version}.run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    began = time.monotonic()
    told, console = boot(kernel, folder, tree)
    shutil.rmtree(folder / "tree")
    return kernel, told, console, time.monotonic() - began


def main():
    out, versions = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    reports = [Report(version) for version in versions]
    tree = image.make_tree(out / "kernels/tree", [str(out / "smtpscope"), str(out / "bpf-tests")])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        tries = [pool.submit(try_kernel, version, out, tree) for version in versions]
        for report, one in zip(reports, tries):
            try:
                kernel, told, console, seconds = one.result()
            except Skipped as why:
                report.skipped += 1
                print(f"skip  {report.suite}: {why}", flush=True)
                continue
            print(f"{report.suite}: {kernel.release}, {seconds:.0f} s", flush=True)
            judge(report, report.suite, kernel, told, console)
    passed, failed, skipped = (sum(getattr(r, what) for r in reports) for what in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
