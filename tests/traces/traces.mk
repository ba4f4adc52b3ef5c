# SPDX-License-Identifier: BSD-3-Clause
# make trace-test       conversations as captures through `read`, the command line, and the reference's records

TRACE_SUITES := traces=tests/traces/run.py parity=tests/traces/parity.sh secrets=tests/traces/secrets.py \
                privacy=tests/traces/privacy.py fields=tests/traces/fields.py \
                $(foreach s,$(wildcard tests/traces/cli_*.sh),$(basename $(notdir $(s)))=$(s))

.PHONY: trace-test
trace-test: $(O)/smtpscope
	$(Q)tests/traces/suites.sh $(O)/smtpscope $(TRACE_SUITES)
