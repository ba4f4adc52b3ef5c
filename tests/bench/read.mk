# SPDX-License-Identifier: BSD-3-Clause
# make bench            all benchmarks
# make bench-read       `read` on traces of BENCH_MB each, made once, or on BENCH_TRACES; and that its cost grows linearly

BENCH_MB     ?= 1000
BENCH_RUNS   ?= 5
BENCH_TRACES ?=

$(O)/bench/read_traffic: $(call objects,tests/bench/read_traffic.cc tests/bench/read_wire.cc) $(O)/libsmtpscope.a
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^

$(O)/bench/read_floor: $(call objects,tests/bench/read_floor.cc)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ -lpcap

programs: $(O)/bench/read_traffic $(O)/bench/read_floor

.PHONY: bench bench-read
bench-read: $(O)/smtpscope $(O)/bench/read_traffic $(O)/bench/read_floor
	$(Q)tests/bench/read_bench.py --size $(BENCH_MB) --runs $(BENCH_RUNS) --cache $(O)/bench $^ $(BENCH_TRACES)

# One after the other: they would measure each other.
bench:
	$(Q)for goal in bench-read $(if $(wildcard tests/bench/bpf.mk),bench-bpf) \
	    $(if $(wildcard tests/bench/live_bench.mk),bench-live); do \
	    $(MAKE) --no-print-directory $$goal || exit; done
