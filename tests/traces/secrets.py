#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A secret that is sent in AUTH appears in no output: usage: secrets.py SMTPSCOPE.

Every mechanism that sends one, in segments of several sizes, with success and with failure, through every format and
every stream; the files of --log-dir are searched byte by byte for the secret in each form that it had on the wire.
"""
import base64
import hashlib
import hmac
import os
import subprocess
import sys
import tempfile

from make import CLIENT, SERVER, Capture, Connection

SECRET = b"correct-horse-battery"
USER = b"user@x.example"


def b64(data):
    return base64.b64encode(data)


def dialogues():
    """(name, turns, forms of the secret, whether the user is told)"""
    plain = b64(b"\0" + USER + b"\0" + SECRET)
    token = b64(b"user=" + USER + b"\1auth=Bearer " + SECRET + b"\1\1")
    challenge = b"<1896.697170952@x.example>"
    digest = hmac.new(SECRET, challenge, hashlib.md5).hexdigest().encode()
    cram = b64(USER + b" " + digest)
    yield "PLAIN at once", [(CLIENT, b"AUTH PLAIN " + plain)], [plain], True
    yield "PLAIN when asked", [(CLIENT, b"AUTH PLAIN"), (SERVER, b"334 "), (CLIENT, plain)], [plain], True
    yield ("LOGIN", [(CLIENT, b"AUTH LOGIN"), (SERVER, b"334 VXNlcm5hbWU6"), (CLIENT, b64(USER)), (SERVER, b"334 UGFzc3dvcmQ6"),
                     (CLIENT, b64(SECRET))], [b64(SECRET)], True)
    yield ("LOGIN, the user at once", [(CLIENT, b"AUTH LOGIN " + b64(USER)), (SERVER, b"334 UGFzc3dvcmQ6"), (CLIENT, b64(SECRET))],
           [b64(SECRET)], True)
    yield "CRAM-MD5", [(CLIENT, b"AUTH CRAM-MD5"), (SERVER, b"334 " + b64(challenge)), (CLIENT, cram)], [cram, digest], True
    yield "XOAUTH2 at once", [(CLIENT, b"AUTH XOAUTH2 " + token)], [token], True
    yield "XOAUTH2 when asked", [(CLIENT, b"AUTH XOAUTH2"), (SERVER, b"334 "), (CLIENT, token)], [token], True
    yield "a mechanism that is none", [(CLIENT, b"AUTH " + plain)], [plain], False
    yield "out of turn", [(CLIENT, plain), (CLIENT, b64(SECRET)), (CLIENT, SECRET)], [plain, b64(SECRET)], False


def capture(path, turns, segment, accepted):
    made = Capture("ethernet", [])
    connection = Connection(made, "192.0.2.1", 40000, "192.0.2.2", 587, (1000, 2000))
    connection.open()
    last = b"235 2.7.0 in" if accepted else b"535 5.7.8 no"
    for side, line in [(SERVER, b"220 s"), (CLIENT, b"EHLO c"), (SERVER, b"250-s\r\n250 AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2"), *turns,
                       (SERVER, last), (CLIENT, b"MAIL FROM:<a@x>"), (SERVER, b"250 m"), (CLIENT, b"RCPT TO:<b@y>"), (SERVER, b"250 r"),
                       (CLIENT, b"DATA"), (SERVER, b"354 d"), (CLIENT, b"Subject: s\r\n\r\nbody\r\n."), (SERVER, b"250 taken")]:
        connection.send(side, line + b"\r\n", segment)
    connection.close()
    made.write(path, "pcap", 0)


def outputs(program, folder, trace):
    """Everything that is written about the trace."""
    out = b""
    for form in "json", "tsv", "brief":
        logs = os.path.join(folder, form)
        os.makedirs(logs, exist_ok=True)
        done = subprocess.run([program, "read", "--format", form, "--log-dir", logs, "--set", "log.level=trace",
                               "--set", "files.rfc822_messages=true", trace], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        out += done.stdout + done.stderr
        for name in os.listdir(logs):
            with open(os.path.join(logs, name), "rb") as f:
                out += f.read()
    return out


def main():
    program = sys.argv[1]
    passed = failed = 0
    for name, turns, forms, told in dialogues():
        for segment in (1, 2, 3, 5, 16, 1460):
            for accepted in (True, False):
                with tempfile.TemporaryDirectory() as folder:
                    trace = os.path.join(folder, "trace.pcap")
                    capture(trace, turns, segment, accepted)
                    said = outputs(program, folder, trace)
                leaked = [form for form in [SECRET, SECRET.hex().encode(), *forms] if form in said]
                wrong = b'"mailfrom":"a@x"' not in said or (b'"auth_user":"' + USER + b'"' in said) != told
                if leaked or wrong:
                    failed += 1
                    print(f"FAILED {name}, segments of {segment}: " + (f"{leaked} was told" if leaked else "not the record that belongs to it"))
                else:
                    passed += 1
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
