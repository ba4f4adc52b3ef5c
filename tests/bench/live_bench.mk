# SPDX-License-Identifier: BSD-3-Clause
# make bench-live       what the agent costs at LIVE_RATE MB/s of mail, LIVE_MB in all (root)

LIVE_RATE ?= 100
LIVE_MB   ?= 1000

$(O)/tests/bench/live_traffic: $(O)/tests/bench/live_traffic.o
	$(say) LINK $@
	$(Q)$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ -lpthread

programs: $(O)/tests/bench/live_traffic

.PHONY: bench-live
bench-live: $(O)/smtpscope $(O)/tests/bench/live_traffic
	$(Q)SMTPSCOPE=$(O)/smtpscope LIVE_TRAFFIC=$(O)/tests/bench/live_traffic RATE=$(LIVE_RATE) MB=$(LIVE_MB) \
	    tests/bench/live_bench.py

# make bench-host       what the agent does to connections that are not mail (root)
.PHONY: bench-host
bench-host: $(O)/smtpscope
	$(Q)SMTPSCOPE=$(O)/smtpscope tests/bench/host_bench.py
