#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds and runs the examples and a stranger's program out of tree, with what pkg-config says of the installed library.
#
# usage: run.sh PREFIX      where `make install-dev` has installed
set -uo pipefail
prefix=$(realpath "${1:?usage: run.sh PREFIX}") || exit 2
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/../../examples/*.cc "$here"/*.cc "$work/"
python3 "$here/capture.py" "$work/mail.pcap" || exit 2
cd "$work" || exit 2
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
read -ra flags <<<"$(pkg-config --cflags --static --libs smtpscope)"
passed=0 failed=0

# check WHAT COMMAND...: its output is what expect() was told, with `exit N` behind it where it fails.
check() {
    local what=$1 said
    shift
    if said=$({ "$@" 2>&1 || echo "exit $?"; } | diff "$work/expected" -); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED  %s\n%s\n' "$what" "$said"
    fi
}
expect() { cat >"$work/expected"; }
build() { "${CXX:-c++}" -std=c++20 -Wall -Wextra -Wconversion -Wshadow -Werror "$1.cc" -o "$1" "${flags[@]}"; }

for program in mails conversation stranger; do
    expect </dev/null
    check "$program is built" build "$program"
done

expect <<'END'
alice@example.org -> ["bob@example.net"]: Hello
END
mail() { ./mails mail.pcap | python3 -c 'import json, sys
for line in sys.stdin:
    mail = json.loads(line)
    print(mail["mailfrom"], "->", json.dumps(mail["rcptto"]) + ":", mail["subject"])'; }
check "mails prints the mail of a capture file" mail

expect <<'END'
mails: no.pcap: No such file or directory
exit 1
END
check "mails says what it cannot read" ./mails no.pcap

expect <<'END'
CZxavz73XpAKNBzbhMr alice@example.org -> bob@example.net [1000 B missed]: Hello
1000 bytes of it are missing
END
check "conversation prints its mail" ./conversation

pkg-config --modversion smtpscope | expect
check "the library is of the version that pkg-config names" ./stranger

for header in "$prefix"/include/smtpscope/*.h; do
    expect </dev/null
    check "$(basename "$header") stands alone" "${CXX:-c++}" -std=c++20 -Wall -Wextra -Werror -fsyntax-only -x c++ \
        -include "$header" -I"$prefix/include" /dev/null
done

echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
