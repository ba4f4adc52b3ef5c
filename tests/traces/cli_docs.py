#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the documents say is what the program does: keys and their defaults, subcommands and options, fields, streams and
counters, and every example.

usage: cli_docs.py SMTPSCOPE
"""
import json
import os
import re
import subprocess
import sys
import tempfile

os.environ["SMTPSCOPE"] = sys.argv[1]
HERE = sys.path.pop(0)  # behind the standard library, which has a module `secrets` as well
sys.path += [HERE, os.path.join(HERE, "../live")]

import documents  # noqa: E402
from agent import Agent  # noqa: E402
from checks import Checks  # noqa: E402
from documents import CONFIG, MAN, MAN_CONFIG, README  # noqa: E402
from make import CLIENT, SERVER, Capture, Connection  # noqa: E402
from testbed import Skipped, Testbed  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
LAST_OF_ZEEK = "is_webmail"
# Defaults that documents tell in words, because they are long or depend on something.
WORDS = {"analyzer.local_nets": {"the private networks"},
         "analyzer.webmail_user_agents": {"the reference's six", "the reference's"},
         "analyzer.extra_fields": {"all"},
         "log.sinks": {"journald under systemd, else JSON on stdout", None},
         "log.privacy.key_file": {"none", None}}
NOTHING = {"[]": "none", '""': "none", "~": "none"}


def run(*arguments, cwd=None):
    return subprocess.run([PROGRAM, *arguments], cwd=cwd, text=True, capture_output=True, timeout=60, check=False)


def differences(where, names, expected):
    """Names that are missing in a document, and those that only it knows."""
    return ([f"{where} lacks {name}" for name in sorted(set(expected) - set(names))] +
            [f"{where} has {name}, which is none" for name in sorted(set(names) - set(expected))])


# ---- each check: from the texts of the documents to what is wrong with them


def check_keys(texts):
    keys = documents.keys_of_dump(run("check-config", "--dump", "/dev/null").stdout)
    problems = differences(CONFIG, documents.keys_of_config(texts[CONFIG]), keys)
    for path, said in (README, documents.keys_of_readme(texts[README])), (MAN_CONFIG, documents.keys_of_man(texts[MAN_CONFIG])):
        problems += differences(path, said, keys)
        for name, value in said.items():
            right = keys.get(name, "").strip('"')
            if value not in WORDS.get(name, {NOTHING.get(keys.get(name), right)}):
                problems.append(f"{path}: the default of {name} is {right}, not {value}")
    return problems


def check_installed(texts):
    """The configuration that is installed changes nothing."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(texts[CONFIG])
        file.flush()
        done = run("check-config", "--dump", file.name)
    lines = run("check-config", "--dump", "/dev/null").stdout.splitlines()
    return [f"{CONFIG}: {line.strip()} is not the default" for line in done.stdout.splitlines() if line not in lines] + \
        done.stderr.splitlines()


def check_command_line(texts):
    subcommands = re.findall(r"^  ([a-z][\w-]*) {2,}", run("--help").stdout, re.MULTILINE)
    man = documents.options_of_man(texts[MAN])
    problems = differences(f"{MAN}, synopsis", man, subcommands)
    described = re.findall(r"^\.It Cm (\S+)", documents.section(texts[MAN], r"The subcommands are:", r"\.Pp$"), re.MULTILINE)
    problems += differences(f"{MAN}, description", described, subcommands)
    for name in subcommands:
        helped = [forms for forms in documents.options_of_help(run(name, "--help").stdout) if "-h" not in forms]
        shared = [forms for forms in helped if forms[-1] in ("--config", "--set")]
        problems += differences(f"{name} --help", helped, documents.options_of_source(name) + shared)
        problems += differences(f"{MAN}, {name}", man.get(name, ()), [forms[0] for forms in helped])
    return problems


def columns(folder):
    """Of the smtp stream."""
    header = run("read", "--format", "tsv", "mail.pcap", cwd=folder).stdout
    return re.search(r"^#fields\t(.*)$", header, re.MULTILINE)[1].split("\t")


def check_fields(texts, folder):
    fields = columns(folder)
    own = fields[fields.index(LAST_OF_ZEEK) + 1:]
    rows = re.findall(r"^\| (`.*?) \|", documents.section(texts[README], r"\| field \| \|", r"$"), re.MULTILINE)
    problems = differences(README, [name for row in rows for name in documents.quoted(row)], own)
    man = documents.section(texts[MAN_CONFIG], r"\.It Va analyzer\.extra_fields[^\n]*", r"\.El")
    listed = [name for line in re.findall(r"^\.Cm (.*)$", man, re.MULTILINE) for name in re.findall(r"\w+", line)]
    problems += differences(MAN_CONFIG, listed, own)
    known = {"SMTP_STREAM", "SMTP_FIELDS_LEFT_OUT", *("SMTP_" + re.sub(r"\W", "_", name).upper() for name in fields)}
    for path, text in texts.items():
        problems += [f"{path}: there is no journal field {word}" for word in re.findall(r"\bSMTP_[A-Z_]+", text) if word not in known]
    return problems


def check_streams(texts):
    refusal = run("check-config", "--set", "log.sinks=[{type: stdout, streams: [none]}]").stderr
    streams = re.search(r"is not one of ([\w, ]+)", refusal)[1].split(", ")
    rows = re.findall(r"^\| `(\w+)` \|", documents.section(texts[README], r"\| stream \| [^\n]*", r"$"), re.MULTILINE)
    man = re.search(r"^limits a sink to some of the streams\n\.Cm (.*)\nand\n\.Cm (\w+) \.$", texts[MAN_CONFIG], re.MULTILINE)
    return (differences(README, rows, streams) +
            differences(MAN_CONFIG, re.findall(r"\w+", " ".join(man.groups())) if man else [], streams))


def check_counters(texts, status):
    """What `status --json` counts is in the README's table, in its section."""
    sections = {name: set(status[name]) for name in ("kernel", "engine", "cgroups", "queue", "extraction", "policy", "memory")}
    sections["sinks"] = {name for name, value in status["sinks"][0].items() if isinstance(value, int)}
    rows = re.findall(r"^\| `(\w+)` \| (`.*?) \|", documents.section(texts[README], r"\| in \| counter \| \|", r"$"), re.MULTILINE)
    problems = []
    for name, counters in sections.items():
        said = {word for row_section, words in rows if row_section == name for word in documents.quoted(words)}
        if "dropped_STREAM" in said:
            said = said - {"dropped_STREAM"} | {word for word in counters if word.startswith("dropped_")}
        problems += differences(f"{README}, counters of {name}", said, counters)
    return problems


def for_this_machine(text, folder):
    """Paths of an example that are the reader's to make."""
    text = text.replace("/etc/smtpscope/key", f"{folder}/key")
    return re.sub(r"/var/(log|lib)/smtpscope(/\w+)?", folder, text)


def check_examples(texts, folder):
    problems = []
    for where, text in documents.configurations(texts):
        path = os.path.join(folder, "example.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(for_this_machine(text, folder))
        done = run("check-config", path)
        problems += [f"{where}: {line}" for line in done.stderr.splitlines()] if done.returncode else []
    for path, command, rest in documents.commands(texts):
        done = run(*command, cwd=folder)
        if done.returncode != 0:
            problems.append(f"{path}: {' '.join(command)}: exit status {done.returncode}: {done.stderr}")
        if rest[:1] == ["zeek-cut"]:
            problems += [f"{path}: there is no column {name}" for name in rest[1:] if name not in columns(folder)]
    return problems


# ---- the mails of the examples, and what has to become of them

REFUSED, ACCEPTED = "550 5.1.1 who", "250 2.0.0 Ok: queued as 4Zx1Y20mKzz9rxN"


def speak(talk, *lines):
    for line in lines:
        side, text = (SERVER, line[2:]) if line.startswith("S ") else (CLIENT, line)
        talk.send(side, text.encode() + b"\r\n")


def send(capture, port, client, sender, recipients, subject, greeting=("EHLO c", "S 250 s")):
    """A mail; recipients in capitals are refused, and it is given up if none is left."""
    talk = Connection(capture, client, port, "192.0.2.2", 25)
    talk.open()
    speak(talk, "S 220 s", *greeting, f"MAIL FROM:<{sender}>", "S 250 2.1.0 Ok")
    for recipient in recipients:
        speak(talk, f"RCPT TO:<{recipient.lower()}>", f"S {REFUSED if recipient.isupper() else '250 2.1.5 Ok'}")
    if not all(recipient.isupper() for recipient in recipients):
        speak(talk, "DATA", "S 354 go on", f"From: {sender}\r\nSubject: {subject}\r\n\r\ntext\r\n.", f"S {ACCEPTED}")
    speak(talk, "QUIT", "S 221 2.0.0 bye")
    talk.close()


def write_captures(folder):
    capture = Capture()
    send(capture, 40001, "10.0.0.5", "probe@example.com", ["bob@example.org"], "monitoring probe 7")
    send(capture, 40002, "192.0.2.7", "probe@example.com", ["bob@example.org"], "probe 8")
    send(capture, 40003, "198.51.100.1", "refused@example.com", ["BOB@EXAMPLE.ORG"], "")
    send(capture, 40004, "198.51.100.1", "user@example.com", ["carol@example.com"], "with a password",
         ("EHLO c", "S 250 s", "AUTH PLAIN AGEAYg==", "S 235 ok"))
    send(capture, 40005, "198.51.100.1", "payroll@example.com", ["carol@example.com"], "Payslip of May")
    send(capture, 40006, "198.51.100.1", "alice@example.org", ["bob@example.net", "CAROL@EXAMPLE.NET"], "Quarterly figures")
    capture.write(os.path.join(folder, "mail.pcap"))
    capture.write(os.path.join(folder, "mail.pcapng"), "pcapng")
    os.makedirs(os.path.join(folder, "logs"), exist_ok=True)
    with open(os.open(os.path.join(folder, "key"), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(bytes(32))


def by_policy(text, folder):
    """Who sent the mails that a configuration lets through, and with which subjects: `-` is hidden."""
    with open(os.path.join(folder, "policy.yaml"), "w", encoding="utf-8") as file:
        file.write(for_this_machine(text, folder))
    records = [json.loads(line) for line in run("read", "-c", "policy.yaml", "mail.pcap", cwd=folder).stdout.splitlines()]
    return [f"{re.sub(r'^[0-9a-f]{64}$', '-', r['mailfrom'])}: {r.get('subject', '-')}" for r in records]


def check_promises(check, texts, folder):
    """What an example's words say that it does."""
    shown = dict(documents.configurations(texts))
    policies = {where: text for where, text in shown.items() if "," in where and "reply_code" in text}
    check.equal("policies on reply_code are shown in", sorted(where.split(",")[0] for where in policies),
                sorted([README, MAN_CONFIG, CONFIG]))
    by_document = {where.split(",")[0]: by_policy(text, folder) for where, text in policies.items()}
    plain = {"8": "probe@example.com: probe 8", "payslip": "payroll@example.com: Payslip of May",
             "auth": "user@example.com: with a password", "two": "alice@example.org: Quarterly figures",
             "refused": "refused@example.com: -", "first": "probe@example.com: monitoring probe 7"}
    check.equal("the README's policy", by_document.get(README),
                [plain["8"], plain["refused"], "-: -", "payroll@example.com: -", plain["two"]])
    check.equal("the manual's policy", by_document.get(MAN_CONFIG), ["-: -", plain["refused"], "-: -", "-: -", "-: -"])
    check.equal("the configuration's policy", by_document.get(CONFIG),
                ["-: -", plain["refused"], plain["auth"], plain["payslip"], "-: -"])
    brief = re.search(r"^    (\S+ -> .* REFUSED .*)$", texts[README], re.MULTILINE)
    lines = run("read", "--format", "brief", "mail.pcap", cwd=folder).stdout
    check.equal("the README's line of a mail", bool(brief) and brief[1] in lines, True)


# ---- a check that finds no fault with anything is none


def drifted(texts, path, old, new):
    if old not in texts[path]:
        return None
    return {**texts, path: texts[path].replace(old, new, 1)}


DRIFTS = [
    ("keys", README, "| `limits.line_length` | `2MiB` |", "| `limits.line_length` | `1MiB` |"),
    ("keys", README, "| `capture.shards` |", "| `capture.shreds` |"),
    ("keys", MAN_CONFIG, ".It Va limits.line_length Pq Li 2MiB", ".It Va limits.line_length Pq Li 1MiB"),
    ("keys", MAN_CONFIG, ".It Va mime.max_depth Pq Li 100\nOf parts within parts.\n", ""),
    ("keys", CONFIG, "  # local_nets:", "  # our nets:"),
    ("installed", CONFIG, "  line_length: 2MiB", "  line_length: 1MiB"),
    ("command_line", MAN, ".Op Fl -count Ar number\n", ""),
    ("command_line", MAN, ".It Cm flows\n", ""),
    ("command_line", MAN, ".Cm detach\n", ".Cm detach\n.Op Fl -force\n"),
    ("fields", README, "| `queue_id` |", "| `queue_name` |"),
    ("fields", MAN_CONFIG, " queue_id ,", ""),
    ("fields", README, "SMTP_RCPTTO", "SMTP_RCPT_TO"),
    ("streams", README, "| `weird` |", "| `odd` |"),
    ("streams", MAN_CONFIG, ".Cm smtp , weird ,", ".Cm smtp ,"),
    ("examples", README, "action: drop }", "action: throw }"),
    ("examples", MAN_CONFIG, "      format: tsv", "      format: csv"),
    ("examples", CONFIG, "  #   - { type: stdout, format: brief }", "  #   - { type: stdout, form: brief }"),
    ("examples", MAN, "zeek-cut ts mailfrom", "zeek-cut ts mail_from"),
    ("examples", README, "smtpscope read --format tsv", "smtpscope read --format csv"),
]


def check_judges(check, texts, judges):
    for name, path, old, new in DRIFTS:
        changed = drifted(texts, path, old, new)
        check.equal(f"a drift is found: {path}: {old.strip()!r}", changed is not None and bool(judges[name](changed)), True)


def agents_status():
    with Testbed() as bed:
        agent = Agent(bed, mode="tc")
        return agent.status()


def main():
    check, skipped = Checks(), 0
    texts = documents.read_all()
    with tempfile.TemporaryDirectory() as folder:
        write_captures(folder)
        judges = {"keys": check_keys, "installed": check_installed, "command_line": check_command_line,
                  "fields": lambda t: check_fields(t, folder), "streams": check_streams,
                  "examples": lambda t: check_examples(t, folder)}
        for name, judge in judges.items():
            check.equal(name, judge(texts), [])
        check_promises(check, texts, folder)
        check_judges(check, texts, judges)
        try:
            status = agents_status()
            check.equal("counters", check_counters(texts, status), [])
            for old, new in ("`lost_ring_full`", "`lost_ring_ful`"), ("`fragments_expired`, ", ""):
                changed = drifted(texts, README, old, new)
                check.equal(f"a drift is found: {old}", changed is not None and bool(check_counters(changed, status)), True)
        except Skipped as why:
            print(f"skip  docs: the counters of a running agent: {why}")
            skipped += 1
    print(f"{check.passed} passed, {check.failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return check.failed > 0


if __name__ == "__main__":
    sys.exit(main())
