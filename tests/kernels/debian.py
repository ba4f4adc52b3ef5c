# SPDX-License-Identifier: BSD-3-Clause
"""Debian's kernels, fetched by apt with lists and a status of its own: this machine's packages do not matter."""

import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "live"))
from testbed import Skipped, need  # noqa: E402  pylint: disable=wrong-import-position

RELEASES = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie"}
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclasses.dataclass
class Kernel:
    version: str  # as in RELEASES
    release: str  # of uname
    image: pathlib.Path
    config: dict  # CONFIG_NAME: "y", "m" or a value
    modules: dict  # name, with _ for -: file


def mirror():
    """The archive that this machine's apt uses for Debian itself."""
    done = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
                           "Origin: Debian"], text=True, capture_output=True, check=False)
    return (done.stdout.split() or ["http://deb.debian.org/debian"])[0]


class Apt:
    def __init__(self, folder, suite):
        for sub in ("lists/partial", "cache/archives/partial"):
            (folder / sub).mkdir(parents=True, exist_ok=True)
        sources = folder / "sources.list"
        sources.write_text(f"deb [signed-by={KEYRING}] {mirror()} {suite} main\n", encoding="ascii")
        options = {"Dir::Etc::sourcelist": sources, "Dir::Etc::sourceparts": "/dev/null", "Dir::Cache": folder / "cache",
                   "Dir::State::lists": folder / "lists", "Dir::State::status": "/dev/null",
                   "APT::Sandbox::User": "root", "APT::Update::Error-Mode": "any", "Acquire::Languages": "none"}
        self.options = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]

    def run(self, *command, **kwargs):
        done = subprocess.run([command[0], *self.options, *command[1:]], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=600, check=False, **kwargs)
        if done.returncode != 0:
            raise Skipped(f"{' '.join(command)}: {done.stdout.strip().splitlines()[-1:]}")
        return done.stdout


def download(version, folder):
    """The kernel's package, unpacked in `folder`."""
    need("apt-get", "dpkg-deb")
    apt = Apt(folder.parent / (folder.name + ".apt"), RELEASES[version])
    apt.run("apt-get", "update")
    depends = apt.run("apt-cache", "depends", "linux-image-cloud-amd64")
    package = re.search(r"Depends: (linux-image-\S+-cloud-amd64)", depends)
    if not package:
        raise Skipped(f"{RELEASES[version]} has no linux-image-cloud-amd64")
    new = folder.parent / (folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    apt.run("apt-get", "download", package[1], cwd=new)
    deb = next(new.glob("*.deb"))
    subprocess.run(["dpkg-deb", "-x", deb, new], check=True)
    deb.unlink()
    shutil.rmtree(folder.parent / (folder.name + ".apt"))
    new.rename(folder)


def read_config(path):
    lines = path.read_text(encoding="ascii").splitlines()
    return dict(line.split("=", 1) for line in lines if line.startswith("CONFIG_"))


def fetch(version, cache):
    """The kernel, from `cache` if it is there. Raises Skipped if it cannot be had."""
    if version not in RELEASES:
        raise Skipped(f"no such kernel here; there are {', '.join(RELEASES)}")
    folder = cache / version
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        download(version, folder)
    image = next(folder.glob("boot/vmlinuz-*"))
    release = image.name.removeprefix("vmlinuz-")
    modules = {path.name.split(".ko")[0].replace("-", "_"): path for path in folder.rglob("*.ko*")}
    return Kernel(version, release, image, read_config(folder / "boot" / f"config-{release}"), modules)
