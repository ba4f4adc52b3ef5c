#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Holds `read` against the reference's records where these lie beside the checkout, in ../shared/parity; skipped where
# they do not.
#
# usage: parity.sh SMTPSCOPE
set -u
smtpscope=$(realpath "${1:?usage: parity.sh SMTPSCOPE}") || exit 2
parity=$(dirname "$(realpath "$0")")/../../../shared/parity
if [ ! -x "$parity/compare.py" ]; then
    echo "skip  parity: ../shared/parity is not here"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi

compare() { "$parity/compare.py" "$@" "$smtpscope"; }

# Where the reference is wrong and compare.py has no excuse for it: in how many records, and how.
declare -A known=(
    [generated-pipelined]='2: the final reply is that to the last BDAT, not the first that comes after it was sent'
    [generated-mixed-loss]='6: ciphertext met in mid-stream is no lines, hence no weirds; a session whose reply to EHLO was lost is still seen to go over to TLS, with its handshake'
    [generated-hostile]='4: ciphertext met in mid-stream is no lines, hence no weirds; a session whose lines end with two CRs is read, and its message has a record and a file'
    [rfc822-bdat-gap]='5: the second message of a transaction and its body are two files, not one of both'
)

# Where it is wrong in one field alone, of so many records; in all others these are equal.
lines='a final reply of several lines is one message, not as many as it has lines'
literal='the address in a literal, [IPv6:...], is part of the path (RFC 5321, 4.1.3)'
declare -A field=(
    [bdat-pipeline-8bitmime]="path 2: $literal"
    [rfc822-pipeline]="path 2: $literal"
    [generated-bulk-small]="trans_depth 7: $lines"
    [generated-hostile]="trans_depth 3: $lines"
    [generated-mixed]="trans_depth 1: $lines"
    [generated-mixed-loss]="trans_depth 2: $lines"
    [generated-mixed-reorder]="trans_depth 3: $lines"
    [path-local-hosts]="trans_depth 1: $lines"
    [path-local-nets]="trans_depth 1: $lines"
    [path-no-hosts]="trans_depth 1: $lines"
    [path-remote-hosts]="trans_depth 1: $lines"
)

differing() { # differing CASE [OPTION...]: how many records are missing or too many; one that differs is both
    local case=$1
    shift
    compare --only "$case" "$@" | awk -v name="$case" '
        /^(equal|DIFFER|BROKEN) / { sub(/:$/, "", $2); ours = $2 == name }
        ours && $1 == "BROKEN" { n += 1000000 }
        ours && /record missing/ { n++ }
        ours && /record\(s\) that the reference does not have/ { n += $2 }
        END { print n + 0 }'
}

# Whether what differs in a case is what is known to, and nothing else.
as_known() {
    local case=$1 name count rest
    local expected=${known[$case]:-0:}
    [ -n "${known[$case]:-}${field[$case]:-}" ] || return 1
    rest=$(differing "$case")
    if [ -n "${field[$case]:-}" ]; then
        read -r name count _ <<<"${field[$case]%%:*}"
        [ "$rest" = $((2 * count + ${expected%%:*})) ] || return 1
        rest=$(differing "$case" --ignore "$name")
    fi
    [ "$rest" = "${expected%%:*}" ]
}

passed=0
failed=0
skipped=0
while read -r verdict name _; do
    name=${name%:}
    case $verdict in
    equal) passed=$((passed + 1)) ;;
    DIFFER | BROKEN)
        if as_known "$name"; then
            [ -z "${field[$name]:-}" ] || echo "known difference, $name: ${field[$name]}"
            if [ -n "${known[$name]:-}" ]; then
                skipped=$((skipped + 1))
                echo "skip  parity: $name: known difference, ${known[$name]#*: }"
            else
                passed=$((passed + 1))
            fi
        else
            echo "FAILED $verdict $name"
            failed=$((failed + 1))
        fi
        ;;
    esac
done < <(compare --summary)
[ $((passed + failed)) -gt 0 ] || failed=1
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
