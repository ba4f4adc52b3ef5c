#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A Debian tree with its own systemd as PID 1, in namespaces of its own (mounts, pids, network, cgroups, ...), so that
# packages and services are tested as they are used. Needs root and cgroup v2; shares nothing with this machine but the
# kernel.
#
#   box.sh tree DIR SUITE PACKAGE...   make a tree in DIR; does nothing if it is complete
#   box.sh up NAME DIR                 boot a box on top of the tree, which stays as it is
#   box.sh in NAME COMMAND...          run a command inside
#   box.sh pid NAME                    the pid of the box's init as seen from here
#   box.sh down NAME                   end it; everything that was written inside is gone
set -euo pipefail

STATE=${BOX_STATE:-/run/smtpscope-box}

die() { echo "box: $*" >&2; exit 1; }

# The archive that this machine's apt uses for Debian itself.
mirror() {
    local uri
    # shellcheck disable=SC2016  # apt's own notation
    uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null | head -n 1)
    echo "${uri:-http://deb.debian.org/debian}"
}

# Units that want hardware, a console or the outside world.
UNWANTED="systemd-sysctl.service systemd-modules-load.service systemd-timesyncd.service sys-kernel-debug.mount
    sys-kernel-tracing.mount dev-hugepages.mount apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer
    dpkg-db-backup.timer fstrim.timer console-getty.service getty.target"

make_tree() {
    local dir=$1 suite=$2 packages new unit
    shift 2
    packages=$(IFS=, && echo "systemd-sysv,dbus,iproute2,procps${*:+,$*}")
    [ -e "$dir/.complete" ] && [ "$(cat "$dir/.complete")" = "$suite $packages" ] && return 0
    new=$dir.new
    rm -rf --one-file-system "$dir" "$new"
    mkdir -p "$(dirname "$dir")"
    # shellcheck disable=SC2016  # the hook's own argument
    mmdebstrap --quiet --variant=minbase --include="$packages" --aptopt='Acquire::Languages "none"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --essential-hook='echo "postfix postfix/main_mailer_type select No configuration" | chroot "$1" debconf-set-selections' \
        "$suite" "$new" "$(mirror)"
    for unit in $UNWANTED; do
        ln -sfn /dev/null "$new/etc/systemd/system/$unit"
    done
    : >"$new/etc/machine-id"
    rm -f "$new/etc/hostname" "$new/etc/resolv.conf"
    echo "$suite $packages" >"$new/.complete"
    mv "$new" "$dir"
}

# PID 1 of the new namespaces, still with this machine's root: builds the box's own and hands over to systemd.
init() {
    local root=$1 name=$2 node number
    mount --make-rprivate /
    mount --bind "$root" "$root"
    cd "$root"
    mount -t proc -o nosuid,nodev,noexec proc proc
    mount --bind proc/sys proc/sys
    mount --bind proc/sys/net proc/sys/net
    mount -o remount,bind,ro,nosuid,nodev,noexec proc/sys
    mount -t sysfs -o nosuid,nodev,noexec sysfs sys
    mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup
    mount -t bpf -o nosuid,nodev,noexec,mode=700 bpf sys/fs/bpf
    mount -t tmpfs -o mode=755,nosuid,strictatime tmpfs dev
    for node in null:3 zero:5 full:7 random:8 urandom:9; do
        number=${node#*:}
        mknod -m 666 "dev/${node%:*}" c 1 "$number"
    done
    mknod -m 666 dev/tty c 5 0
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
    mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    ln -s /proc/self/fd/0 dev/stdin
    ln -s /proc/self/fd/1 dev/stdout
    ln -s /proc/self/fd/2 dev/stderr
    mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
    mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp
    hostname "$name"
    ip link set lo up
    pivot_root . mnt
    umount -l /mnt
    exec env -i container=box PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8 \
        /lib/systemd/systemd --unit=multi-user.target --log-target=journal --show-status=no
}

up() {
    local name=$1 tree=$2 dir=$STATE/$1 cgroups cgroup unshare pid='' state
    [ ! -e "$dir" ] || die "$name is up already"
    [ -e "$tree/.complete" ] || die "no tree in $tree"
    cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
    [ -n "$cgroups" ] || die "cgroup v2 is not mounted here"
    mkdir -p "$dir/overlay" "$dir/root"
    mount -t tmpfs -o mode=755 smtpscope-box "$dir/overlay"
    mkdir "$dir/overlay/upper" "$dir/overlay/work"
    mount -t overlay -o "lowerdir=$tree,upperdir=$dir/overlay/upper,workdir=$dir/overlay/work" smtpscope-box "$dir/root"
    cgroup=$cgroups/smtpscope-box-$name
    mkdir -p "$cgroup"
    echo "$cgroup" >"$dir/cgroup"
    (
        echo $BASHPID >"$cgroup/cgroup.procs"
        exec setsid unshare --mount --uts --ipc --net --pid --cgroup --fork --kill-child --propagation private \
            "$0" init "$dir/root" "$name"
    ) </dev/null >"$dir/console" 2>&1 &
    unshare=$!
    for _ in $(seq 200); do
        pid=$(cat "/proc/$unshare/task/$unshare/children" 2>/dev/null || true)
        pid=${pid%% *}
        [ -n "$pid" ] && [ -S "/proc/$pid/root/run/systemd/private" ] && break
        if ! kill -0 "$unshare" 2>/dev/null; then
            cat "$dir/console" >&2
            die "the init of $name ended"
        fi
        sleep 0.05
    done
    echo "$pid" >"$dir/pid"
    state=$(timeout 60 "$0" in "$name" systemctl is-system-running --wait || true)
    case $state in
    running) ;;
    degraded) "$0" in "$name" systemctl --no-pager --failed >&2 || true ;;
    *) die "$name does not come up: $state" ;;
    esac
}

inside() {
    local dir=$STATE/$1
    shift
    [ -s "$dir/pid" ] || die "no such box"
    # A process in the root of a cgroup tree would stop systemd from giving its units controllers.
    echo $BASHPID >"$(cat "$dir/cgroup")/init.scope/cgroup.procs" 2>/dev/null || true
    exec nsenter --target "$(cat "$dir/pid")" --mount --uts --ipc --net --pid --cgroup --root --wd -- \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        SYSTEMD_PAGER= SYSTEMD_COLORS=0 "$@"
}

down() {
    local dir=$STATE/$1 pid
    [ -e "$dir" ] || return 0
    pid=$(cat "$dir/pid" 2>/dev/null || true)
    if [ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null; then
        for _ in $(seq 100); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.05
        done
    fi
    umount "$dir/root" 2>/dev/null || true
    umount "$dir/overlay" 2>/dev/null || true
    [ ! -e "$dir/cgroup" ] || find "$(cat "$dir/cgroup")" -depth -type d -exec rmdir {} + 2>/dev/null || true
    rm -rf --one-file-system "$dir"
}

command=${1:-}
shift || true
case $command in
tree) make_tree "$@" ;;
up) up "$@" ;;
in) inside "$@" ;;
pid) cat "$STATE/$1/pid" ;;
down) down "$@" ;;
init) init "$@" ;;
*) sed -n '3,/^set/{/^#/p}' "$0" >&2; exit 2 ;;
esac
