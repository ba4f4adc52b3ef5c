# SPDX-License-Identifier: BSD-3-Clause
# make cli-test       what the command line says and how it exits, and what it shows on a terminal

CLI_SUITES := errors=tests/traces/cli_errors.sh top=tests/traces/cli_top.py

.PHONY: cli-test
cli-test: $(O)/smtpscope
	$(Q)tests/traces/suites.sh $(O)/smtpscope $(CLI_SUITES)
