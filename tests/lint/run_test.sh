#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Tests of tests/run.sh: what it counts, and what it takes for a failure.
set -u
cd "$(dirname "$0")/../.." || exit 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/make" <<'END'
#!/bin/sh
for word; do case $word in -* | *=*) ;; *) goal=$word ;; esac; done
case $goal in
good) echo "3 passed, 0 failed" ;;
parts) echo "one: 2 passed, 0 failed"; echo "two: 3 passed, 0 failed, 1 skipped"; echo "skip  two: a reason" ;;
catch2) echo "All tests passed (12 assertions in 4 test cases)" ;;
both) echo "All tests passed (12 assertions in 4 test cases)"; echo "cases: 3 passed, 0 failed, 1 skipped"; echo "skip  two: a reason" ;;
bad) echo "FAIL  a check"; echo "3 passed, 1 failed"; exit 1 ;;
crash) echo "3 passed, 0 failed"; exit 139 ;;
empty) echo "0 passed, 0 failed" ;;
silent) ;;
skipping) echo "skip  thing: no way"; echo "0 passed, 0 failed, 1 skipped" ;;
hiding) echo "2 passed, 0 failed, 1 skipped" ;;
endless) sleep 100 ;;
first) touch "$FOLDER/first"; echo "1 passed, 0 failed" ;;
second) [ -e "$FOLDER/first" ] && echo "1 passed, 0 failed" ;;
meets) touch "$FOLDER/$$.meets"; until [ "$(ls "$FOLDER"/*.meets | wc -l)" = 2 ]; do sleep 0.1; done; echo "1 passed, 0 failed" ;;
esac
END
chmod +x "$folder/make"
printf '%s\n' '# a comment' 'skip  two: a' >"$folder/may-skip"

passed=0 failed=0 seconds=60
row() { # row EXPECTED-LAST-LINE ARGUMENT...
    local expected=$1 output status
    shift
    output=$(FOLDER=$folder MAKE=$folder/make MAKEFLAGS='' SUITE_SECONDS=$seconds SUITE_TIMES=$folder/times MAY_SKIP=$folder/may-skip \
        tests/run.sh "$@" 2>&1)
    status=$?
    if [ "$(tail -n 1 <<<"$output")" = "$expected" ] && [ $status = "$([[ $expected == *" 0 failed"* ]] && echo 0 || echo 1)" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL  run.sh %s: status %s\n%s\n' "$*" $status "$output" | sed '2,$s/^/    /'
    fi
}
row "3 passed, 0 failed" good
row "1 passed, 0 failed" check:good
row "7 passed, 0 failed" good "again=good VAR=1" check:named=good
row "5 passed, 0 failed, 1 skipped" parts
row "4 passed, 0 failed" catch2
row "3 passed, 0 failed, 1 skipped" both
row "6 passed, 1 failed" good bad
row "3 passed, 1 failed" crash
row "0 passed, 1 failed" empty
row "0 passed, 1 failed" silent
row "0 passed, 1 failed, 1 skipped" skipping
row "2 passed, 1 failed, 1 skipped" hiding
seconds=2
row "0 passed, 1 failed" endless
seconds=60
row "2 passed, 0 failed" first / second
row "5 passed, 0 failed" meets // meets / good
echo "$passed passed, $failed failed"
[ $failed = 0 ]
