# SPDX-License-Identifier: BSD-3-Clause
# make bench-bpf      nanoseconds per packet of each kernel program, by kind of packet (root)

BPF_BENCH_OBJ := $(call objects,tests/bench/bpf_bench.cc tests/bpf/packets.cc tests/bpf/runner.cc)

$(BPF_BENCH_OBJ): | $(SKELETONS)

$(O)/bpf-bench: $(BPF_BENCH_OBJ) $(call objects,$(call sources,base capture net))
	$(say) LINK $@
	$(Q)$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ -lbpf -lpcap -lpthread

programs: $(O)/bpf-bench $(O)/tests/bench/plain.bpf.o

.PHONY: bench-bpf
bench-bpf: $(O)/bpf-bench $(O)/tests/bench/plain.bpf.o
	$(O)/bpf-bench $(O)/tests/bench/plain.bpf.o
