# SPDX-License-Identifier: BSD-3-Clause
# make bpf-test       the kernel programs against tables of packets, then on real interfaces (root)
# make bpf-table-test, bpf-live-test   one of the two

.PRECIOUS: $(O)/%.bpf.o

CAPTURE_OBJ   := $(call objects,$(call sources,base capture net))
BPF_TEST_OBJ  := $(call objects,$(filter-out tests/bpf/tap_main.cc,$(wildcard tests/bpf/*.cc)))
TAP_OBJ       := $(O)/tests/bpf/tap_main.o

$(BPF_TEST_OBJ) $(TAP_OBJ): | $(SKELETONS)

$(O)/bpf-tests: $(BPF_TEST_OBJ) $(O)/tests/unit/main.o $(CAPTURE_OBJ)
	$(say) LINK $@
	$(Q)$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(if $(wildcard /usr/include/catch2/catch_all.hpp),-lCatch2) -lbpf -lpcap -lpthread

$(O)/tap: $(TAP_OBJ) $(CAPTURE_OBJ)
	$(say) LINK $@
	$(Q)$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ -lbpf -lpcap -lpthread

programs: $(O)/bpf-tests $(O)/tap $(O)/tests/bpf/pass.bpf.o

.PHONY: bpf-table-test bpf-live-test bpf-test
bpf-table-test: $(O)/bpf-tests
	$(O)/bpf-tests

bpf-live-test: $(O)/tap $(O)/tests/bpf/pass.bpf.o
	tests/bpf/live.sh $^

bpf-test: bpf-table-test bpf-live-test
