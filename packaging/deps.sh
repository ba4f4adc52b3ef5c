#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# deps.sh [build|run|test|package|kernels]...: installs what is missing of these groups (all but kernels if none is
# named). Prints nothing and asks no archive when everything is there.
set -euo pipefail

die() { echo "deps: $*" >&2; exit 1; }

apt_names() {
    case $1 in
    build) echo make g++ clang llvm bpftool pkg-config libbpf-dev libelf-dev zlib1g-dev libpcap-dev libyaml-cpp-dev \
        libboost-log-dev libboost-thread-dev libboost-filesystem-dev libsystemd-dev libssl-dev libmagic-dev libre2-dev libc6-dev \
        linux-libc-dev ;;
    run) echo postfix swaks iproute2 openssl procps python3 ;;
    test) echo catch2 ccache ethtool git jq tcpdump libcap2-bin util-linux ca-certificates libclang-rt-dev clang-format clang-tidy \
        shellcheck ;;
    package) echo build-essential dpkg-dev debhelper fakeroot lintian rpm rpmlint mmdebstrap man-db ;;
    kernels) echo qemu-system-x86 busybox-static binutils dash bpftool ;;
    esac
}

dnf_names() {
    case $1 in
    build) echo make gcc-c++ clang llvm bpftool pkgconf-pkg-config libbpf-devel elfutils-libelf-devel zlib-devel \
        libpcap-devel yaml-cpp-devel boost-devel systemd-devel openssl-devel file-devel re2-devel glibc-devel kernel-headers ;;
    run) echo postfix swaks iproute iproute-tc openssl procps-ng python3 ;;
    test) echo catch-devel ccache ethtool git jq tcpdump libcap util-linux compiler-rt clang-tools-extra ShellCheck ;;
    package) echo rpm-build rpmlint systemd-rpm-macros man-db ;;
    kernels) echo qemu-system-x86-core busybox binutils dash bpftool ;;
    esac
}

as_root() { [ "$(id -u)" = 0 ] || die "missing: $* (run this as root to install)"; }

apt_missing() {
    local group name
    for group in "${groups[@]}"; do
        for name in $(apt_names "$group"); do
            [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
        done
    done
}

dnf_missing() {
    local group name
    for group in "${groups[@]}"; do
        for name in $(dnf_names "$group"); do
            rpm -q --whatprovides "$name" >/dev/null 2>&1 || echo "$name"
        done
    done
}

# Servers that are installed as dependencies (Postfix) are not configured and not started: the tests run their own.
policy=/usr/sbin/policy-rc.d
with_apt() {
    local missing
    read -ra missing <<<"$(apt_missing | tr '\n' ' ')"
    [ ${#missing[@]} -gt 0 ] || return 0
    as_root "${missing[@]}"
    echo "deps: installing ${missing[*]}"
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
        trap 'rm -f "$log" $policy' EXIT
    fi
    export DEBIAN_FRONTEND=noninteractive
    if [[ " ${missing[*]} " == *" postfix "* ]] && command -v debconf-set-selections >/dev/null; then
        echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
    fi
    apt-get -qq -o DPkg::Lock::Timeout=300 update || echo 'deps: apt-get update failed, trying the lists at hand' >&2
    apt-get -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends install "${missing[@]}" >"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        die "apt-get could not install: ${missing[*]}"
    }
}

with_dnf() {
    local missing
    read -ra missing <<<"$(dnf_missing | tr '\n' ' ')"
    [ ${#missing[@]} -gt 0 ] || return 0
    as_root "${missing[@]}"
    echo "deps: installing ${missing[*]}"
    dnf -y -q --setopt=install_weak_deps=False install "${missing[@]}" || die "dnf could not install: ${missing[*]}"
}

groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=(build run test package)
for group in "${groups[@]}"; do
    [ -n "$(apt_names "$group")" ] || die "no such group: $group (there are: build run test package kernels)"
done

exec 9<"$0" && flock 9 # parallel targets ask for the same

if command -v apt-get >/dev/null; then
    with_apt
elif command -v dnf >/dev/null; then
    with_dnf
else
    die "neither apt-get nor dnf is here; install by hand what this script names"
fi
