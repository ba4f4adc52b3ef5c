# SPDX-License-Identifier: BSD-3-Clause
# Live tests: this kernel, real mail servers, namespaces of their own (root).
#
# make live-test                  all suites, quick sizes; LIVE_SUITES="mail kill" picks some
# make live-test LIVE_MAILS=1000  mails in each mode of the suite `mail`
# make live-test LIVE_MODES=tc    modes of the suites `mail` and `detach`: native, generic, tc
# make live-test LIVE_ATTACH_MAILS=20  mails in each case of the suite `attach`

# Those of ALONE_SUITES measure time, or fill both cores: they run after all others, with nothing beside them.
ALONE_SUITES ?= idle overload flood
LIVE_SUITES  ?= mail detach kill errors reload policy who attach restart servers $(if $(CI),,$(ALONE_SUITES))
LIVE_MAILS  ?= 300
LIVE_MODES  ?= native tc
LIVE_ATTACH_MAILS ?= 100

.PHONY: live-test alone-test
live-test: $(O)/smtpscope
	$(Q)SMTPSCOPE=$(O)/smtpscope DEBS=$(O)/tests/debs MAILS=$(LIVE_MAILS) MODES="$(LIVE_MODES)" LIVE_ATTACH_MAILS=$(LIVE_ATTACH_MAILS) tests/live/run.py $(LIVE_SUITES)

alone-test:
	@+$(MAKE) --no-print-directory live-test LIVE_SUITES="$(ALONE_SUITES)"
