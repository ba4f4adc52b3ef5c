#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs fuzz targets, as many at a time as there are cores: first the inputs that once failed, each of them a test, then SECONDS of new ones, which is one test.
# An input that fails is kept, and its path printed.
#
# usage: run.sh DIR SECONDS TARGET...      the targets are DIR/bin/TARGET
set -u
here=$(dirname "$(realpath "$0")")
dir=$(realpath "${1:?usage: run.sh DIR SECONDS TARGET...}") || exit 2
seconds=${2:?usage: run.sh DIR SECONDS TARGET...}
shift 2

export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
python3 "$here/corpus.py" "$dir/seeds" || exit 2
mkdir -p "$dir/failures" "$dir/logs"
# run TARGET: what there is to say of it, and a line `passed` or `FAILED WHAT` for each test.
run() {
    local target=$1 input folders=("$dir/corpus/$1" "$dir/seeds/$1") log=$dir/logs/$1
    for input in "$here/regressions/$target"/*; do
        [ -e "$input" ] || continue
        if "$dir/bin/$target" "$input" >"$log" 2>&1; then
            echo passed
        else
            tail -n 60 "$log"
            echo "FAILED $target ${input#"$PWD"/}"
        fi
    done
    mkdir -p "${folders[@]}"
    [ ! -d "$here/regressions/$target" ] || folders+=("$here/regressions/$target")
    if "$dir/bin/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 \
        -dict="$here/mail.dict" -artifact_prefix="$dir/failures/$target-" \
        "${folders[@]}" >"$log" 2>&1; then
        echo passed
        awk -v target="$target" '
            /^stat::number_of_executed_units/ { runs = $2 }
            / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") covered = $(i + 1) }
            END { printf "%-10s %10d inputs, %5d edges\n", target, runs, covered }' "$log"
    else
        tail -n 60 "$log"
        echo "FAILED $target: $(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)"
    fi
}

for target in "$@"; do
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
    run "$target" >"$dir/logs/$target.said" &
done
wait

passed=0 failed=0
for target in "$@"; do
    grep -qE '^(passed$|FAILED )' "$dir/logs/$target.said" || echo "FAILED $target: it said nothing" >"$dir/logs/$target.said"
    grep -vx passed "$dir/logs/$target.said"
    passed=$((passed + $(grep -cx passed "$dir/logs/$target.said")))
    failed=$((failed + $(grep -c '^FAILED ' "$dir/logs/$target.said")))
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
