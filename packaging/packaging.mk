# SPDX-License-Identifier: BSD-3-Clause
# Dependencies, installing, packages, the demonstration.

SYSCONFDIR  ?= /etc
MANDIR      ?= $(PREFIX)/share/man
LIBDIR      ?= $(PREFIX)/lib
# Empty: without the unit and the user of the service (packages let debhelper place them).
UNITDIR     ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
INSTALL     ?= install

.PHONY: deps install install-dev deb rpm run

deps:
	@packaging/deps.sh

# ---- installing
PUBLIC_HEADERS := $(filter-out %/kernel_abi.h,$(wildcard include/smtpscope/*.h))

install: $(O)/smtpscope
	$(INSTALL) -D -m 755 $(O)/smtpscope $(DESTDIR)$(PREFIX)/bin/smtpscope
	$(INSTALL) -D -m 644 configs/smtpscope.yaml $(DESTDIR)$(SYSCONFDIR)/smtpscope/smtpscope.yaml
	$(INSTALL) -D -m 644 packaging/man/smtpscope.8 $(DESTDIR)$(MANDIR)/man8/smtpscope.8
	$(INSTALL) -D -m 644 packaging/man/smtpscope.yaml.5 $(DESTDIR)$(MANDIR)/man5/smtpscope.yaml.5
ifneq ($(UNITDIR),)
	$(INSTALL) -D -m 644 packaging/systemd/smtpscope.service $(DESTDIR)$(UNITDIR)/smtpscope.service
	$(INSTALL) -D -m 644 packaging/systemd/smtpscope.sysusers $(DESTDIR)$(SYSUSERSDIR)/smtpscope.conf
endif

# libsmtpscope and its C++ API.
install-dev: $(O)/libsmtpscope.a
	$(INSTALL) -D -m 644 $(O)/libsmtpscope.a $(DESTDIR)$(LIBDIR)/libsmtpscope.a
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/include/smtpscope $(DESTDIR)$(LIBDIR)/pkgconfig
	$(INSTALL) -m 644 $(PUBLIC_HEADERS) $(DESTDIR)$(PREFIX)/include/smtpscope
	sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|; s|@LIBS@|$(LIBRARY_LIBS)|' \
	    packaging/smtpscope.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/smtpscope.pc

# ---- packages: built from a copy of the sources, with the distribution's flags
DEB := $(O)/deb/built
RPM := $(O)/rpm/built

deb:
	@packaging/deps.sh build package
	$(say) DEB $(O)/deb
	$(Q)packaging/build.sh deb $(VERSION) $(O)/deb && touch $(DEB)
	@ls $(O)/deb/*.deb

rpm:
	@packaging/deps.sh build package
	$(say) RPM $(O)/rpm
	$(Q)packaging/build.sh rpm $(VERSION) $(O)/rpm && touch $(RPM)
	@ls $(O)/rpm/RPMS/*/*.rpm

# For the tests: packages that are out of date are built again from the existing objects.
PACKAGED := $(O)/smtpscope $(PUBLIC_HEADERS) configs/smtpscope.yaml README.md LICENSE Makefile $(shell find packaging examples -type f)
$(DEB) $(RPM): $(O)/%/built: $(PACKAGED)
	@packaging/deps.sh package
	$(say) PACKAGE $(@D)
	$(Q)packaging/build.sh $* $(VERSION) $(@D) $(O) && touch $@

# ---- see it work
run:
	@packaging/deps.sh build run
	@+$(MAKE) --no-print-directory -j$$(nproc) all
	@packaging/demo.py $(O)/smtpscope
