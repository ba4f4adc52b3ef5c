#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a privacy preset hides appears in no output: usage: privacy.py SMTPSCOPE.

One capture in which every field of every stream has something to tell, through every format; all that is written is
searched for each text that the preset hides, and for those that it leaves. Without a preset all of them are there.
"""
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile

from checks import Checks
from make import CLIENT, SERVER, Capture, Connection

KEY = b"a key of twenty bytes"
FORMATS = ("json", "tsv", "brief")
ENVELOPE = ["alice.sender@client.example", "bob.taker@server.example", "carol.none@server.example", "dora.login@client.example"]
ADDRESSES = [*ENVELOPE, "erin.from@client.example", "frank.to@server.example", "gina.cc@server.example",
             "hugo.reply@client.example", "ida.answered@client.example"]
SUBJECTS = ["Quarterly figures", "=?utf-8?q?Quarterly_figures?=", "Quarterly_figures"]
# Text of the header, and what is derived from it or quotes it.
CONTENT = [*ADDRESSES[4:], *SUBJECTS, "message.id.4711", "Tue, 14 Nov", "198.51.100.77", "198.51.100.88", "relay.one.example",
           "relay.two.example", "figures-2023.pdf", "Thunderbird"]
PERSONAL = [*ADDRESSES, *SUBJECTS, "message.id.4711", "198.51.100.77", "198.51.100.88", "relay.one.example", "relay.two.example",
            "figures-2023.pdf", "carol.none", "bob.taker"]
HIDDEN = {"plain": [], "no-content": CONTENT, "pseudonymous": PERSONAL}

HEADER = f"""Received: from relay.two.example ([198.51.100.88]) by mx; for <{ENVELOPE[1]}>
Received: from relay.one.example (account {ENVELOPE[3]} [198.51.100.77]) by relay.two.example
Date: Tue, 14 Nov 2023 22:13:20 +0000
From: Erin <{ADDRESSES[4]}>
To: {ADDRESSES[5]}
Cc: {ADDRESSES[6]}
Reply-To: {ADDRESSES[7]}
Message-ID: <message.id.4711@client.example>
In-Reply-To: <{ADDRESSES[8]}>
Subject: =?utf-8?q?Quarterly_figures?=
X-Originating-IP: [198.51.100.77]
User-Agent: Thunderbird 115.4 ({ENVELOPE[0]})
Content-Type: application/pdf; name="figures-2023.pdf"
Content-Transfer-Encoding: base64

JVBERi0xLjQK*{ENVELOPE[1]}
."""


def capture(path, turns):
    made = Capture("ethernet", [])
    connection = Connection(made, "192.0.2.1", 40000, "192.0.2.2", 587, (1000, 2000))
    connection.open()
    for side, text in turns:
        connection.send(side, text.replace("\n", "\r\n").encode() + b"\r\n")
    connection.close()
    made.write(path, "pcap", 0)


MAIL = [
    (SERVER, "220 s"), (CLIENT, f"EHLO {ENVELOPE[0]}"), (SERVER, "250-s\n250 AUTH PLAIN"),
    (CLIENT, "AUTH LOGIN ZG9yYS5sb2dpbkBjbGllbnQuZXhhbXBsZQ=="), (SERVER, "334 UGFzc3dvcmQ6"), (CLIENT, "c2VjcmV0"),
    (SERVER, "235 2.7.0 in"), (CLIENT, f"MAIL FROM:<{ENVELOPE[0]}>"), (SERVER, "250 m"),
    (CLIENT, f"RCPT TO:<{ENVELOPE[1]}>"), (SERVER, "250 r"), (CLIENT, f"RCPT TO:<{ENVELOPE[2]}>"),
    (SERVER, f"550 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org; no {ENVELOPE[2]}, carol.none"),
    (CLIENT, "RCPT <nonsense>\nDATA"), (SERVER, "501 what\n354 d"), (CLIENT, HEADER),
    (SERVER, f"250 2.6.0 <message.id.4711@client.example> [InternalId=42] Queued Quarterly figures of {ENVELOPE[0]}")]
# Content of which no smtp record tells, so that there is nothing to judge: its MAIL and RCPT were never sent, or not seen.
ORPHAN = [(SERVER, "220 s"), (CLIENT, "EHLO c"), (SERVER, "250 s"), (CLIENT, "DATA"), (SERVER, "354 d"), (CLIENT, HEADER), (SERVER, "250 q")]


def read(program, folder, trace, form, *options):
    """Everything that is written about the trace, and the records of the smtp stream if they are JSON."""
    logs = tempfile.mkdtemp(dir=folder)
    done = subprocess.run([program, "read", "--format", form, "--log-dir", logs, "--set", "log.level=trace",
                           "--set", "files.rfc822_messages=true", "--set", "notices.suspicious_origination_networks=[198.51.100.0/24]",
                           "--set", "software.asset_tracking=ALL_HOSTS", "--set", "analyzer.detect_clients_in_messages_from=ALL_HOSTS",
                           *options, trace], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    said = {"output": (done.stdout + done.stderr).decode()}
    for name in os.listdir(logs):
        with open(os.path.join(logs, name), encoding="utf-8") as f:
            said[name] = f.read()
    records = [json.loads(line) for line in said.get("smtp.log", "").splitlines()] if form == "json" else []
    return said, records


def keyed(text):
    return hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()


def joinable(check, program, folder, trace):
    """With a key of one's own the hashes can be computed, and equal values have equal ones."""
    key = os.path.join(folder, "key")
    with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
        f.write(KEY + b"\n")
    privacy = f"log.privacy={{preset: pseudonymous, key_file: {key}}}"
    _, [record] = read(program, folder, trace, "json", "--set", privacy)
    check.equal("keyed sender", record["mailfrom"], keyed(ENVELOPE[0]))
    check.equal("keyed recipients", record["rcptto"], [keyed(a) for a in ENVELOPE[1:3]])
    check.equal("keyed refusal", record["rejected_rcptto"], [keyed(ENVELOPE[2]) + ": 550 5.7.1"])
    check.equal("keyed user", record["auth_user"], keyed(ENVELOPE[3]))
    check.equal("keyed subject", record["subject_decoded"], keyed(SUBJECTS[0]))
    check.equal("keyed address", record["x_originating_ip"], keyed("198.51.100.77"))
    check.equal("greeting", record["helo"], keyed(ENVELOPE[0]))
    check.equal("code of the reply", record["last_reply"], "250 2.6.0")
    said, _ = read(program, folder, trace, "tsv", "--set", privacy)
    header = [line.split("\t")[1:] for line in said["smtp.log"].splitlines()[6:8]]
    check.equal("types of hashed addresses", {n: t for n, t in zip(*header) if n in ("path", "x_originating_ip", "id.orig_h")},
                {"path": "vector[string]", "x_originating_ip": "string", "id.orig_h": "addr"})
    os.chmod(key, 0o644)
    said, _ = read(program, folder, trace, "json", "--set", privacy)
    check.equal("a key that others can read", ("others can read" in said["output"], len(said)), (True, 1))


def policies(check, program, folder, trace):
    def got(policy):
        return read(program, folder, trace, "json", "--set", f"log.policy={policy}")[1]
    check.equal("dropped by the sender", got('[{when: {mailfrom: "*@client.example"}, action: drop}]'), [])
    check.equal("kept", len(got('[{when: {mailfrom: "*@client.example"}, action: keep}, {action: drop}]')), 1)
    [record] = got('[{hide: {subject: omit, mailfrom: sha256}}]')
    check.equal("hidden", ("subject" in record, "subject_decoded" in record, len(record["mailfrom"])), (False, False, 64))
    said, _ = read(program, folder, trace, "json", "--set", "log.policy=[{stream: files, action: drop}]")
    check.equal("a stream dropped", sorted(said), ["notice.log", "output", "smtp.log", "software.log", "weird.log"])


def traces_left(program, folder, trace, *options):
    """The logs in which there is something, and the files that were extracted; and what is said on the way."""
    extracted = tempfile.mkdtemp(dir=folder)
    said, _ = read(program, folder, trace, "json", "--set", "files.extract.enabled=true", "--set", "files.extract.min_free=0",
                   "--set", "files.extract.what=all", "--set", f"files.extract.directory={extracted}", *options)
    left = sorted(name for name in said if name != "output")
    return left + ["extracted"] * len(os.listdir(extracted)), said["output"]


def whole_mails(check, program, folder, trace):
    """A mail that is dropped leaves nothing in any stream, nor on the disk."""
    orphan = os.path.join(folder, "orphan.pcap")
    capture(orphan, ORPHAN)
    every = ["files.log", "notice.log", "smtp.log", "software.log", "weird.log", "extracted", "extracted"]
    no_smtp = [name for name in every if name != "smtp.log"]
    rows = [
        ("a mail that is kept", trace, '[{when: {mailfrom: "*@client.example"}, action: keep}, {action: drop}]', every),
        ("a mail that is dropped", trace, '[{when: {mailfrom: "*@client.example"}, action: drop}]', []),
        ("its record alone", trace, "[{action: drop-record}]", no_smtp),
        ("its record alone, by the first rule", trace, "[{action: drop-record}, {action: drop}]", no_smtp),
        ("files that are dropped", trace, "[{stream: files, action: drop}]", [n for n in every if n not in ("files.log", "extracted")]),
        ("records of files that are dropped", trace, "[{stream: files, action: drop-record}]", [n for n in every if n != "files.log"]),
        ("content without a mail", orphan, '[{when: {mailfrom: nobody}, action: drop}]', []),
        ("the same, and no mail is dropped", orphan, "[{hide: {subject: omit}}]", ["files.log", "weird.log", "extracted", "extracted"]),
    ]
    for name, path, policy, expected in rows:
        left, output = traces_left(program, folder, path, "--set", f"log.policy={policy}")
        check.equal(name, left, expected)
        check.equal(f"{name}: what is said", "too little was captured" in output, name == "content without a mail")
    little = ["--set", "limits.waiting_memory=1KiB"]
    left, output = traces_left(program, folder, trace, "--set", "log.policy=[{when: {mailfrom: nobody}, action: drop}]", *little)
    check.equal("no room to wait", left, ["notice.log", "smtp.log", "software.log"])
    check.equal("no room to wait: what is said", "limits.waiting_memory allows" in output, True)
    left, output = traces_left(program, folder, trace, "--set", "log.policy=[{action: drop}]", *little)
    check.equal("no room to wait, and the mail is dropped", left, [])


def main():
    program = sys.argv[1]
    check = Checks()
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "trace.pcap")
        capture(trace, MAIL)
        everything = "".join(text for form in FORMATS for text in read(program, folder, trace, form)[0].values())
        # A text that is nowhere to begin with would prove nothing.
        check.equal("without a preset all is told", [t for t in {*CONTENT, *PERSONAL} if t not in everything], [])
        for preset, hidden in HIDDEN.items():
            for form in FORMATS:
                said, _ = read(program, folder, trace, form, "--set", f"log.privacy={preset}")
                leaks = [(name, text) for name, told in said.items() for text in hidden if text in told]
                check.equal(f"{preset}, {form}", leaks, [])
                streams = {"smtp.log", "files.log", "notice.log", "weird.log"} | ({"software.log"} if preset != "no-content" else set())
                check.equal(f"{preset}, {form}: the streams", set(said) - {"output"}, streams)
                kept = ENVELOPE[0] in said["smtp.log"]
                check.equal(f"{preset}, {form}: the envelope", kept, preset != "pseudonymous")
        joinable(check, program, folder, trace)
        policies(check, program, folder, trace)
        whole_mails(check, program, folder, trace)
    print(f"{check.passed} passed, {check.failed} failed")
    return check.failed > 0


if __name__ == "__main__":
    sys.exit(main())
