# SPDX-License-Identifier: BSD-3-Clause
# make fuzz             every target for FUZZ_SECONDS; FUZZ_TARGETS="smtp mime" picks some
# make fuzz-smoke       the inputs that once failed, then a few seconds each
#
# A new target is a file tests/fuzz/NAME_fuzz.cc, its seeds a function in corpus.py. Inputs that were found to be
# interesting stay in $(O)/fuzz/corpus/NAME and serve the next run.

FUZZ_TARGETS ?= $(patsubst tests/fuzz/%_fuzz.cc,%,$(wildcard tests/fuzz/*_fuzz.cc))
FUZZ_SMOKE_SECONDS ?= 10

.PHONY: fuzz fuzz-smoke
ifeq ($(FUZZABLE),)
fuzz fuzz-smoke:
	@+$(MAKE) --no-print-directory $(ASAN) $@
else
FUZZ_BINARIES := $(addprefix $(O)/fuzz/bin/,$(FUZZ_TARGETS))

.SECONDARY: $(patsubst %,$(O)/tests/fuzz/%_fuzz.o,$(FUZZ_TARGETS))
$(O)/fuzz/bin/%: $(O)/tests/fuzz/%_fuzz.o $(filter-out $(MAIN_OBJ),$(SYSTEM_OBJ)) $(O)/libsmtpscope.a
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CXX) $(CXXFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

fuzz: $(FUZZ_BINARIES)
	$(Q)tests/fuzz/run.sh $(O)/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

fuzz-smoke: $(FUZZ_BINARIES)
	$(Q)tests/fuzz/run.sh $(O)/fuzz $(FUZZ_SMOKE_SECONDS) $(FUZZ_TARGETS)
endif
