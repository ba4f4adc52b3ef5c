#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""capture.py FILE: a capture of one mail."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "traces"))
sys.dont_write_bytecode = True

from make import CLIENT, SERVER, Capture, Connection  # noqa: E402

TALK = [
    (SERVER, b"220 mail.example.net\r\n"), (CLIENT, b"EHLO client\r\n"), (SERVER, b"250 hello\r\n"),
    (CLIENT, b"MAIL FROM:<alice@example.org>\r\n"), (SERVER, b"250 ok\r\n"),
    (CLIENT, b"RCPT TO:<bob@example.net>\r\n"), (SERVER, b"250 ok\r\n"),
    (CLIENT, b"DATA\r\n"), (SERVER, b"354 go on\r\n"),
    (CLIENT, b"Subject: Hello\r\n\r\nHello Bob,\r\n.\r\n"), (SERVER, b"250 queued as 1\r\n"),
]

capture = Capture()
talk = Connection(capture, "192.0.2.1", 40000, "192.0.2.2", 25)
talk.open()
for side, said in TALK:
    talk.send(side, said)
talk.close()
capture.write(sys.argv[1])
