# SPDX-License-Identifier: BSD-3-Clause
# make lint           all checks of the source:
# make lint-format    clang-format               make lint-shell   shellcheck
# make lint-rooms     what each room includes    make lint-order   members used before they are constructed
# make lint-tidy      clang-tidy, on what it has not found right before (in CACHE); TIDY="FILE..." picks some
# make lint-planted   that these find what was planted for them
# make run-test       tests of tests/run.sh
# make format         formats

FORMAT  := $(wildcard examples/*.cc bpf/*.[ch] include/smtpscope/*.h userspace/*/*.h userspace/*/*.cc tests/*/*.h tests/*/*.cc tests/*/*.c)
CLASSES := $(wildcard include/smtpscope/*.h userspace/*/*.h userspace/*/*.cc tests/*/*.h tests/*/*.cc)
TIDY    := $(wildcard examples/*.cc userspace/*/*.cc tests/*/*.cc)

TIDY_FLAGS = -std=c++20 -Itests/lint $(filter -I% -D%,$(filter-out -D_FORTIFY_SOURCE=%,$(CPPFLAGS)))

.PHONY: lint lint-format lint-shell lint-rooms lint-order lint-tidy lint-planted run-test format
lint: lint-format lint-shell lint-rooms lint-order lint-planted lint-tidy

lint-format:
	$(say) FORMAT '$(words $(FORMAT)) files'
	$(Q)bad=$$(for f in $(FORMAT); do clang-format --dry-run -Werror $$f 2>/dev/null || echo "    $$f"; done); \
	    [ -z "$$bad" ] || { printf '%s\n' "not formatted (make format):" "$$bad"; false; }

format:
	clang-format -i $(FORMAT)

lint-shell:
	$(say) SHELL 'scripts'
	$(Q)shellcheck $$(grep -rlE '^#!.*/(env )?(ba)?sh' packaging tests .ci)

lint-rooms:
	$(say) ROOMS 'what each may include'
	$(Q)packaging/check-rooms.py

lint-order:
	$(say) ORDER 'members of classes'
	$(Q)tests/lint/order.py $(CLASSES)

lint-tidy: $(SKELETONS)
	$(Q)tests/lint/tidy.py $(if $(shell test -w $(CACHE) && echo yes),$(CACHE),$(O))/tidy $(TIDY) -- $(TIDY_FLAGS)

lint-planted:
	$(say) PLANTED 'faults that have to be found'
	$(Q)tests/lint/planted.sh $(TIDY_FLAGS)

run-test:
	$(Q)tests/lint/run_test.sh
