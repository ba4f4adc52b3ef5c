# SPDX-License-Identifier: BSD-3-Clause
"""The service manager's side of sd_notify's FDSTORE=1: it holds descriptors for the process that comes next."""

import fcntl
import glob
import os
import re
import socket

from agent import Agent

# The descriptors begin at 3, as sd_listen_fds(3) wants them.
HAND_OVER = """
for fd in $FDS; do eval "exec $((next = ${next:-2} + 1))<&$fd $fd<&-"; done
LISTEN_PID=$$ exec "$@"
"""


class Store:
    """Names and descriptors, as the agents have had them kept. With it ends what they keep."""

    def __init__(self):
        self.kept = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.clear()

    def put(self, name, fd):
        """Above the numbers that the next process is to have them under."""
        self.kept[name] = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 1000)
        os.close(fd)

    def remove(self, name):
        if name in self.kept:
            os.close(self.kept.pop(name))

    def clear(self):
        for name in list(self.kept):
            self.remove(name)

    def prefix(self):
        """Words before the command that is to have all of them."""
        if not self.kept:
            return ()
        return ("env", f"FDS={' '.join(map(str, self.kept.values()))}", f"LISTEN_FDS={len(self.kept)}",
                f"LISTEN_FDNAMES={':'.join(self.kept)}", "bash", "-c", HAND_OVER, "bash")


class StoredAgent(Agent):
    """An agent whose descriptors outlive it in a store, and that gets what is in it."""

    def __init__(self, bed, store, name, mode="native", options=()):
        self.store = store
        super().__init__(bed, name, mode, options=options, prefix=store.prefix(), pass_fds=tuple(store.kept.values()))

    def notification(self):
        text, fds, _, _ = socket.recv_fds(self.notify, 4096, 8)
        state = dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)
        if state.get("FDSTORE") == "1":
            self.store.put(state["FDNAME"], fds[0])
        elif state.get("FDSTOREREMOVE") == "1":
            self.store.remove(state["FDNAME"])
        return text.decode()

    def links(self):
        """The ids of its links, by the kernel's word on its descriptors."""
        found = set()
        for path in glob.glob(f"/proc/{self.process.pid}/fdinfo/*"):
            with open(path, encoding="ascii") as file:
                found.update(re.findall(r"^link_id:\s*(\d+)", file.read(), re.M))
        return found

    def end(self, sig):
        """Ends it, and leaves its things in the store; its exit status."""
        self.process.send_signal(sig)
        status = self.process.wait(30)
        self.listener.join()
        return status
