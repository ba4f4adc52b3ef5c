#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""echo.py server|client ADDRESS PORT BYTES: so many Zs there, as many back; fails if they do not come through."""
import socket
import sys
import threading

role, address, port, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
family = socket.AF_INET6 if ":" in address else socket.AF_INET


def receive(sock):
    got = 0
    while got < size:
        data = sock.recv(1 << 20)
        if not data:
            break
        got += len(data)
    return got


if role == "server":
    with socket.create_server((address, port), family=family) as listener:
        print("listening", flush=True)
        listener.settimeout(20)
        sock, _ = listener.accept()
else:
    sock = socket.create_connection((address, port), timeout=20)
sock.settimeout(20)
with sock:
    sender = threading.Thread(target=sock.sendall, args=(b"Z" * size,))
    sender.start()
    got = receive(sock)
    sender.join()
    sock.shutdown(socket.SHUT_WR)
    while sock.recv(1 << 16):
        pass
sys.exit(0 if got == size else 1)
