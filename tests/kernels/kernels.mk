# SPDX-License-Identifier: BSD-3-Clause
# The programs and the agent on other kernels: Debian's, in virtual machines that need no root and no KVM.
#
# make kernel-test                       all of them
# make kernel-test KERNELS="6.1 6.12"    some

KERNELS ?= 5.10 6.1 6.12

.PHONY: kernel-test
kernel-test: $(O)/smtpscope $(O)/bpf-tests
	@packaging/deps.sh build run kernels
	tests/kernels/run.py $(O) $(KERNELS)
