# SPDX-License-Identifier: BSD-3-Clause
# make cli-test       what the command line says and how it exits, what it shows on a terminal, and what the documents say of it

CLI_SUITES := errors=tests/traces/cli_errors.sh top=tests/traces/cli_top.py docs=tests/traces/cli_docs.py

.PHONY: cli-test
cli-test: $(O)/smtpscope
	$(Q)tests/traces/suites.sh $(O)/smtpscope $(CLI_SUITES)
