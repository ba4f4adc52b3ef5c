#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs suites and sums up what they counted.
#
#   tests/run.sh TARGET...                  targets of the Makefile that run tests and print how many
#   tests/run.sh "NAME=TARGET VAR=VALUE"    the same under another name, with variables for make
#   tests/run.sh check:...                  either form, counted as one test by the exit status
#
# A suite reports through Catch2 of either generation, with a line `N passed, N failed[, N skipped]` (the last one counts),
# or with several that have a word and a colon before them (their sum counts). One that ends with an error though it
# counted no failure, runs into the time limit, or counts nothing at all, has failed once. What failed is said again at the
# end; the last line is the sum over all suites; the exit status is 1 if anything failed.
#
# From the environment: MAKE, SUITE_SECONDS (limit for one suite, 1800).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

MAKE=${MAKE:-make}
SUITE_SECONDS=${SUITE_SECONDS:-1800}
jobs=("-j$(nproc)")
[[ ${MAKEFLAGS:-} != *jobserver* ]] || jobs=()

logs=$(mktemp -d)
running=
trap 'rm -rf "$logs"' EXIT
trap '[ -z "$running" ] || { kill -TERM -- "-$running" 2>/dev/null; wait "$running"; }; exit 130' INT TERM

# "passed failed skipped" of the output in file $1; nothing if it counted nothing.
counts() {
    awk '
        match($0, /^([[:alnum:]_-]+: )?[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/) {
            part_of_it = sub(/^[[:alnum:]_-]+: /, "")
            line = $1 " " $3 " " ($6 == "skipped" ? $5 : 0)
            if (part_of_it) parts[++n_parts] = line
            else plain = line
        }
        /^All tests passed \(.* in [0-9]+ test cases?\)/ {
            sub(/.* in /, ""); passed += $1; catch2 = 1
        }
        /^test cases: / {
            sub(/^test cases: */, "")
            n = split($0, part, "|")
            for (i = 2; i <= n; i++) {
                split(part[i], word, " ")
                if (part[i] ~ /failed as expected/ || word[2] == "passed") passed += word[1]
                else if (word[2] == "failed") failed += word[1]
                else if (word[2] == "skipped") skipped += word[1]
            }
            catch2 = 1
        }
        END {
            if (plain != "") {
                n_parts = 1
                parts[1] = plain
            }
            for (i = 1; i <= n_parts; i++) {
                split(parts[i], word, " ")
                passed += word[1]; failed += word[2]; skipped += word[3]
            }
            if (n_parts || catch2) print passed + 0, failed + 0, skipped + 0
        }' "$1"
}

# What the failed suite that wrote file $1 says of it: its failed checks and make's, compilers' and linters' errors; where it
# says none, its end. A suite of suites has said some of them twice.
complaints() {
    local found
    found=$(grep -aE '(^|: )FAIL(ED)?( |:|$)|: (fatal )?error:|: warning: |^ERROR|\*\*\* \[|ERROR: (Address|Thread|Leak)|SUMMARY: ' "$1" |
        cut -c1-400 | awk '!said[$0]++' | head -60)
    [ -n "$found" ] || found=$(tail -n 25 "$1" | cut -c1-400)
    printf '%s\n' "$found"
}

passed=0 failed=0 skipped=0
summary=() failures=()
for argument in "$@"; do
    name=${argument#check:}
    goal=$name
    if [[ ${name%% *} == *=* ]]; then
        goal=${name#*=}
        name=${name%%=*}
    fi
    read -ra goal <<<"$goal"
    log=$logs/$name
    began=$SECONDS
    set -m # a process group of its own, so that the suite can be ended as a whole
    timeout --kill-after=20 "$SUITE_SECONDS" "$MAKE" --no-print-directory "${jobs[@]}" "${goal[@]}" \
        >"$log" 2>&1 </dev/null &
    running=$!
    set +m
    tail --pid=$running -n +1 -s 0.2 -f "$log" 2>/dev/null | sed -u "s/^/$name: /" &
    follower=$!
    wait $running
    status=$?
    running=
    wait $follower

    case $argument in
    check:*) count=$([ $status = 0 ] && echo "1 0 0" || echo "0 1 0") ;;
    *) count=$(counts "$log") ;;
    esac
    read -r p f s <<<"${count:-0 0 0}"
    note=
    if [ $status = 124 ] || [ $status = 137 ]; then
        note=" (ended after $SUITE_SECONDS s)"
    elif [ $status != 0 ] && [ "$f" = 0 ]; then
        note=" (exit status $status)"
    elif [ -z "$count" ]; then
        note=" (ran no test)"
    fi
    [ -z "$note" ] || [ "$f" != 0 ] || f=1
    [ "$f" = 0 ] || failures+=("$(complaints "$log" | sed "s/^/$name: /")")
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    summary+=("$(printf '%-14s %5d passed, %d failed, %d skipped, %d s%s' "$name" "$p" "$f" "$s" $((SECONDS - began)) "$note")")
done

# At the end, because that is what is kept of a long log.
[ ${#failures[@]} = 0 ] || printf '%s\n' '' "What failed:" "${failures[@]}"
printf '%s\n' '' "${summary[@]}"
if [ $skipped = 0 ]; then echo "$passed passed, $failed failed"; else echo "$passed passed, $failed failed, $skipped skipped"; fi
[ $failed = 0 ] && [ $passed -gt 0 ]
