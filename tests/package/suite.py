#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The .deb and the .rpm, from installing to purging, on a booted Debian with a real Postfix.

    suite.py BUILD CACHE     the folder that `make deb` and `make rpm` wrote to, and one for trees that are kept
"""

import glob
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "live"))

from box import EXTRA, IFACE, Box, dependencies, make_tree  # noqa: E402
from journald import journald_comes_back  # noqa: E402
from places import what_is_closed_to_the_service  # noqa: E402
from report import Report  # noqa: E402
from restarts import restarts_lose_nothing  # noqa: E402
from testbed import need, need_root, sh, wait_until  # noqa: E402

CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF = 12, 38, 39
THREE = sum(1 << cap for cap in (CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF))
NATIVE = f"capture: {{ interfaces: [{IFACE}], xdp_mode: native }}\n"
CONFIG = "/etc/smtpscope/smtpscope.yaml"
DROP_INS = "/etc/systemd/system/smtpscope.service.d"


def one_record(report, box, what, recipient, through_lo=False):
    """Sends a mail and expects exactly one entry for it in the journal, with the right fields."""
    subject = f"Mail to {recipient}"
    reply = box.send_mail(recipient, subject, through_lo)
    try:
        wait_until(lambda: box.records_of(recipient), 10, "a record", every=0.2)
    except TimeoutError:
        log = box.run("journalctl", "--no-pager", "-u", "smtpscope", "-n", "8", check=False)
        report.check(f"{what}: a mail becomes a record", False, log)
        return
    # Records come in the order of the packets: what is written twice is there when that of a later mail is.
    box.send_mail(f"after-{recipient}", "the next")
    wait_until(lambda: box.records_of(f"after-{recipient}"), 10, "the record of the next mail", every=0.2)
    entries = box.records_of(recipient)
    report.equal(f"{what}: one mail, one record", len(entries), 1)
    expected = {"SMTP_MAILFROM": "alice@example.org", "SMTP_RCPTTO": recipient, "SMTP_SUBJECT": subject,
                "SMTP_HELO": "client.example.org", "SMTP_LAST_REPLY": reply}
    report.equal(f"{what}: its fields", {key: entries[0].get(key) for key in expected}, expected)
    if not through_lo:  # there the sender counts, which is outside of the box
        who = entries[0].get("SMTP_PROCESS_USER"), entries[0].get("SMTP_PROCESS_UNIT", "")
        report.check(f"{what}: it names the server's user and unit, confined as the service is",
                     who[0] == "postfix" and who[1].startswith("postfix") and who[1].endswith(".service"), who)
    report.check(f"{what}: its text is for people", f"alice@example.org -> {recipient}" in entries[0]["MESSAGE"],
                 entries[0]["MESSAGE"])
    shown = box.run("journalctl", "--no-pager", "-u", "smtpscope", "-o", "cat")
    report.check(f"{what}: journalctl -u smtpscope shows it", f"alice@example.org -> {recipient}" in shown, shown[-500:])


def active(box):
    return box.succeeds("systemctl", "is-active", "smtpscope")


def lint_packages(report, debs, rpms):
    found = sh("lintian", "--tag-display-limit", "0", "--fail-on", "none", *debs, check=False, timeout=120)
    report.check("lintian has nothing against the .debs", not [x for x in found.splitlines() if x[:2] in ("E:", "W:")],
                 found)
    found = sh("rpmlint", "--config", str(HERE / "rpmlint.toml"), *rpms, check=False, timeout=120)
    report.check("rpmlint has nothing against the .rpms", " 0 errors, 0 warnings" in found, found)


def is_confined(report, box, package):
    status = box.process()
    uid = box.run("id", "-u", "smtpscope").strip()
    report.equal(f"{package}: the service runs as its own user", status["Uid"].split(), [uid] * 4)
    for caps in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
        report.equal(f"{package}: {caps} is the three capabilities", int(status[caps], 16), THREE)
    report.equal(f"{package}: no new privileges", status["NoNewPrivs"].strip(), "1")


def deb_installs(report, box, deb):
    box.put(deb, "/root/smtpscope.deb")
    box.run("dpkg", "-i", "/root/smtpscope.deb", timeout=120)
    report.check("deb: the service is active after installing", active(box),
                 box.run("systemctl", "status", "smtpscope", "--no-pager", "-l", check=False))
    report.check("deb: and enabled", box.succeeds("systemctl", "is-enabled", "smtpscope"))
    report.check("deb: smtpscope check-config accepts what was installed", box.succeeds("smtpscope", "check-config"))
    for page in ("man8/smtpscope.8.gz", "man5/smtpscope.yaml.5.gz"):
        report.check(f"deb: {page} is there", box.succeeds("test", "-s", f"/usr/share/man/{page}"))


def deb_is_confined(report, box):
    is_confined(report, box, "deb")
    said = box.run("systemd-analyze", "security", "--no-pager", "--threshold=20", "smtpscope", check=False)
    report.check("deb: systemd-analyze security is below 2.0",
                 box.succeeds("systemd-analyze", "security", "--threshold=20", "smtpscope"), said[-300:])


def deb_records(report, box):
    one_record(report, box, "veth", "veth@example.net")
    one_record(report, box, "lo", "lo@example.net", through_lo=True)
    report.check("deb: smtpscope status answers", box.succeeds("smtpscope", "status"))


def deb_reloads(report, box):
    def status():
        return box.run("systemctl", "status", "--no-pager", "-l", "smtpscope", check=False)

    pid, reloads = box.main_pid(), box.status()["reloads"]
    report.check("reload: succeeds", box.succeeds("systemctl", "reload", "smtpscope"))
    report.equal("reload: it has been one", box.status()["reloads"], reloads + 1)
    report.equal("reload: the same process goes on", (box.main_pid(), active(box)), (pid, True))
    kept = box.run("cat", CONFIG)
    box.put("captrue: {}\n", CONFIG)
    report.check("reload: fails with a wrong configuration", not box.succeeds("systemctl", "reload", "smtpscope"))
    complaint = f"{CONFIG}:1:1: "
    report.check("reload: systemctl status shows the refusal", f"was refused: {complaint}" in status(), status())
    report.check("reload: smtpscope status answers meanwhile", box.succeeds("smtpscope", "status"))
    wait_until(lambda: complaint in box.run("journalctl", "--no-pager", "-u", "smtpscope"), 10, "the complaint")
    report.equal("reload: a wrong configuration is refused, the agent goes on", (box.main_pid(), active(box)), (pid, True))
    box.put(kept, CONFIG)
    report.check("reload: succeeds again", box.succeeds("systemctl", "reload", "smtpscope"))
    report.check("reload: systemctl status shows no refusal", "refused" not in status().split("CGroup:")[0], status())
    one_record(report, box, "reload", "reload@example.net")


def deb_attaches_natively(report, box):
    box.put(NATIVE, CONFIG)
    box.run("systemctl", "restart", "smtpscope")
    lines = box.attached()
    report.check("native: XDP and TC egress on the interface, nothing else anywhere", len(lines) == 2 and
                 lines[0].startswith(IFACE) and " driver " in lines[0] and
                 lines[1].startswith(IFACE) and "egress" in lines[1], lines)
    one_record(report, box, "native", "native@example.net")


def deb_survives_a_kill(report, box):
    pid, before = box.main_pid(), len(box.attached())
    box.run("kill", "-KILL", str(pid))
    wait_until(lambda: box.main_pid() not in (0, pid) and active(box), 15, "the service is back")
    report.equal("kill -9: attached once, not twice", len(box.attached()), before)
    one_record(report, box, "kill -9", "kill@example.net")


def install_deb(box):
    """Once more, or again; what is said."""
    return box.run("dpkg", "-i", "--force-confold", "/root/smtpscope.deb", timeout=120)


def install_rpm(box):
    return box.run("rpm", "-U", "--replacepkgs", "--nodeps", "/root/smtpscope.rpm", timeout=120)


def over_a_wrong_configuration(report, box, package, install):
    """Nothing that works is stopped for a file that cannot be loaded, and no installation fails."""
    pid, kept = box.main_pid(), box.run("cat", CONFIG)
    box.put("captrue: {}\n", CONFIG)
    said = install(box)
    report.check(f"{package} over a wrong configuration: says what is wrong and what to do",
                 f"{CONFIG}:1:1: there is no key captrue" in said and "goes on as it was" in said
                 and "smtpscope check-config && systemctl restart smtpscope" in said, said)
    report.check(f"{package} over a wrong configuration: in its own words", "systemctl:" not in said and "rror:" not in said, said)
    report.equal(f"{package} over a wrong configuration: what runs goes on", (box.main_pid(), active(box)), (pid, True))
    box.put(kept, CONFIG)
    said = install(box)
    report.check(f"{package} over the right one again: a new process runs", active(box) and box.main_pid() != pid, said)


def deb_over_a_wrong_configuration(report, box):
    over_a_wrong_configuration(report, box, "deb", install_deb)
    kept = box.run("cat", CONFIG)
    box.run("dpkg", "-r", "smtpscope", timeout=120)
    box.put("captrue: {}\n", CONFIG)
    said = install_deb(box)
    report.check("deb where a wrong configuration was left: not started, and says so", not active(box)
                 and f"{CONFIG}:1:1: " in said and "The service is not running" in said and "systemctl:" not in said, said)
    box.put(kept, CONFIG)
    box.run("systemctl", "start", "smtpscope")
    box.run("mkdir", DROP_INS)
    box.put("[Service]\nCapabilityBoundingSet=\nAmbientCapabilities=\n", f"{DROP_INS}/powerless.conf")
    said = install_deb(box)
    report.check("deb whose service cannot start: installed, says where to look", not active(box)
                 and "journalctl -u smtpscope" in said and "systemctl:" not in said, said)
    box.run("rm", "-r", DROP_INS)
    said = install_deb(box)
    report.check("deb whose service can start again: runs", active(box), said)


def restarts_are_limited(report, box):
    """An operator is not locked out; a service that fails again and again stays down."""
    kept = box.run("cat", CONFIG)
    box.run("systemctl", "reset-failed", "smtpscope")
    for _ in range(12):
        box.run("systemctl", "restart", "smtpscope")
    report.check("twelve restarts in a row: the service is active", active(box))
    box.put("log: { sinks: [{ type: file, directory: /no/such/folder }] }\n", CONFIG)
    box.run("mkdir", DROP_INS)
    box.put("[Service]\nRestartSec=50ms\n", f"{DROP_INS}/fast.conf")
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "restart", "smtpscope", check=False)

    wait_until(lambda: box.succeeds("systemctl", "is-failed", "smtpscope"), 120, "the end of the loop", every=0.5)
    starts = int(box.run("systemctl", "show", "-P", "NRestarts", "smtpscope"))
    report.check("a service that fails again and again: stays down in the end", 25 <= starts <= 30, starts)
    box.put(kept, CONFIG)
    box.run("rm", "-r", DROP_INS)
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "reset-failed", "smtpscope")
    box.run("systemctl", "start", "smtpscope")


def deb_upgrades(report, box):
    pid = box.main_pid()
    install_deb(box)
    report.check("upgrade: a new process runs", active(box) and box.main_pid() != pid)
    report.equal("upgrade: the changed configuration stays", box.run("cat", CONFIG), NATIVE)


def deb_goes(report, box):
    box.run("dpkg", "-r", "smtpscope", timeout=120)
    report.check("remove: the service is stopped", not active(box))
    report.equal("remove: nothing is attached", box.attached(), [])
    report.check("remove: the configuration stays", box.succeeds("test", "-e", CONFIG))
    box.run("dpkg", "--purge", "smtpscope", timeout=120)
    left = box.run("find", "/", "-xdev", "-iname", "*smtpscope*", "-not", "-path", "/proc/*", "-not", "-path", "/root/*")
    report.equal("purge: no file is left", left.split(), [])


def rpm_installs(report, box, rpm):
    box.put(rpm, "/root/smtpscope.rpm")
    said = box.run("rpm", "-i", "--nodeps", "/root/smtpscope.rpm", timeout=120)
    complaints = [line for line in said.splitlines() if line.startswith(("error:", "warning:"))]
    report.equal("rpm: installs without complaint", complaints, [])
    report.check("rpm: the service is enabled", box.succeeds("systemctl", "is-enabled", "smtpscope"))
    box.run("systemctl", "start", "smtpscope")
    report.check("rpm: and starts", active(box))
    is_confined(report, box, "rpm")
    one_record(report, box, "rpm", "rpm@example.net")


def rpm_goes(report, box):
    box.run("rpm", "-e", "smtpscope", timeout=120)
    report.check("rpm -e: the service is stopped", not active(box))
    report.check("rpm -e: and unknown to systemd", not box.succeeds("systemctl", "cat", "smtpscope"))
    report.equal("rpm -e: nothing is attached", box.attached(), [])


def main():
    built, cache = sys.argv[1:3]
    report = Report("package")
    need_root()
    need("mmdebstrap", "bpftool", "swaks", "nsenter", "unshare")
    deb = os.path.abspath(glob.glob(f"{built}/deb/smtpscope_*.deb")[0])
    rpm = os.path.abspath(glob.glob(f"{built}/rpm/RPMS/*/smtpscope-[0-9]*.rpm")[0])
    report.section(lint_packages, [deb, *glob.glob(f"{built}/deb/libsmtpscope-dev_*.deb")],
                   [rpm, *glob.glob(f"{built}/rpm/RPMS/*/smtpscope-devel-*.rpm")])
    with Box(make_tree(cache, [*EXTRA, *dependencies(deb)])) as box:
        box.start_postfix()
        report.section(deb_installs, box, deb)
        for section in (deb_is_confined, deb_records, deb_reloads, what_is_closed_to_the_service, journald_comes_back,
                        deb_attaches_natively, deb_survives_a_kill, restarts_lose_nothing, restarts_are_limited,
                        deb_upgrades, deb_over_a_wrong_configuration, deb_goes):
            report.section(section, box)
        report.section(rpm_installs, box, rpm)
        report.section(over_a_wrong_configuration, box, "rpm", install_rpm)
        report.section(rpm_goes, box)
    report.finish()


main()
