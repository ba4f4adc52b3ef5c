#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The capture room on real interfaces: attaching, refusing, falling back, following, losing, dying. Every interface is in
# a network namespace of this script's own, and so is every packet.
#   live.sh TAP FOREIGN    (the program of tap_main.cc, the object of pass.bpf.c)
set -u
tap=$(readlink -f "${1:?usage: live.sh TAP FOREIGN}")
foreign=$(readlink -f "${2:?usage: live.sh TAP FOREIGN}")
here=$(dirname "$(readlink -f "$0")")
prefix=smtp$$
work=$(mktemp -d)
passed=0 failed=0 skipped=0

cleanup() {
    local pid
    for pid in $(jobs -p); do kill "$pid" 2>/dev/null; done
    wait 2>/dev/null
    ip netns del "$prefix-a" 2>/dev/null
    ip netns del "$prefix-b" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

on() { # on a|b COMMAND...
    local side=$1
    shift
    ip netns exec "$prefix-$side" "$@"
}

# A veth pair between two fresh namespaces: `va` in a, `vb` in b, quiet (no IPv6 noise), with static neighbours.
fresh() {
    ip netns del "$prefix-a" 2>/dev/null
    ip netns del "$prefix-b" 2>/dev/null
    local side other
    for side in a b; do
        ip netns add "$prefix-$side" || exit 1
        on $side sysctl -qw net.ipv6.conf.all.autoconf=0 net.ipv6.conf.default.dad_transmits=0 2>/dev/null
    done
    ip link add va netns "$prefix-a" address 02:00:00:00:00:0a type veth \
        peer name vb netns "$prefix-b" address 02:00:00:00:00:0b || exit 1
    for side in a b; do
        [ $side = a ] && other=b || other=a
        on $side ip link set lo up
        on $side ip link set v$side up
        on $side ip addr add "192.0.2.$([ $side = a ] && echo 1 || echo 2)/24" dev v$side
        on $side ip addr add "2001:db8::$([ $side = a ] && echo 1 || echo 2)/64" dev v$side nodad
        on $side ip neigh replace "192.0.2.$([ $side = a ] && echo 2 || echo 1)" lladdr 02:00:00:00:00:0$other dev v$side
        on $side ip neigh replace "2001:db8::$([ $side = a ] && echo 2 || echo 1)" lladdr 02:00:00:00:00:0$other dev v$side
    done
}

wait_for() { # wait_for FILE PATTERN
    local i
    for ((i = 0; i < 200; i++)); do
        grep -q "$2" "$1" 2>/dev/null && return 0
        sleep 0.05
    done
    return 1
}

start() { # start SIDE ARGUMENT...: runs tap, its output in $out and its process in $tap_pid
    local side=$1
    shift
    out=$work/tap.$RANDOM
    ip netns exec "$prefix-$side" "$tap" "$@" >"$out" 2>&1 &
    tap_pid=$!
    wait_for "$out" ready
}

stop() {
    kill -TERM "$tap_pid" 2>/dev/null
    wait "$tap_pid" 2>/dev/null
}

value() { awk -v n="$1" '$1 == "counter" && $2 == n { print $3 }' "$out"; }
total() { awk -v n="$1" '$1 == "packets" { for (i = 1; i < NF; i++) if ($i == n) print $(i + 1) }' "$out"; }

check() { # check DESCRIPTION COMMAND...
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
        sed 's/^/    /' "$out" 2>/dev/null
    fi
}

skip() {
    skipped=$((skipped + 1))
    echo "skipped: $1"
}

has() { grep -q -- "$1" "$out"; }
has_not() { ! grep -q -- "$1" "$out"; }
identity() { [ "$(value seen)" = $(($(value delivered) + $(value ignored) + $(value lost))) ] && [ "$(value in_flight)" = 0 ]; }
whole() { [ "$(total bytes)" = "$(total wire)" ] && [ "$(total orphans)" = 0 ] && [ "$(total damaged)" = 0 ]; }

# Sends BYTES from a to b over TCP and as many back, and checks that they came through.
transfer() { # transfer ADDRESS PORT BYTES [SERVER-SIDE CLIENT-SIDE]
    rm -f "$work/server"
    on "${4:-b}" python3 "$here/echo.py" server "$1" "$2" "$3" >"$work/server" 2>&1 &
    local server=$!
    wait_for "$work/server" listening || return 1
    on "${5:-a}" python3 "$here/echo.py" client "$1" "$2" "$3" >"$work/client" 2>&1 && wait $server
}

echo "attach modes, over veth"
for mode in auto native generic tc; do
    for address in 192.0.2.2 2001:db8::2; do
        fresh
        start b -m $mode vb
        check "$mode $address: traffic flows" transfer $address 25 2000000
        stop
        check "$mode $address: both directions, every byte" test "$(total bytes)" -gt 4000000
        check "$mode $address: whole packets" whole
        check "$mode $address: nothing lost" test "$(value lost)" = 0
        check "$mode $address: accounts" identity
        check "$mode $address: delivered is what came" test "$(total packets)" = "$(value delivered)"
        case $mode in
            auto | tc) check "$mode: TC ingress" has "attached vb tc_ingress" ;;
            native) check "native: XDP" has "attached vb xdp_native" ;;
            generic) check "generic: XDP" has "attached vb xdp_generic" ;;
        esac
        check "$mode: TC egress" has "attached vb tc_egress"
    done
done

echo "shapes"
fresh
on a ip link set va mtu 9000
on b ip link set vb mtu 9000
start b -m native vb
check "MTU 9000, native: fragments variant" has "attached vb xdp_native"
check "MTU 9000: traffic flows" transfer 192.0.2.2 587 3000000
stop
check "MTU 9000: every byte" test "$(total bytes)" -gt 6000000
check "MTU 9000: whole packets" whole
check "MTU 9000: accounts" identity

# Small writes with scatter-gather: the payload is in pages of its own, and only the headers can be read directly.
fresh
start b -m tc vb
for size in 30 200 1000 1400; do
    check "$size bytes: traffic flows" transfer 192.0.2.2 25 $size
done
stop
check "small segments: as they were sent" whole
check "small segments: accounts" identity

fresh
start b vb
check "another port: traffic flows" transfer 192.0.2.2 2525 1000000
stop
check "another port: nothing seen" test "$(value seen)" = 0
check "another port: no wake-up" test "$(value wakeups)" = 0

fresh
on b ip link set lo gso_max_size 500000 gso_ipv4_max_size 500000 2>/dev/null
start b lo
check "lo: once, at egress" has "attached lo tc_egress"
check "lo: not twice" has_not "attached lo tc_ingress"
check "lo: traffic flows" transfer 127.0.0.1 25 8000000 b b
stop
check "lo: every byte" test "$(total bytes)" -gt 16000000
# What TCP sends again on a busy machine is seen again; all of it twice would be 32 MB.
check "lo: no byte twice" test "$(total bytes)" -lt 24000000
check "lo: GSO packets above 64 KB" test "$(total longest)" -gt 66000
check "lo: whole packets" whole
check "lo: accounts" identity

if [ -c /dev/net/tun ]; then
    fresh
    ip netns exec "$prefix-b" python3 "$here/tun.py" >"$work/tun" 2>&1 &
    tun_pid=$!
    if wait_for "$work/tun" ready; then
        start b tun0
        check "tun: TC, without an Ethernet header" has "attached tun0 tc_ingress"
        kill -USR1 $tun_pid
        wait_for "$work/tun" sent
        sleep 0.2
        stop
        check "tun: both directions of both families" test "$(value delivered)" -ge 4
        check "tun: accounts" identity
    else
        skip "tun: $(tail -1 "$work/tun")"
    fi
    kill $tun_pid 2>/dev/null
else
    skip "tun: no /dev/net/tun"
fi

echo "a full ring"
fresh
start b -r 65536 -s 3000 -t 4 vb
check "full ring: mail flows on" transfer 192.0.2.2 25 3000000
wait "$tap_pid"
check "full ring: lost is counted" test "$(value lost_ring_full)" -gt 10
check "full ring: accounts" identity

echo "others on the interface"
fresh
on b ip link set vb xdp obj "$foreign" sec xdp 2>"$work/xdp" || skip "foreign XDP: $(cat "$work/xdp")"
before=$(on b ip -d link show vb | grep -o 'prog/xdp id [0-9]*')
if [ -n "$before" ]; then
    start b vb
    check "foreign XDP: TC ingress instead, and why" has "attached vb tc_ingress tcx another XDP program"
    check "foreign XDP: traffic flows" transfer 192.0.2.2 25 10000
    stop
    check "foreign XDP: mail is seen" test "$(value delivered)" -gt 4
    start b -m native vb
    check "foreign XDP, native asked for: the same" has "attached vb tc_ingress tcx another XDP program"
    stop
    check "foreign XDP: still the same program" test "$(on b ip -d link show vb | grep -o 'prog/xdp id [0-9]*')" = "$before"
fi

fresh
start b vb
first=$out first_pid=$tap_pid
on b "$tap" vb >"$work/second" 2>&1
out=$work/second
check "second instance: refused, with the first one's process" has "another smtpscope (process $first_pid) is on this interface"
out=$first tap_pid=$first_pid
check "second instance: the first goes on" transfer 192.0.2.2 25 10000
stop
check "second instance: the first saw it all" test "$(value delivered)" -gt 4
ip netns exec "$prefix-b" setpriv --reuid=65534 --clear-groups --inh-caps=-all /usr/bin/python3 -c '
import os, socket, time
s = socket.socket(socket.AF_UNIX); s.bind("\0smtpscope/" + open("/sys/class/net/vb/ifindex").read().strip()); s.listen()
print("squatting", flush=True); time.sleep(30)' >"$work/squatter" 2>&1 &
squatter=$!
out=$work/squatter
check "a squatter is there" wait_for "$work/squatter" squatting
start b vb
check "a squatter without rights does not keep us out" has "attached vb tc_ingress"
stop
kill $squatter

echo "wrong input"
out=$work/wrong
on b "$tap" nosuch0 >"$out" 2>&1
check "no such interface: named, with those that there are" has "no interface nosuch0; there are lo, vb"
on b "$tap" -m native lo >"$out" 2>&1
check "a mode that is refused: why, and what to do" has "lo: the mode that capture.xdp_mode asks for is refused (native XDP: its driver has no native XDP"
on b setpriv --reuid=65534 --clear-groups --inh-caps=-all "$tap" vb >"$out" 2>&1
check "no capability: which ones" has "lacks CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN"
on b setpriv --bounding-set=-perfmon,-sys_admin "$tap" vb >"$out" 2>&1
check "one capability missing: which one" has "lacks CAP_PERFMON;"

echo "coming and going"
fresh
start b 'late*'
on b ip link add late0 type veth peer name late1
on b ip link set late0 up
on b ip link set late1 up
sleep 0.3
on b ip link del late0
on b ip link add late2 type veth peer name late3
sleep 0.3
stop
check "an interface that comes later is attached to" has "still late2 tc_ingress"
check "one that goes is forgotten" has_not "still late0"
start b auto
on b ip link add new0 type veth peer name new1
sleep 0.2
on b ip link set new0 up
sleep 0.3
stop
check "auto: vb and lo at once" has "attached vb"
check "auto: what comes up later" has "still new0 tc_ingress"
check "auto: not what is down" has_not "still new1"

echo "death"
# bpftool of old does not list tcx links, but a program is gone only when no attachment holds it any more.
none_left() { # none_left PROGRAM-ID...: the kernel frees them a little after the process
    local id i
    for id in "$@"; do
        for ((i = 0; i < 100; i++)); do
            bpftool prog show id "$id" >/dev/null 2>&1 || continue 2
            sleep 0.05
        done
        return 1
    done
}
fresh
for mode in native tc; do
    start b -m $mode vb
    programs=$(awk '$1 == "prog_id:" { print $2 }' /proc/"$tap_pid"/fdinfo/* | sort -u)
    check "$mode: programs are there" test -n "$programs"
    kill -KILL "$tap_pid"
    wait "$tap_pid" 2>/dev/null
    # shellcheck disable=SC2086
    check "$mode, SIGKILL: no program left" none_left $programs
    check "$mode, SIGKILL: nothing on the interface" test -z "$(on b bpftool net list dev vb 2>/dev/null | grep -E '^vb')"
    start b -m $mode vb
    check "$mode, SIGKILL: starts again" has "attached vb tc_egress"
    stop
done

echo "live: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
