#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What the command line says and how it exits, for right and for wrong input.
#
# usage: cli_errors.sh SMTPSCOPE
set -u
smtpscope=$(realpath "${1:?usage: cli_errors.sh SMTPSCOPE}") || exit 2
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

passed=0
failed=0

# expect NAME STATUS PATTERN COMMAND...: the exit status, and an extended regular expression that some line of the
# output has to match, stdout or stderr.
expect() {
    local name=$1 status=$2 pattern=$3 output got
    shift 3
    output=$("$@" 2>&1 </dev/null)
    got=$?
    if [ "$got" = "$status" ] && grep -Eq -- "$pattern" <<<"$output"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED %s: exit status %s, expected %s and "%s" in:\n%s\n' "$name" "$got" "$status" "$pattern" "$output"
    fi
}

# check NAME COMMAND...: succeeds
check() {
    local name=$1
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAILED $name"; fi
}

has_lines() { [ "$(wc -l <"$1")" -eq "$2" ]; }
is_absent() { [ ! -e "$1" ]; }
# stdout of `read` and nothing on stderr
quietly() { [ -z "$("$@" 2>&1 >/dev/null)" ]; }

python3 "$here/cli_pcap.py" mail.pcap
python3 "$here/cli_pcap.py" --bad-checksums bad.pcap
size=$(stat -c %s mail.pcap)
head -c $((size - 7)) mail.pcap >cut.pcap
head -c 10 mail.pcap >header.pcap
head -c 24 mail.pcap >empty.pcap
: >zero.pcap
echo 'this is text, and not a short one at all' >text.pcap

# ---- the frame
expect 'no subcommand' 2 'a subcommand is missing' "$smtpscope"
expect 'unknown subcommand' 2 'there is no subcommand raed' "$smtpscope" raed
expect 'unknown option before' 2 'there is no subcommand --nope' "$smtpscope" --nope
expect 'version' 0 '^smtpscope [0-9]' "$smtpscope" --version
expect 'help' 0 '^usage: smtpscope SUBCOMMAND' "$smtpscope" --help
for subcommand in run read check-config probe status flows top reload detach; do
    expect "help of $subcommand" 0 "^usage: smtpscope $subcommand" "$smtpscope" "$subcommand" --help
    expect "-h of $subcommand" 0 "^usage: smtpscope $subcommand" "$smtpscope" "$subcommand" -h
    expect "bad option of $subcommand" 2 'there is no option --nope' "$smtpscope" "$subcommand" --nope
    expect "bad letter of $subcommand" 2 'there is no option -Z' "$smtpscope" "$subcommand" -Z
    expect "pointer to help of $subcommand" 2 "try 'smtpscope $subcommand --help'" "$smtpscope" "$subcommand" --nope
done
expect 'missing argument' 2 'option -c needs an argument: FILE' "$smtpscope" check-config -c
expect 'missing long argument' 2 'option --set needs an argument: KEY=VALUE' "$smtpscope" check-config --set
expect 'unwanted argument' 2 'option --dump takes no argument' "$smtpscope" check-config --dump=yes
expect 'number that is none' 2 '--limit takes a whole number from 1 to 10000, not "many"' "$smtpscope" flows --limit many
expect 'number too large' 2 '--interval takes a whole number from 1 to 3600' "$smtpscope" top --interval 3601
expect 'flows of nobody' 1 'no agent is running' "$smtpscope" flows --set control.socket=/no/such.sock
expect 'top of nobody' 1 'no agent is running' "$smtpscope" top --set control.socket=/no/such.sock
expect 'reload of nobody' 1 'no agent is running: nobody answers on /no/such.sock' \
    "$smtpscope" reload --set control.socket=/no/such.sock
expect 'operand of run' 2 '"eth0" is not expected here' "$smtpscope" run eth0

# ---- check-config
printf 'capture:\n  interfacez: [eth0]\n' >unknown.yaml
printf 'mime:\n  max_depth: deep\n' >type.yaml
printf 'capture: { ports: [70000] }\n' >impossible.yaml
printf 'capture: [\n' >syntax.yaml
printf 'mime: { max_depth: 7 }\n' >good.yaml
expect 'unknown key' 2 'unknown.yaml:2:3: there is no key capture.interfacez; the nearest is capture.interfaces' \
    "$smtpscope" check-config unknown.yaml
expect 'wrong type' 2 'type.yaml:2:14: mime.max_depth: "deep" is not a number' "$smtpscope" check-config type.yaml
expect 'impossible value' 2 'impossible.yaml:1:20: capture.ports: "70000" is not a number from 1 to 65535' \
    "$smtpscope" check-config impossible.yaml
expect 'not YAML' 2 'syntax.yaml:2:1: this is not YAML' "$smtpscope" check-config syntax.yaml
expect 'no such configuration' 2 'nowhere.yaml: there is no such file' "$smtpscope" check-config nowhere.yaml
expect 'a directory' 2 '\.: the configuration cannot be read: Is a directory' "$smtpscope" check-config .
expect 'valid' 0 'good.yaml: the configuration is valid' "$smtpscope" check-config good.yaml
expect 'valid by -c' 0 'good.yaml: the configuration is valid' "$smtpscope" check-config -c good.yaml
expect 'two files' 2 'name one file' "$smtpscope" check-config good.yaml type.yaml
expect 'dump' 0 '^  max_depth: 7$' "$smtpscope" check-config --dump good.yaml
expect 'dump with --set' 0 '^  max_depth: 9$' "$smtpscope" check-config --dump --set mime.max_depth=9 good.yaml
expect 'bad --set' 2 '^smtpscope: --set:1:1: there is no key mime.depth; the nearest is mime.max_depth' \
    "$smtpscope" check-config --set mime.depth=9
expect '--set without value' 2 '--set:1:1: "mime.max_depth" is not KEY=VALUE' \
    "$smtpscope" check-config --set mime.max_depth
"$smtpscope" check-config --dump good.yaml >dumped.yaml
expect 'a dump is valid' 0 'the configuration is valid' "$smtpscope" check-config dumped.yaml
for command in run 'read mail.pcap' status flows top reload; do
    # shellcheck disable=SC2086 # words
    expect "$command with a bad configuration" 2 'unknown.yaml:2:3: there is no key' \
        "$smtpscope" $command -c unknown.yaml
done
expect 'reload with a bad configuration: nobody is there' 2 'no agent is running' "$smtpscope" reload -c unknown.yaml
expect 'probe with a bad configuration: why' 1 '^smtpscope: unknown.yaml:2:3: there is no key' "$smtpscope" probe -c unknown.yaml
expect 'probe with a bad configuration: the kernel' 1 '^ok +kernel' "$smtpscope" probe -c unknown.yaml
expect 'probe with a bad configuration: would not start' 1 'would not start' "$smtpscope" probe -c unknown.yaml
for command in probe status flows top reload; do
    expect "$command with a bad --set" 2 '--set:1:1: there is no key mime.depth' "$smtpscope" $command --set mime.depth=1
done

# ---- places that the configuration names
logs='log.sinks=[{type: file, directory: /no/such/folder}]'
for command in 'check-config' 'run' 'probe'; do
    status=1
    [ "$command" != check-config ] || status=2
    expect "$command: no such log directory" $status \
        'log.sinks:? +/no/such/folder: No such file or directory' "$smtpscope" "$command" --set "$logs"
    expect "$command: and what to do" $status 'create it with .install -d -o .* -m 0750 /no/such/folder.' \
        "$smtpscope" "$command" --set "$logs"
    expect "$command: a log directory that is none" $status 'log.sinks:? +/etc/passwd: Not a directory' \
        "$smtpscope" "$command" --set 'log.sinks=[{type: file, directory: /etc/passwd}]'
    expect "$command: no directory for files" $status 'files.extract.directory:? +/no/such/folder: No such file' \
        "$smtpscope" "$command" --set 'files.extract={enabled: true, directory: /no/such/folder}'
done
expect 'all of them are named' 2 'files.extract.directory: /no/such/out: ' \
    "$smtpscope" check-config --set 'files.extract={enabled: true, directory: /no/such/out}' --set "$logs"
expect 'a dump in spite of them' 2 '^ +directory: /no/such/folder$' "$smtpscope" check-config --dump --set "$logs"
expect 'a place that is not used' 0 'the configuration is valid' \
    "$smtpscope" check-config --set 'files.extract.directory=/no/such/folder'
expect 'no place for the socket' 0 'warning: control.socket: /no/such: No such file or directory; create it with' \
    "$smtpscope" check-config --set control.socket=/no/such/s

# ---- read
mail='"mailfrom":"a@example.org","rcptto":\["b@example.org"\].*"subject":"a test","last_reply":"'
expect 'a mail' 0 "$mail" "$smtpscope" read mail.pcap
check 'nothing on stderr' quietly "$smtpscope" read mail.pcap
expect 'from stdin' 0 "$mail" bash -c "'$smtpscope' read - <mail.pcap"
expect 'tsv' 0 '^#fields	ts	uid	id.orig_h' "$smtpscope" read --format tsv mail.pcap
expect 'brief' 0 '^2023-11-14T22:13:20.[0-9]{6}Z 192.0.2.1:40000 -> 192.0.2.2:25 a@example.org -> b@example.org' \
    "$smtpscope" read --format brief mail.pcap
expect 'no trace' 2 'name a capture file' "$smtpscope" read
expect 'bad format' 2 '--format xml: there is no such format; choose json, tsv or brief' \
    "$smtpscope" read --format xml mail.pcap
expect 'no such trace' 1 'nowhere.pcap' "$smtpscope" read nowhere.pcap
expect 'a directory is no trace' 1 '^smtpscope: ' "$smtpscope" read .
for trace in text header zero; do
    expect "$trace.pcap is not a pcap" 1 "^smtpscope: .*$trace.pcap" "$smtpscope" read $trace.pcap
done
expect 'an empty pcap' 0 '' "$smtpscope" read empty.pcap
expect 'a truncated pcap: the message' 1 '^smtpscope: cut.pcap: the file ends within a packet, after 18 whole ones' \
    "$smtpscope" read cut.pcap
expect 'a truncated pcap: the record' 1 "$mail" "$smtpscope" read cut.pcap
expect 'several traces, one bad' 1 "$mail" "$smtpscope" read text.pcap mail.pcap
expect 'several traces: all are read' 0 '^2$' bash -c "'$smtpscope' read mail.pcap mail.pcap | wc -l"
expect 'several traces: uids differ' 0 '^2$' \
    bash -c "'$smtpscope' read mail.pcap mail.pcap | grep -o '\"uid\":\"[^\"]*\"' | sort -u | wc -l"
expect 'the same trace, the same uid' 0 '^1$' \
    bash -c "('$smtpscope' read mail.pcap; '$smtpscope' read mail.pcap) | sort -u | wc -l"
expect 'bad checksums' 0 '^0$' bash -c "'$smtpscope' read bad.pcap | grep -c mailfrom || true"
expect 'bad checksums with -C' 0 "$mail" "$smtpscope" read -C bad.pcap
expect 'bad checksums by the configuration' 0 "$mail" "$smtpscope" read --set capture.checksums=ignore bad.pcap
expect 'stdout is full' 1 'records could not be written: standard output: No space left on device' \
    bash -c "'$smtpscope' read mail.pcap >/dev/full"

# ---- policies and privacy
cat >policy.yaml <<'END'
log:
  policy:
    - when: { mailfrom: "*@example.org" }
      action: keep
    - when:
        subjct: { present: true }
      action: drop
END
expect 'a rule on no field' 2 \
    'policy.yaml:6:9: log.policy: there is no field subjct in the smtp stream; the nearest is subject' \
    "$smtpscope" check-config policy.yaml
expect 'a rule with a bad pattern' 2 'mailfrom: "a\(" is not a regular expression that RE2 takes: missing \)' \
    "$smtpscope" read --set 'log.policy=[{when: {mailfrom: {regex: "a("}}, action: drop}]' mail.pcap
expect 'a rule that cannot be' 2 'mailfrom: this is text, which cidr does not compare' \
    "$smtpscope" read --set 'log.policy=[{when: {mailfrom: {cidr: 10.0.0.0/8}}, action: drop}]' mail.pcap
expect 'no such preset' 2 'log.privacy.preset: "none" is not one of plain, no-content, pseudonymous' \
    "$smtpscope" check-config --set log.privacy=none
expect 'no such key file' 2 'log.privacy.key_file: /nowhere/key: No such file or directory; make one with' \
    "$smtpscope" check-config --set log.privacy.key_file=/nowhere/key
head -c 32 /dev/zero >key
chmod 644 key
expect 'a key file for everybody' 2 'key_file: .*/key: others can read or change it; make it 0600' \
    "$smtpscope" read --set "log.privacy={preset: pseudonymous, key_file: $work/key}" mail.pcap
chmod 600 key
expect 'a key file' 0 '"mailfrom":"[0-9a-f]{64}"' \
    "$smtpscope" read --set "log.privacy={preset: pseudonymous, key_file: $work/key}" mail.pcap
check 'a key of this start is no trouble' quietly "$smtpscope" read --set log.privacy=pseudonymous mail.pcap
expect 'a policy drops' 0 '^0$' \
    bash -c "'$smtpscope' read --set 'log.policy=[{action: drop}]' mail.pcap | wc -l"

mkdir logs
echo old >logs/smtp.log
echo old >logs/weird.log
expect 'a bad trace leaves old logs' 1 'text.pcap' "$smtpscope" read --log-dir logs text.pcap
check 'old logs are there' grep -q old logs/smtp.log
expect 'log directory' 0 '' "$smtpscope" read --log-dir logs mail.pcap
check 'smtp.log replaced' has_lines logs/smtp.log 1
check 'weird.log gone' is_absent logs/weird.log
check 'no other files' test "$(echo logs/*)" = 'logs/files.log logs/smtp.log'
expect 'no such log directory' 1 'log directory nowhere: No such file or directory; create it' \
    "$smtpscope" read --log-dir nowhere mail.pcap

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
