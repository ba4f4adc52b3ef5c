#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""SIGHUP and `smtpscope reload`: what they change, what they refuse, and that open sessions live through it."""

import os
import re
import signal
import subprocess
import sys
import time

from agent import Agent, binary, check_accounts
from mail import Held, make_mail
from postfix import Postfix
from report import Report
from testbed import SERVER, Testbed, stop, wait_until


def reload(agent):
    agent.process.send_signal(signal.SIGHUP)
    agent.wait_for_notification("RELOADING=1")
    agent.wait_for_notification("READY=1")
    # The worker takes new options between two packets, at the latest after a tenth of a second.
    turns = agent.status()["uptime"]
    wait_until(lambda: agent.status()["uptime"] > turns + 0.3, 5, "time passes")


def send_mail(client, n):
    """The reply to mail number n on the connection."""
    return client.step("mail", make_mail(n))[-1]


def fields(record):
    return record.get("mailfrom"), record.get("subject"), record["last_reply"], record["trans_depth"]


def wanted(n, reply, depth):
    mail = make_mail(n)
    return mail["sender"], mail["subject"], reply, depth


def limit_changes(report, bed):
    agent = Agent(bed, "limit", invalid=25)
    client = Held(bed, SERVER[4])
    first = send_mail(client, 1)
    client.command("RCPT TO:<a@mx.smtpscope.example>", 503)
    client.command("RCPT TO:<b@mx.smtpscope.example>", 503)
    agent.configure(invalid=3)
    reload(agent)
    status = agent.status()
    report.equal("limit: reloaded", (status["reloads"], status["reload_error"]), (1, ""))
    report.equal("limit: the session is still open", status["engine"]["flows_open"], 1)
    client.command("RCPT TO:<c@mx.smtpscope.example>", 503)
    report.equal("limit: not yet passed", agent.idle_status()["engine"]["flows_ignored"], 0)
    client.command("RCPT TO:<d@mx.smtpscope.example>", 503)
    wait_until(lambda: agent.status()["engine"]["flows_ignored"] == 1, 5, "the flow is ignored")
    client.quit()
    records = agent.records(2)
    report.equal("limit: the mail before it is whole", [fields(r) for r in records[:1]], [wanted(1, first, 1)])
    report.equal("limit: the new limit counts for the open session",
                 [w["addl"] for w in agent.read("weird") if w["name"] == "smtp_excessive_invalid_mail_transactions"],
                 ["4 > 3"])
    check_accounts(report, "limit", agent)
    report.equal("limit: exit status", agent.stop(), 0)


def bad_configuration(report, bed):
    agent = Agent(bed, "bad", invalid=25)
    client = Held(bed, SERVER[6])
    client.command("MAIL FROM:<before@client.smtpscope.example>", 250)
    text = agent.configuration()
    for name, bad in (("unknown key", text.replace("max_invalid", "max_invalit")),
                      ("wrong type", text.replace(": 25", ": many")),
                      ("not YAML", text + "\n}{")):
        agent.write_configuration(bad)
        reload(agent)
        error = agent.status()["reload_error"]
        report.check(f"{name}: refused, with the place", "config.yaml:" in error, error)
        report.check(f"{name}: logged", error in agent.log(), agent.log())
    agent.write_configuration(text.replace("/records", "/records/no/such/folder"))
    reload(agent)
    report.check("sink that cannot be opened: refused", "no/such/folder" in agent.status()["reload_error"],
                 agent.status())
    agent.write_configuration(text + "files: { extract: { enabled: true, directory: /no/such/folder } }\n")
    reload(agent)
    report.check("a directory that the next start could not use: refused",
                 "files.extract.directory: /no/such/folder" in agent.status()["reload_error"], agent.status())
    agent.configure()
    client.command("RCPT TO:<after@mx.smtpscope.example>", 250)
    client.command("RSET", 250)
    client.quit()
    records = agent.records(1)
    report.equal("bad configuration: the session was recorded whole",
                 [(r.get("mailfrom"), r.get("rcptto")) for r in records],
                 [("before@client.smtpscope.example", ["after@mx.smtpscope.example"])])
    reload(agent)
    report.equal("a good one afterwards: taken", agent.status()["reload_error"], "")
    report.equal("bad configuration: exit status", agent.stop(), 0)


def configuration_in_effect(report, bed):
    """What `status` says of it: the file, its time, when it was loaded; and of a refusal, when and why."""
    before = time.time()
    agent = Agent(bed, "effect")
    path = agent.config

    def said():
        status = agent.status()
        return status["config"], round(status["config_modified"] - os.stat(path).st_mtime, 2), status["reload_error"] != ""

    loaded = agent.status()["config_loaded"]
    report.equal("effect: the file and its time", said(), (path, 0, False))
    report.check("effect: when it was loaded", before - 0.01 < loaded < time.time(), (before, loaded))
    report.check("effect: in words", f"configuration: {path} of 20" in agent.ask().stdout, agent.ask().stdout)
    changed = os.stat(path).st_mtime
    with open(path, "a", encoding="ascii") as file:
        file.write("nonsense: 1\n")
    os.utime(path, (changed + 100, changed + 100))
    reload(agent)
    status = agent.status()
    report.equal("effect: refused, the old one stays", said(), (path, -100, True))
    report.check("effect: refused, when", loaded < status["reload_refused"] < time.time(), status)
    report.equal("effect: refused, loaded before", status["config_loaded"], loaded)
    report.check("effect: refused, in words", re.search(r"the last reload, 20\S*Z, was refused: .*nonsense", agent.ask().stdout),
                 agent.ask().stdout)
    agent.configure()
    os.utime(path, (changed + 200, changed + 200))
    reload(agent)
    report.equal("effect: the new one", said(), (path, 0, False))
    report.check("effect: the new one, when it was loaded", agent.status()["config_loaded"] > status["reload_refused"], status)
    report.check("effect: no word of a refusal", "reload_refused" not in agent.status(), agent.status())
    report.equal("effect: exit status", agent.stop(), 0)


def files_are_reopened(report, bed):
    agent = Agent(bed, "files")
    client = Held(bed, SERVER[4])
    send_mail(client, 1)
    agent.records(1)
    os.rename(agent.dir + "/records/smtp.log", agent.dir + "/records/moved")
    reload(agent)
    send_mail(client, 2)
    report.equal("files: the next record is in a new file", [r["subject"] for r in agent.records(1)], ["mail number 2"])
    before = agent.idle_status()["sinks"]
    os.mkdir(agent.dir + "/elsewhere")
    text = agent.configuration()
    agent.write_configuration(text.replace("/records", "/elsewhere"))
    reload(agent)
    send_mail(client, 3)
    client.quit()
    wait_until(lambda: os.path.exists(agent.dir + "/elsewhere/smtp.log"), 5, "the new sink")
    after = agent.idle_status()["sinks"]
    report.equal("files: the counts of the old sink stay", [s for s in after if s["former"]], [{**before[0], "former": 1}])
    report.check("files: those of the new one are its own", 0 < after[0]["written"] < before[0]["written"], after)
    agent.write_configuration(text.replace("format: json", "format: json, streams: [smtp]"))
    reload(agent)
    wait_until(lambda: agent.status()["sinks"][0]["name"] == before[0]["name"], 5, "the first sink again")
    report.equal("files: a sink that comes back goes on with its counts", agent.status()["sinks"],
                 [before[0], {**after[0], "former": 1}])
    report.equal("files: exit status", agent.stop(), 0)
    with open(agent.dir + "/elsewhere/smtp.log", encoding="utf-8") as file:
        report.check("files: the next record goes to the new sink", '"mail number 3"' in file.read())
    report.equal("files: and not to the old one", len(agent.read("smtp")), 1)


def policy_changes(report, bed):
    agent = Agent(bed, "policy")
    text = agent.configuration()

    def set_policy(policy):
        agent.write_configuration(text.replace("log:", f"log:\n  {policy}"))
        reload(agent)

    client = Held(bed, SERVER[4])
    first = send_mail(client, 1)
    agent.records(1)
    set_policy("policy: [{ when: { subject: 'mail number 2' }, action: drop }, { hide: { mailfrom: sha256 } }]")
    report.check("policy: the log tells of the passing key", "log.privacy.key_file" in agent.log(), agent.log())
    send_mail(client, 2)
    send_mail(client, 3)
    records = agent.records(2)
    report.equal("policy: before", fields(records[0]), wanted(1, first, 1))
    report.equal("policy: after, in the session that was open", [(r["subject"], r["trans_depth"]) for r in records[1:]],
                 [("mail number 3", 3)])
    report.equal("policy: hidden", len(records[1]["mailfrom"]), 64)
    report.equal("policy: what was dropped is counted", agent.status()["policy"]["dropped_smtp"], 1)
    set_policy("policy: [{ when: { subject: { regex: '(' } }, action: drop }]")
    report.check("policy: a bad one is refused, with its place", "config.yaml:" in agent.status()["reload_error"],
                 agent.status()["reload_error"])
    set_policy("privacy: pseudonymous")
    send_mail(client, 3)
    client.quit()
    records = agent.records(3)
    report.equal("policy: a reload keeps the key", records[2]["mailfrom"], records[1]["mailfrom"])
    report.equal("policy: the preset", (len(records[2]["subject"]), records[2]["last_reply"][:3]), (64, "250"))
    report.equal("policy: the count outlives a reload", agent.status()["policy"]["dropped_smtp"], 1)
    report.equal("policy: exit status", agent.stop(), 0)


def needs_a_restart(report, bed):
    agent = Agent(bed, "restart")
    text = agent.configuration()
    agent.write_configuration(text.replace("capture:", "capture:\n  ports: [25, 587, 2525]\n  ring_size: 8MiB"))
    reload(agent)
    log = agent.log()
    for key in ("capture.ports", "capture.ring_size"):
        report.check(f"restart: the log says that {key} has to wait", f"{key} cannot change" in log, log)
    report.check("restart: nothing else is said to", log.count("cannot change") == 2, log)
    report.equal("restart: exit status", agent.stop(), 0)


def command(*words):
    """A subcommand as a finished process."""
    return subprocess.run([binary(), *words], text=True, capture_output=True, timeout=90, check=False)


def wait_for_state(agent, what):
    """The next text for the service manager that has it."""
    def told():
        while not agent.told.empty():
            if what in (text := agent.told.get()):
                return text
        return None
    return wait_until(told, 5, what)


def reload_command(report, bed):
    """`smtpscope reload` says what has changed and what waits for a restart, or why nothing has."""
    agent = Agent(bed, "command")
    path = agent.config
    text = agent.configuration()

    def reload_with(config):
        agent.write_configuration(config)
        done = command("reload", "-c", path)
        return done.returncode, done.stdout, done.stderr

    report.equal("command: nothing has changed", reload_with(text), (0, f"{path}: loaded; nothing has changed.\n", ""))
    changed = text.replace("capture:", "capture:\n  ports: [25]\n  checksums: ignore").replace("log:", "log:\n  level: debug")
    changed = changed.replace("control.sock", "other.sock") + "files: { extract: { max_files: 7 } }\n"
    waiting = ["capture.ports", "capture.checksums", "files.extract.max_files", "control.socket"]
    late = (f"  capture.ports: [25, 587] -> [25], after a restart\n  capture.checksums: validate -> ignore, after a restart\n"
            "  files.extract.max_files: 10000 -> 7, after a restart\n")
    moved = f"  control.socket: {agent.dir}/control.sock -> {agent.dir}/other.sock, after a restart\n"
    report.equal("command: what has changed, at once and later", reload_with(changed),
                 (0, f"{path}: loaded.\n{late}  log.level: info -> debug\n{moved}", ""))
    report.equal("command: status has what waits", agent.status()["needs_restart"], waiting)
    report.equal("command: and so has the next reload", reload_with(changed), (0, f"{path}: loaded.\n{late}{moved}", ""))
    other = bed.dir + "/other.yaml"
    with open(other, "w", encoding="ascii") as file:
        file.write(text)
    done = command("reload", "-c", other)
    report.check("command: another file is an error that names the agent's", (done.returncode, done.stdout) == (2, "")
                 and path in done.stderr, done)
    wait_for_state(agent, "STATUS=")
    status, said, complaint = reload_with(changed + 'log: "twice"\n')
    report.check("command: refused, with the reason", (status, said) == (1, "") and re.search(
        rf"^smtpscope: the configuration stays as it was: {path}:\d+:1: log is given twice", complaint, re.M), (status, complaint))
    report.check("command: the service manager knows", re.search(rf"^STATUS=the last reload, 20\S*, was refused: {path}:\d+:1: .*; "
                 r"\d+ records, \d+ sessions open$", wait_for_state(agent, "was refused"), re.M))
    report.equal("command: a good one", reload_with(text), (0, f"{path}: loaded.\n  log.level: debug -> info\n", ""))
    report.check("command: the service manager knows that too", re.search(r"^STATUS=\d+ records", wait_for_state(agent, "STATUS="),
                                                                          re.M))
    report.equal("command: nothing waits", agent.status()["needs_restart"], [])
    report.equal("command: exit status", agent.stop(), 0)
    done = command("reload", "-c", path)
    report.check("command: no agent", done.returncode == 1 and "no agent is running" in done.stderr, done)


def moved_socket(report, bed):
    """A file that names another socket than the agent has."""
    agent = Agent(bed, "moved")
    path = agent.config
    text = agent.configuration()
    agent.write_configuration(text.replace("control.sock", "other.sock"))
    done = command("status", "-c", path)
    report.check("moved: status finds the agent where it listens", done.returncode == 0 and "process " in done.stdout
                 and f"nobody answers on {agent.dir}/other.sock; this is the agent on {agent.dir}/control.sock" in done.stderr, done)
    report.equal("moved: exit status", agent.stop(), 0)


IMPOSTOR = """
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
os.setuid(65534)
s.set_inheritable(True)
stdin, hold = os.pipe()
pid = os.fork()
if pid == 0:
    s.listen()
    os.dup2(stdin, 0)
    os.execv(sys.argv[3], ['smtpscope', 'read', '-'])
while open(f'/proc/{pid}/comm').read() != 'smtpscope\\n':
    pass
print('listens', flush=True)
while True:
    peer = s.accept()[0]
    if peer.recv(256):
        print('asked', flush=True)
    peer.sendall(sys.argv[2].encode() + b'\\n')
    peer.close()
"""


def impostor(report, bed):
    """Another user's process of the same program, for which yet another one claims to have the file: it is not asked."""
    os.makedirs(bed.dir + "/impostor", exist_ok=True)
    file, path = bed.dir + "/impostor/config.yaml", bed.dir + "/impostor/s"
    with open(file, "w", encoding="ascii") as config:
        config.write(f"control: {{ socket: {bed.dir}/nobody }}\n")
    process = bed.start(bed.server, sys.executable, "-c", IMPOSTOR, path, file, binary(), text=True,
                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    report.equal("impostor: it is there", process.stdout.readline(), "listens\n")
    done = command("status", "-c", file)
    report.check("impostor: no agent is found", done.returncode == 1 and "no agent is running" in done.stderr
                 and path not in done.stderr, done)
    stop(process)
    report.equal("impostor: nobody has asked it", process.stdout.read(), "")


def file_that_is_not_there(report, bed):
    """A link is the file that it leads to; one that was deleted is refused, the installed one is done without."""
    agent = Agent(bed, "deleted")
    path, link = agent.config, bed.dir + "/link.yaml"
    os.symlink(path, link)
    done = command("reload", "-c", link)
    report.equal("link: reload takes it for the file", (done.returncode, done.stdout, done.stderr),
                 (0, f"{path}: loaded; nothing has changed.\n", ""))
    os.remove(path)
    done = command("reload", "--set", f"control.socket={agent.dir}/control.sock")
    report.check("deleted: refused, with what to do", done.returncode == 1
                 and f"the configuration stays as it was: {path}: there is no such file; create it" in done.stderr, done)
    report.equal("deleted: exit status", agent.stop(), 0)


def broken_file(report, bed):
    """Subcommands that ask the agent need one key of the file; they do without."""
    agent = Agent(bed, "broken")
    path = agent.config
    with open(path, "a", encoding="ascii") as file:
        file.write("nonsense: 1\n")
    rows = ((("status",), "smtpscope "), (("status", "--json"), '"reload_error"'), (("flows",), "sessions"),
            (("top", "--count", "1"), "sessions"))
    complaint = re.compile(rf"^smtpscope: {path}:\d+:1: there is no key nonsense", re.M)
    for words, answer in rows:
        done = command(*words, "-c", path)
        report.check(f"broken: {' '.join(words)} answers", done.returncode == 0 and answer in done.stdout, done)
        report.check(f"broken: {' '.join(words)} tells why", complaint.search(done.stderr), done.stderr)
    reload(agent)
    refused = re.compile(rf"^smtpscope: the running agent goes on .*; the last reload, 20\S*, was refused: {path}:", re.M)
    for words in (*(words for words, _ in rows), ("probe", "-i", "lo")):
        done = command(*words, "-c", path)
        report.check(f"broken: {' '.join(words)} tells of the refusal", complaint.search(done.stderr)
                     and refused.search(done.stderr), done.stderr)
    report.check("broken: probe looks at the kernel all the same", re.search(r"^ok +kernel", done.stdout, re.M), done)
    report.check("broken: and says that run would not start", done.returncode == 1 and re.search(
        rf"^MISSING +configuration +{path}:", done.stdout, re.M) and "would not start" in done.stdout, done)
    report.equal("broken: exit status", agent.stop(), 0)
    done = command("status", "-c", path)
    report.check("broken: without an agent it is an error", done.returncode == 2 and complaint.search(done.stderr), done)


def main():
    report = Report("reload")
    with Testbed() as bed:
        Postfix(bed)
        report.section(limit_changes, bed)
        report.section(bad_configuration, bed)
        report.section(configuration_in_effect, bed)
        report.section(files_are_reopened, bed)
        report.section(policy_changes, bed)
        report.section(needs_a_restart, bed)
        report.section(reload_command, bed)
        report.section(moved_socket, bed)
        report.section(impostor, bed)
        report.section(file_that_is_not_there, bed)
        report.section(broken_file, bed)
    report.finish()


if __name__ == "__main__":
    main()
