#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Checks that the checks of the source find what was planted for them, line by line.
#
# usage: planted.sh FLAGS...      for clang-tidy
set -u
cd "$(dirname "$0")/../.." || exit 2
planted=tests/lint/planted
failed=0
expect() { # expect FINDINGS PATTERN
    grep -qE "$2" <<<"$1" || { echo "FAIL  not found: $2"; failed=1; }
}

order=$(tests/lint/order.py $planted/order.cc)
expect "$order" 'Late::length_ is initialized with name_'
if grep -q Early <<<"$order"; then
    echo "FAIL  Early is in order, order.py says: $order"
    failed=1
fi
rooms=$(packaging/check-rooms.py $planted/rooms) && expect "" 'an exit status of 1 for the rooms'
found='bpf/arrow\.h:2: bpf may not know include
include/smtpscope/arrow\.h:2: include may not know the system: <thread>
include/smtpscope/arrow\.h:3: include may not know net
include/smtpscope/arrow\.h:3: net/decode\.h is not installed
include/smtpscope/arrow\.h:4: include may not know engine
userspace/nowhere/lost\.cc: it is in no room
userspace/records/arrow\.cc:3: records may not know engine
userspace/records/arrow\.cc:4: records may not know yaml-cpp
userspace/records/arrow\.cc:5: records may not know the system: <fstream>
userspace/records/arrow\.cc:6: \.\./engine/engine\.h hides its room
userspace/records/arrow\.cc:8: records may not know engine
userspace/records/arrow\.cc:10: records may not know tcp'
while read -r line; do expect "$rooms" "^$line"; done <<<"$found"
if [ "$(wc -l <<<"$rooms")" != "$(wc -l <<<"$found")" ]; then
    echo "FAIL  check-rooms.py says: $rooms"
    failed=1
fi
cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT
findings=$(tests/lint/tidy.py "$cache" $planted/*.cc -- "$@") && expect "" 'an exit status of 1'
expect "$findings" 'null\.cc:12:.*clang-analyzer-core\.NullDereference'
expect "$findings" 'null_in_test\.cc:10:.*clang-analyzer-core\.NullDereference'
expect "$findings" 'copy\.cc:8:.*performance-for-range-copy'
exit $failed
