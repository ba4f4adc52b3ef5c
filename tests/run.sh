#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs suites and sums up what they counted.
#
#   tests/run.sh SUITE...          one after the other
#   tests/run.sh A B // C / D      A and then B beside C; when these have ended, D
#
# A suite is one of
#   TARGET                         of the Makefile, which runs tests and prints how many
#   "NAME=TARGET VAR=VALUE"        the same under another name, with variables for make
#   check:...                      either form, counted as one test by the exit status
#
# A suite reports through Catch2 of either generation, with a line `N passed, N failed[, N skipped]` (the last one counts),
# or with several that have a word and a colon before them (their sum counts). One that ends with an error though it
# counted no failure, runs into the time limit, or passes nothing at all, has failed once. What is skipped is said in lines
# `skip  WHAT: WHY`. What failed is said again at the end; the last line is the sum over all suites; the exit status is 1 if
# anything failed.
#
# From the environment:
#   MAKE
#   SUITE_SECONDS   limit for one suite (1800)
#   SUITE_TIMES     file in which the times of last time are kept
#   MAY_SKIP        file of extended regular expressions, one a line: what is skipped and matches none has failed
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

MAKE=${MAKE:-make}
SUITE_SECONDS=${SUITE_SECONDS:-1800}
SUITE_TIMES=${SUITE_TIMES:-}
MAY_SKIP=${MAY_SKIP:-}
jobs=("-j$(nproc)")
[[ ${MAKEFLAGS:-} != *jobserver* ]] || jobs=()

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
running= # the process group of a lane's suite
lanes=()
end_lanes() {
    [ ${#lanes[@]} = 0 ] || { kill -TERM "${lanes[@]}" 2>/dev/null; wait; }
    exit 130
}
trap end_lanes INT TERM

# The name and the words for make of an argument, in `name` and `goal`.
name_of() {
    name=${1#check:}
    read -ra goal <<<"$name"
    if [[ ${name%% *} == *=* ]]; then
        read -ra goal <<<"${name#*=}"
        name=${name%%=*}
    fi
}

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
            if (n_parts) passed = failed = skipped = 0
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

# How many of $2 were skipped that may not be, of the output in file $1; says which.
not_to_skip() {
    local line said=0 count=0
    while IFS= read -r line; do
        said=$((said + 1))
        grep -qEf <(grep -vE '^(#|$)' "$MAY_SKIP") <<<"$line" && continue
        echo "FAIL  may not be skipped: $line" >>"$1"
        count=$((count + 1))
    done < <(grep -aE '^skip  ' "$1")
    [ "$2" -le $said ] || { echo "FAIL  $2 skipped, of which $said said why" >>"$1" && count=$((count + 1)); }
    echo $count
}

seconds_last() { [ ! -f "$SUITE_TIMES" ] || awk -v name="$1" '$1 == name { print $2 }' "$SUITE_TIMES"; }

keep_time() { # keep_time NAME SECONDS
    local others
    [ -n "$SUITE_TIMES" ] || return
    exec 9>"$logs/lock"
    flock 9
    others=$(awk -v name="$1" '$1 != name' "$SUITE_TIMES" 2>/dev/null)
    printf '%s\n' "$1 $2" ${others:+"$others"} >"$SUITE_TIMES"
    exec 9>&-
}

run_suite() { # run_suite NUMBER ARGUMENT: its sum in the file NUMBER.sum, what failed in NUMBER.failed
    local name goal log=$logs/$1.log sum=$logs/$1.sum began=$SECONDS count p f s note='' follower status
    name_of "$2"
    echo "== $name: begins, $1 of $total"
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

    case $2 in
    check:*) count=$([ $status = 0 ] && echo "1 0 0" || echo "0 1 0") ;;
    *) count=$(counts "$log") ;;
    esac
    read -r p f s <<<"${count:-0 0 0}"
    [ -z "$MAY_SKIP" ] || f=$((f + $(not_to_skip "$log" "$s")))
    if [ $status = 124 ] || [ $status = 137 ]; then
        note=" (ended after $SUITE_SECONDS s)"
    elif [ $status != 0 ] && [ "$f" = 0 ]; then
        note=" (exit status $status)"
    elif [ "$p" = 0 ] && [ "$f" = 0 ] && { [ "$s" = 0 ] || [ -n "$MAY_SKIP" ]; }; then
        note=" (passed no test)"
    fi
    [ -z "$note" ] || [ "$f" != 0 ] || f=1
    [ "$f" = 0 ] || complaints "$log" | sed "s/^/$name: /" >"$logs/$1.failed"
    [ "$f" != 0 ] || keep_time "$name" $((SECONDS - began))
    echo "$p $f $s" >"$sum"
    printf '%-14s %5d passed, %d failed, %d skipped, %d s%s\n' "$name" "$p" "$f" "$s" $((SECONDS - began)) "$note" >>"$sum"
    echo "== $(tail -n 1 "$sum")"
}

run_lane() { # run_lane NUMBER ARGUMENT [NUMBER ARGUMENT]...
    trap '[ -z "$running" ] || kill -TERM -- "-$running" 2>/dev/null; wait; exit 130' INT TERM
    while [ $# -gt 0 ]; do
        run_suite "$1" "$2"
        shift 2
    done
}

# The plan, with the times of last time.
plan='' total=0
for argument in "$@"; do
    case $argument in
    / | //) plan+=" $argument" ;;
    *)
        total=$((total + 1))
        name_of "$argument"
        last=$(seconds_last "$name")
        plan+=" $name${last:+ ($last s)}"
        ;;
    esac
done
echo "== to run:$plan"

number=0 lane=()
for argument in "$@" /; do
    case $argument in
    / | //)
        [ ${#lane[@]} = 0 ] || { run_lane "${lane[@]}" & lanes+=($!); }
        lane=()
        [ "$argument" = // ] || { wait; lanes=(); }
        ;;
    *)
        number=$((number + 1))
        lane+=("$number" "$argument")
        ;;
    esac
done

# What failed comes behind the table, because the end is what is kept of a long log.
passed=0 failed=0 skipped=0
echo
for number in $(seq $total); do
    if ! { read -r p f s && read -r line; } 2>/dev/null <"$logs/$number.sum"; then
        p=0 f=1 s=0 line="suite $number did not end"
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    echo "$line"
done
[ -z "$(ls "$logs"/*.failed 2>/dev/null)" ] || { echo "What failed:"; cat "$logs"/*.failed; }
if [ $skipped = 0 ]; then echo "$passed passed, $failed failed"; else echo "$passed passed, $failed failed, $skipped skipped"; fi
[ $failed = 0 ] && [ $passed -gt 0 ]
