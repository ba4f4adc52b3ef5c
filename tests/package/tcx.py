#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Lists the tcx programs of this network namespace, one `INTERFACE ingress|egress COUNT` a line: `bpftool net` before
version 7.3 does not know them. Prints nothing where the kernel has no tcx."""

import ctypes
import os
import platform
import socket
import struct

SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
BPF_PROG_QUERY = 16
ATTACH_TYPES = {"ingress": 46, "egress": 47}  # BPF_TCX_INGRESS, BPF_TCX_EGRESS


def count(ifindex, attach_type):
    """How many programs are attached; asks for no list of them."""
    # union bpf_attr, member query: target_ifindex, attach_type, query_flags, attach_flags, prog_ids, count, padding, ...
    attr = ctypes.create_string_buffer(struct.pack("=IIIIQII", ifindex, attach_type, 0, 0, 0, 0, 0), 128)
    if ctypes.CDLL(None, use_errno=True).syscall(SYS_BPF, BPF_PROG_QUERY, attr, len(attr)) != 0:
        return 0
    return struct.unpack_from("=I", attr, 24)[0]


assert os.geteuid() == 0, "needs root"
for index, name in socket.if_nameindex():
    for direction, attach_type in ATTACH_TYPES.items():
        number = count(index, attach_type)
        if number:
            print(name, direction, number)
