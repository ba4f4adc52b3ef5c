#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""An SMTP client that does what ordinary ones do not: pipelining, BDAT in several chunks, many mails on a connection.

As a program it reads sessions as JSON from standard input, one a line, and writes what became of each:

    {"host": "10.99.0.2", "port": 25, "tls": false, "bdat": 0, "pipeline": true,
     "mails": [{"sender": "a@b", "rcpts": ["c@d"], "subject": "hello", "size": 1000}]}

A mail may have a `rate` in bytes per second; from then on the connection sends no faster.

`bdat` is the number of chunks; 0 means DATA. The answer repeats the session with `local_host`, `local_port`, `helo`,
`starttls_reply` and, for each mail, `reply`: the server's last one, code and text.

With HOST and PORT as arguments it holds one connection and does what each line says, a JSON list: ["command", TEXT, CODE],
["send", TEXT], ["starttls"], ["mail", MAIL] or ["quit"]. The first answer is the local port, all others are the lines of the
reply; to what is just sent there is none.
"""

import json
import socket
import ssl
import sys

MAX_PACING_RATE = 47  # asm-generic/socket.h; Python does not name it
HELO = "client.smtpscope.example"


class Refused(Exception):
    """The server said something else than what it was to say."""


class Connection:
    def __init__(self, host, port, timeout=30):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.local_host, self.local_port = self.socket.getsockname()[:2]
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        while b"\n" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise Refused("the server has hung up")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode("latin-1")

    def reply(self, *codes):
        """The lines of one reply; it must have one of the codes, if any are given."""
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        if codes and int(lines[-1][:3]) not in codes:
            raise Refused(f"got {lines!r}, expected {codes}")
        return lines

    def command(self, text, *codes):
        self.send(text + "\r\n")
        return self.reply(*codes)

    def greet(self):
        self.reply(220)
        return self.command("EHLO " + HELO, 250)

    def starttls(self):
        reply = self.command("STARTTLS", 220)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)
        self.command("EHLO " + HELO, 250)
        return reply

    def quit(self):
        reply = self.command("QUIT", 221)
        self.socket.close()
        return reply


def message(mail):
    """The mail as it is sent: header fields and a body of about `size` bytes with lines that begin with dots."""
    head = (f"From: <{mail['sender']}>\r\nTo: {', '.join(mail['rcpts'])}\r\nSubject: {mail['subject']}\r\n"
            f"Message-ID: <{mail['subject'].replace(' ', '.')}@client.smtpscope.example>\r\n\r\n").encode()
    line = b".a line of the body, which begins with a dot and says nothing of interest to anybody\r\n"
    return head + line * (mail.get("size", 0) // len(line) + 1)


def stuffed(data):
    return (b".." + data[1:] if data.startswith(b".") else data).replace(b"\r\n.", b"\r\n..")


def chunks(data, count):
    step = -(-len(data) // count)
    return [data[i:i + step] for i in range(0, len(data), step)]


def envelope(mail):
    return [f"MAIL FROM:<{mail['sender']}>\r\n", *(f"RCPT TO:<{r}>\r\n" for r in mail["rcpts"])]


def send_data(connection, mail, pipeline):
    if "rate" in mail:
        connection.socket.setsockopt(socket.SOL_SOCKET, MAX_PACING_RATE, mail["rate"])
    lines = envelope(mail) + ["DATA\r\n"]
    codes = [250] * (len(lines) - 1) + [354]
    if pipeline:
        connection.send("".join(lines))
        for code in codes:
            connection.reply(code)
    else:
        for line, code in zip(lines, codes):
            connection.send(line)
            connection.reply(code)
    connection.send(stuffed(message(mail)) + b".\r\n")
    return connection.reply(250)


def send_bdat(connection, mail, count, pipeline):
    parts = chunks(message(mail), count)
    units = [line.encode() for line in envelope(mail)]
    for i, part in enumerate(parts):
        last = " LAST" if i == len(parts) - 1 else ""
        units.append(f"BDAT {len(part)}{last}\r\n".encode() + part)
    if pipeline:
        connection.send(b"".join(units))
        return [connection.reply(250) for _ in units][-1]
    reply = []
    for unit in units:
        connection.send(unit)
        reply = connection.reply(250)
    return reply


def run_session(session):
    connection = Connection(session["host"], session["port"])
    connection.greet()
    result = dict(session, local_host=connection.local_host, local_port=connection.local_port, helo=HELO)
    if session.get("tls"):
        result["starttls_reply"] = connection.starttls()[-1]
    for mail in result["mails"]:
        if session.get("bdat"):
            reply = send_bdat(connection, mail, session["bdat"], session.get("pipeline"))
        else:
            reply = send_data(connection, mail, session.get("pipeline"))
        mail["reply"] = reply[-1]
    connection.quit()
    return result


def hold_connection(host, port):
    connection = Connection(host, int(port))
    connection.greet()
    actions = {"command": connection.command, "send": connection.send, "starttls": connection.starttls, "quit": connection.quit,
               "mail": lambda mail: send_data(connection, mail, pipeline=False)}
    print(json.dumps(connection.local_port), flush=True)
    for line in sys.stdin:
        action, *arguments = json.loads(line)
        print(json.dumps(actions[action](*arguments)), flush=True)


def main():
    if len(sys.argv) > 1:
        hold_connection(*sys.argv[1:])
        return
    for line in sys.stdin:
        print(json.dumps(run_session(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
