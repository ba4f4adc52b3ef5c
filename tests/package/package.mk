# SPDX-License-Identifier: BSD-3-Clause
# The packages where they are used: Debian with systemd, journald and Postfix. Trees are kept in PACKAGE_CACHE.
PACKAGE_CACHE ?= /var/cache/smtpscope-tests

.PHONY: package-test
package-test: $(DEB) $(RPM)
	@packaging/deps.sh run test package
	tests/package/suite.py $(O) $(PACKAGE_CACHE)
