#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs fuzz targets: first the inputs that once failed, each of them a test, then SECONDS of new ones, which is one test.
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
passed=0
failed=0
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)) && echo "FAILED $*"; }

python3 "$here/corpus.py" "$dir/seeds" || exit 2
mkdir -p "$dir/failures" "$dir/logs"
for target in "$@"; do
    for input in "$here/regressions/$target"/*; do
        [ -e "$input" ] || continue
        if "$dir/bin/$target" "$input" >"$dir/logs/$target" 2>&1; then pass; else fail "$target ${input#"$PWD"/}"; fi
    done
    folders=("$dir/corpus/$target" "$dir/seeds/$target")
    mkdir -p "${folders[@]}"
    [ ! -d "$here/regressions/$target" ] || folders+=("$here/regressions/$target")
    if "$dir/bin/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 \
        -dict="$here/mail.dict" -artifact_prefix="$dir/failures/$target-" \
        "${folders[@]}" >"$dir/logs/$target" 2>&1; then
        pass
        awk -v target="$target" '
            /^stat::number_of_executed_units/ { runs = $2 }
            / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") covered = $(i + 1) }
            END { printf "%-10s %10d inputs, %5d edges\n", target, runs, covered }' "$dir/logs/$target"
    else
        tail -n 60 "$dir/logs/$target"
        fail "$target: $(sed -n 's/.*Test unit written to //p' "$dir/logs/$target" | tail -n 1)"
    fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
