# SPDX-License-Identifier: BSD-3-Clause
# make mime-test      the decoders against Python's, on generated input

$(O)/mime-driver: $(O)/tests/mime/driver.o $(O)/libsmtpscope.a
	$(say) LINK $@
	$(Q)$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^

programs: $(O)/mime-driver

.PHONY: mime-test
mime-test: $(O)/mime-driver
	$(Q)tests/mime/differential.py $(O)/mime-driver
