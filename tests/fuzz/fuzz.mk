# SPDX-License-Identifier: BSD-3-Clause
# make fuzz             every target for FUZZ_SECONDS; FUZZ_TARGETS="smtp mime" picks some
# make fuzz-smoke       the inputs that once failed, then a few seconds each
#
# A new target is a file tests/fuzz/NAME_fuzz.cc, its seeds a function in corpus.py. Inputs that were found to be
# interesting stay in $(O)/fuzz/corpus/NAME and serve the next run.

FUZZ_TARGETS ?= $(patsubst tests/fuzz/%_fuzz.cc,%,$(wildcard tests/fuzz/*_fuzz.cc))
FUZZ_CXX     ?= clang++
FUZZ_SMOKE_SECONDS ?= 10

FUZZ_FLAGS    := -std=c++20 -O1 -g $(WARN) -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_SOURCES  := $(call sources,$(CORE_ROOMS) config) \
                 $(addprefix userspace/log/,escape.cc format.cc hiding.cc matcher.cc number.cc policy.cc \
                               privacy.cc schema.cc utf8.cc)
FUZZ_OBJ      := $(patsubst %.cc,$(O)/fuzz/%.o,$(FUZZ_SOURCES))
FUZZ_BINARIES := $(addprefix $(O)/fuzz/bin/,$(FUZZ_TARGETS))

$(O)/fuzz/%.o: %.cc
	@mkdir -p $(@D)
	$(say) FUZZ $<
	$(Q)$(FUZZ_CXX) $(CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

.SECONDARY: $(FUZZ_OBJ) $(patsubst %,$(O)/fuzz/tests/fuzz/%_fuzz.o,$(FUZZ_TARGETS))
$(O)/fuzz/bin/%: $(O)/fuzz/tests/fuzz/%_fuzz.o $(FUZZ_OBJ)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(FUZZ_CXX) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ -lyaml-cpp -lcrypto -lmagic -lre2

.PHONY: fuzz fuzz-smoke
fuzz: $(FUZZ_BINARIES)
	$(Q)tests/fuzz/run.sh $(O)/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

fuzz-smoke: $(FUZZ_BINARIES)
	$(Q)tests/fuzz/run.sh $(O)/fuzz $(FUZZ_SMOKE_SECONDS) $(FUZZ_TARGETS)
