# SPDX-License-Identifier: BSD-3-Clause
# make            build build/smtpscope             make deps      install what the build and the tests need
# make run        see it work (root)                make check     what most changes can break, in three minutes (root)
# make bench      measure                           make test      everything that a change can break (root)
# make lint       format, clang-tidy, shellcheck    make asan      the tests on a program built with ASan and UBSan (root)
# make deb, rpm   packages                          make tsan      the unit tests with TSan
# make install DESTDIR=...                          make fuzz      fuzz every parser (FUZZ_SECONDS each)
# make install-dev DESTDIR=...                      (libsmtpscope and its headers)
# V=1 shows commands; SAN=address,undefined O=FOLDER builds with sanitizers

O       ?= build
CLANG   ?= clang
BPFTOOL ?= $(or $(shell command -v bpftool),/usr/sbin/bpftool)
PREFIX  ?= /usr
DESTDIR ?=
FUZZ_SECONDS ?= 60

# What the tests keep from run to run: systems to boot, results of clang-tidy, objects.
CACHE   ?= /var/cache/smtpscope-tests

VERSION := $(shell sed -n 's/^.define SMTPSCOPE_VERSION "\(.*\)"/\1/p' include/smtpscope/version.h)

ifeq ($(V),1)
  Q :=
  say = @:
else
  Q := @
  say = @printf '  %-8s %s\n'
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

# ---- what is where
# The rooms of libsmtpscope, and those of the agent alone.
CORE_ROOMS   := base net tcp smtp mime files tls records engine format pcap
SYSTEM_ROOMS := capture log config agent cli
sources       = $(wildcard $(addsuffix /*.cc,$(addprefix userspace/,$(1))))
objects       = $(patsubst %.cc,$(O)/%.o,$(1))
CORE_OBJ     := $(call objects,$(call sources,$(CORE_ROOMS)))
SYSTEM_OBJ   := $(call objects,$(call sources,$(SYSTEM_ROOMS)))
MAIN_OBJ     := $(O)/userspace/cli/main.o
UNIT_OBJ     := $(call objects,$(wildcard tests/unit/*.cc))
SKELETONS    := $(patsubst bpf/%.bpf.c,$(O)/bpf/%.skel.h,$(wildcard bpf/*.bpf.c))

# ---- flags
# The fuzz targets are linked from the objects of this build.
comma    := ,
FUZZABLE := $(filter address$(comma)undefined,$(SAN))
ifneq ($(SAN),)
  CXX := clang++# g++ needs twice the time, and warns of code that its sanitizers add
endif
# The distribution's flags, so that what is tested is what its packages hold. Their builds give them in the environment.
ifeq ($(origin CXXFLAGS)$(origin CPPFLAGS)$(origin LDFLAGS),undefinedundefinedundefined)
  distribution = $(shell DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --get $(1) 2>/dev/null)
  CPPFLAGS := $(or $(call distribution,CPPFLAGS),-D_FORTIFY_SOURCE=2)
  CXXFLAGS := $(or $(call distribution,CXXFLAGS),-O2 -g -fstack-protector-strong)
  LDFLAGS  := $(or $(call distribution,LDFLAGS),-Wl,-z,relro -Wl,-z,now)
endif
WERROR   ?= -Werror
WARN     := -Wall -Wextra -Wconversion -Wshadow $(WERROR)
ifneq ($(findstring clang,$(CXX)),)
  WARN += -Wreserved-identifier
endif
CPPFLAGS += -Iinclude -Iuserspace -I$(O)/bpf -DBOOST_LOG_DYN_LINK
CXXFLAGS += -std=c++20 -gdwarf-4 $(WARN) -fno-plt -fPIE
LDFLAGS  += -pie
# What libsmtpscope needs, and what the rest does.
LIBRARY_LIBS := -lpcap -lcrypto -lmagic -lpthread
LDLIBS   := -lbpf -lyaml-cpp -lboost_log -lboost_thread -lboost_filesystem -lboost_system -lsystemd -lre2 -lz $(LIBRARY_LIBS)
ifneq ($(SAN),)
  CPPFLAGS := $(filter-out -D_FORTIFY_SOURCE=%,$(CPPFLAGS))
  CXXFLAGS += -O1 -fsanitize=$(SAN)$(if $(FUZZABLE),$(comma)fuzzer-no-link) -fno-omit-frame-pointer -fno-sanitize-recover=all
  LDFLAGS  += -fsanitize=$(SAN)
endif
# Paths without the build's folder: the same object wherever it is built, and one ccache entry for all of them.
ifeq ($(findstring -ffile-prefix-map,$(CXXFLAGS)),)
  CXXFLAGS += -ffile-prefix-map=$(CURDIR)=.
endif

# ccache where it is installed; the tests' cache where it may be written. A package is built without -Werror, but of the
# same objects, in another language.
CCACHE := $(shell command -v ccache)
export CCACHE_IGNOREOPTIONS := -Werror
export CCACHE_SLOPPINESS := locale
ifneq ($(shell test -w $(CACHE) && echo yes),)
  export CCACHE_DIR ?= $(CACHE)/ccache
endif
compile = $(CCACHE) $(CXX) $(CPPFLAGS) $(CXXFLAGS)

BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Iinclude -I/usr/include/$(shell uname -m)-linux-gnu

.PHONY: all
all: $(O)/smtpscope

$(O)/libsmtpscope.a: $(CORE_OBJ)
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

$(O)/smtpscope: $(SYSTEM_OBJ) $(O)/libsmtpscope.a
	$(say) LINK $@
	$(Q)$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(O)/%.o: %.cc
	@mkdir -p $(@D)
	$(say) CXX $<
	$(Q)$(compile) -MMD -MP -c -o $@ $<

$(call objects,$(call sources,capture)): | $(SKELETONS)

$(O)/%.bpf.o: %.bpf.c
	@mkdir -p $(@D)
	$(say) BPF $<
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/bpf/%.skel.h: $(O)/bpf/%.bpf.o
	$(say) SKEL $@
	$(Q){ echo '#pragma GCC system_header' && $(BPFTOOL) gen skeleton $< name $(subst -,_,$*); } >$@

# ---- tests
# The tests' objects last: of an inline function that both have, the linker takes the first, optimised one.
$(O)/unit-tests: $(CORE_OBJ) $(filter-out $(MAIN_OBJ),$(SYSTEM_OBJ)) $(UNIT_OBJ)
	$(say) LINK $@
	$(Q)$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(if $(wildcard /usr/include/catch2/catch_all.hpp),-lCatch2) $(LDLIBS)

# The tested code is optimised; the tests need not be, which halves the time to build them. (_FORTIFY_SOURCE
# warns where nothing is optimised.)
$(O)/tests/unit/%.o: CXXFLAGS += -O0
$(O)/tests/unit/%.o: CPPFLAGS := $(filter-out -D_FORTIFY_SOURCE=%,$(CPPFLAGS))

.PHONY: unit
unit: $(O)/unit-tests
	$(O)/unit-tests

# Every program that is tested or measured.
.PHONY: programs
programs: $(O)/smtpscope $(O)/unit-tests

# ---- suites: tests/run.sh tells how they are written down
ASAN := SAN=address,undefined O=$(O)-asan
TSAN := SAN=thread O=$(O)-tsan
LINT_SUITE  := "check:lint=-k lint"
ASAN_SUITES := "check:asan-programs=programs $(ASAN)" "asan-unit=unit $(ASAN)" "asan-cli=cli-test $(ASAN)" \
               "asan-traces=trace-test $(ASAN)" "asan-bpf=bpf-table-test $(ASAN)"
TSAN_SUITES := "tsan-unit=unit $(TSAN)"
CHECK_SUITES := check:programs / unit run-test mime-test cli-test bpf-test // trace-test \
                "live=live-test LIVE_SUITES=mail LIVE_MAILS=30 LIVE_MODES=tc" / \
                "check:lint=-k lint-format lint-shell lint-rooms lint-order"
TEST_SUITES ?= check:programs / unit library-test run-test mime-test cli-test bpf-test trace-test live-test package-test
# Suites that mostly wait run beside those that need a core; those that measure time run alone.
CI_SUITES   := check:programs / live-test check:deb check:rpm package-test kernel-test // \
               unit library-test run-test mime-test cli-test bpf-test trace-test \
               $(LINT_SUITE) $(ASAN_SUITES) $(TSAN_SUITES) fuzz-smoke / \
               alone-test check:run
run_suites = @+mkdir -p $(CACHE) 2>/dev/null; MAKE='$(MAKE)' SUITE_TIMES=$(CACHE)/times tests/run.sh

# `check` is what most changes can break; `test` all that can break in a few minutes. The last line is the sum.
.PHONY: check test asan tsan
check: deps
	$(run_suites) $(CHECK_SUITES)
test: deps
	$(run_suites) $(TEST_SUITES)
asan: deps
	$(run_suites) $(ASAN_SUITES)
tsan: deps
	$(run_suites) $(TSAN_SUITES)

.PHONY: clean
clean:
	rm -rf $(O) $(O)-asan $(O)-tsan

include $(wildcard packaging/*.mk tests/*/*.mk)
-include $(shell find $(O) -name '*.d' -type f 2>/dev/null)
