# SPDX-License-Identifier: BSD-3-Clause
# make library-test     the examples and a stranger's program, out of tree, with the library as it is installed

.PHONY: library-test
library-test: $(O)/libsmtpscope.a
	@rm -rf $(O)/library
	@+$(MAKE) -s --no-print-directory install-dev DESTDIR= PREFIX=$(abspath $(O)/library) LIBDIR=$(abspath $(O)/library/lib)
	$(Q)CXX='$(CXX)' tests/library/run.sh $(O)/library
