# SPDX-License-Identifier: BSD-3-Clause
"""The root file system of the virtual machine, as an initramfs: busybox, the programs under test, a mail server and
client, whatever libraries these need, and a few of the kernel's modules."""

import lzma
import os
import pathlib
import re
import shutil
import subprocess

from debian import need

HERE = pathlib.Path(__file__).resolve().parent
# dash is the shell: busybox's own prefers its applets to the real `ip` and `tc`.
TOOLS = ["dash", "ip", "tc", "setpriv", "bpftool", "smtp-sink", "smtp-source"]
# Only `init` loads modules; the kernel must not do it by itself.
NOT_BUSYBOX = ["busybox", "sh", "modprobe"]
DATA = ["/usr/share/misc/magic.mgc"]
# Modules in the order in which they are loaded; those that are built in or unknown to a kernel are left out. What comes
# after None is for machines without tcx, and is loaded later.
MODULES = ["veth", "8021q", "bonding", "tcp_diag", None, "sch_ingress", "cls_bpf"]


def find(tool):
    path = shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    need(path or tool)
    return path


def libraries(program):
    """The files that the dynamic linker would load, itself included."""
    output = subprocess.run(["ldd", program], text=True, capture_output=True, check=True).stdout
    return re.findall(r"(?:=> |^\s*)(/\S+)", output, re.MULTILINE)


def place(root, source, target):
    path = root / str(target).lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, path)
    return path


def make_tree(root, binaries):
    """Everything that is the same for all kernels; `root`."""
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("bin", "dev", "proc", "sys", "run", "tmp", "etc", "root"):
        (root / folder).mkdir(parents=True)
    place(root, find("busybox"), "bin/busybox")
    os.symlink("dash", root / "bin/sh")
    for file in DATA:
        if os.path.exists(file):
            place(root, file, file)
    for applet in subprocess.run(["busybox", "--list"], text=True, capture_output=True, check=True).stdout.split():
        if applet not in NOT_BUSYBOX + TOOLS:
            os.symlink("busybox", root / "bin" / applet)
    programs = [find(tool) for tool in TOOLS] + binaries
    for program in programs:
        subprocess.run(["strip", "-o", root / "bin" / os.path.basename(program), program], check=True)
    for library in {library for program in programs for library in libraries(program)}:
        place(root, library, library)
    place(root, HERE / "init", "init")
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nsmtpscope:x:990:990::/:/bin/sh\n", encoding="ascii")
    (root / "etc/group").write_text("root:x:0:\nsmtpscope:x:990:\n", encoding="ascii")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n", encoding="ascii")
    (root / "etc/services").write_text("smtp 25/tcp\nsubmission 587/tcp\n", encoding="ascii")
    return root


def read_module(path):
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def add_module(root, kernel, name, order):
    """The module and, before it, what it depends on."""
    if name not in kernel.modules or name in order:
        return
    data = read_module(kernel.modules[name])
    depends = re.search(rb"\0depends=([^\0]*)\0", data)
    for other in filter(None, depends[1].decode().split(",")) if depends else ():
        add_module(root, kernel, other.replace("-", "_"), order)
    (root / "modules" / f"{name}.ko").write_bytes(data)
    order.append(name)


def add_modules(root, kernel):
    (root / "modules").mkdir()
    order = []
    for name in MODULES:
        if name is None:
            (root / "modules/first").write_text("\n".join(order) + "\n", encoding="ascii")
        else:
            add_module(root, kernel, name, order)
    (root / "modules/all").write_text("\n".join(order) + "\n", encoding="ascii")


def pack(root, path):
    names = sorted(str(p.relative_to(root)) for p in root.rglob("*"))
    with open(path, "wb") as archive:
        subprocess.run(["busybox", "cpio", "-o", "-H", "newc"], cwd=root, input="\n".join(names).encode(), stdout=archive,
                       stderr=subprocess.DEVNULL, check=True)
