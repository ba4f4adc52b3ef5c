#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs test programs, each with the binary as its argument, and puts a name before the line in which each sums up.
#
# usage: suites.sh SMTPSCOPE NAME=PROGRAM...
set -u
smtpscope=${1:?usage: suites.sh SMTPSCOPE NAME=PROGRAM...}
shift
status=0
for suite in "$@"; do
    output=$("${suite#*=}" "$smtpscope" 2>&1) || status=1
    sum=$(grep -E '^[0-9]+ passed, [0-9]+ failed' <<<"$output" | tail -n 1)
    grep -vxF "${sum:-no sum}" <<<"$output"
    echo "${suite%%=*}: ${sum:-0 passed, 1 failed}"
done
exit $status
