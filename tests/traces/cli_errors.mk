# SPDX-License-Identifier: BSD-3-Clause
# make cli-test       what the command line says and how it exits

.PHONY: cli-test
cli-test: $(O)/smtpscope
	tests/traces/cli_errors.sh $(O)/smtpscope
