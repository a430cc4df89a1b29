# SPDX-License-Identifier: MIT
#
# install, uninstall, the source archive and the Debian package.
#
# The sample configurations are installed as documentation: a file in $(SYSCONFDIR) would apply to
# every program of the machine, so only an administrator puts one there.
DOCDIR = $(DATADIR)/doc/libharden
COMPDIR= $(DATADIR)/bash-completion/completions
FISHDIR= $(DATADIR)/fish/vendor_completions.d
ZSHDIR = $(DATADIR)/zsh/site-functions
MAN1   = $(wildcard docs/*.1)
MAN5   = $(wildcard docs/*.5)
MAN7   = $(wildcard docs/*.7)
# With the folders they have here, so that their links work.
DOCS   = README.md CHANGELOG.md CONTRIBUTING.md LICENSE $(wildcard docs/*.md docs/*.svg docs/*.png \
	 conf/*.ini conf/*.json conf/presets/* conf/examples/*)
DOCDIRS = $(sort $(dir $(DOCS)))
# Again where "include = presets/NAME.ini" finds them: documentation may be left out of an installation.
PRESETS = $(wildcard conf/presets/*.ini)
PRESETDIR = $(DATADIR)/libharden/presets
INSTALLED = $(BINDIR)/harden $(LIBDIR)/libharden.so $(LIBDIR)/libharden-audit.so $(COMPDIR)/harden \
	    $(FISHDIR)/harden.fish $(ZSHDIR)/_harden \
	    $(addprefix $(MANDIR)/man1/,$(notdir $(MAN1))) \
	    $(addprefix $(MANDIR)/man5/,$(notdir $(MAN5))) \
	    $(addprefix $(MANDIR)/man7/,$(notdir $(MAN7))) $(addprefix $(DOCDIR)/,$(DOCS)) \
	    $(addprefix $(PRESETDIR)/,$(notdir $(PRESETS)))
# So that the loader finds "LD_PRELOAD=libharden.so"; not for a staged or a user's own installation.
LDCONFIG = if [ -z "$(DESTDIR)" ] && [ -w /etc/ld.so.cache ]; then ldconfig; fi
.PHONY: install uninstall dist deb check-deb
install: all            ## into PREFIX, staged under DESTDIR
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(LIBDIR) $(COMPDIR) $(FISHDIR) $(ZSHDIR) $(MANDIR)/man1 \
	  $(MANDIR)/man5 $(MANDIR)/man7 $(PRESETDIR) $(addprefix $(DOCDIR)/,$(DOCDIRS)))
	install -m 755 $(CLI) $(DESTDIR)$(BINDIR)/harden
	install -m 755 $(SHIM) $(AUDIT) $(DESTDIR)$(LIBDIR)
	install -m 644 scripts/completion/harden.bash $(DESTDIR)$(COMPDIR)/harden
	install -m 644 scripts/completion/harden.fish $(DESTDIR)$(FISHDIR)/harden.fish
	install -m 644 scripts/completion/harden.zsh $(DESTDIR)$(ZSHDIR)/_harden
	install -m 644 $(MAN1) $(DESTDIR)$(MANDIR)/man1
	install -m 644 $(MAN5) $(DESTDIR)$(MANDIR)/man5
	install -m 644 $(MAN7) $(DESTDIR)$(MANDIR)/man7
	for f in $(DOCS); do install -m 644 $$f $(DESTDIR)$(DOCDIR)/$$f || exit; done
	install -m 644 $(PRESETS) $(DESTDIR)$(PRESETDIR)
	@$(LDCONFIG)
uninstall:              ## remove exactly what install wrote
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	@cd $(DESTDIR)$(DOCDIR) 2>/dev/null && rmdir -p $(filter-out ./,$(DOCDIRS)) 2>/dev/null || true
	@rmdir $(DESTDIR)$(DOCDIR) 2>/dev/null || true
	@rmdir $(DESTDIR)$(PRESETDIR) $(DESTDIR)$(DATADIR)/libharden 2>/dev/null || true
	@$(LDCONFIG)

# git fixes order and owners, the time is that of the commit; no setting of the user matters.
DIST ?= build/libharden-$(VERSION).tar.gz
dist:                   ## a reproducible source archive of HEAD
	@mkdir -p $(dir $(DIST))
	git -c tar.umask=0022 -c core.autocrlf=false -c core.attributesFile=/dev/null archive \
	  --format=tar --prefix=libharden-$(VERSION)/ -o $(DIST).tar HEAD
	env -u GZIP gzip -9n <$(DIST).tar >$(DIST)
	@rm $(DIST).tar
deb: dist               ## a Debian package of HEAD, checked by lintian
	@scripts/packaging/build-deb $(DIST)
check-deb:              ## build, install, use and remove the package: needs root
	@if ! [ -e .git ] || ! git rev-parse -q --verify HEAD >/dev/null 2>&1; then \
	  echo "not run: a package is built from a commit, and there is no git repository here"; \
	elif ! scripts/setup package; then \
	  echo "not run: the tools that build a Debian package cannot be installed here"; \
	else \
	  $(MAKE) --no-print-directory deb && scripts/packaging/check-deb build/deb; \
	fi
