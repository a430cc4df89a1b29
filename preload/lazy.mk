# SPDX-License-Identifier: MIT
#
# Links libharden.so. On the architectures that preload/imports.S supports, the functions of the C
# library are bound at the first intercepted call instead of at load (preload/imports.h). Elsewhere,
# and with LAZY_IMPORTS=no, it is an ordinary link.
MACHINE      := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
LAZY_IMPORTS ?= $(if $(SANITIZE)$(findstring -flto,$(CFLAGS)),no,$(if \
                  $(filter x86_64 aarch64,$(MACHINE)),yes,no))

# All but the C library is linked in, with its symbols hidden.
SHIM_PARTS := $(call objects,$(PRELOAD_SRC)) $(BUILD)/obj/preload/syscall.o $(CURL_LIB) $(SOCK_LIB) $(ENGINE_LIB) $(TARGET_PARTS)
LINK_SHIM   = $(LINK_SHARED) -Wl,--version-script,preload/harden.map

ifneq ($(LAZY_IMPORTS),yes)
$(SHIM): $(SHIM_PARTS) preload/harden.map
	$(call say,LINK   ,$@)
	$(Q)$(LINK_SHIM) -o $@ $(SHIM_PARTS)
else
# An ordinary link tells which functions are needed, and at which versions. Then the same objects are
# linked again with these calls renamed. The compiler's start files would add four look-ups and are
# not needed.
LAZY       := $(BUILD)/lazy
LAZY_PARTS := $(SHIM_PARTS:$(BUILD)/%=$(LAZY)/%)
# These run before anything is bound, so no flag of a distribution may add a call to them.
BINDERS    := $(patsubst %,$(BUILD)/obj/preload/%.o,imports scope symtab)
$(BINDERS): override CFLAGS += -fno-stack-protector
$(LAZY)/direct.so: $(SHIM_PARTS) preload/harden.map
	@mkdir -p $(@D)
	$(Q)$(LINK_SHIM) -o $@ $(SHIM_PARTS)
$(LAZY)/imports.list: $(LAZY)/direct.so scripts/lazy-imports
	$(Q)CC="$(CC)" scripts/lazy-imports $< $@ $(LAZY)/names $(BINDERS)
$(LAZY)/%: $(BUILD)/% $(LAZY)/imports.list
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) --redefine-syms=$(LAZY)/names $< $@
$(LAZY)/imports.o: preload/imports.S $(LAZY)/imports.list
	$(Q)$(CC) $(CPPFLAGS) -I$(LAZY) $(CFLAGS) -c -o $@ $<
$(SHIM): $(LAZY_PARTS) $(LAZY)/imports.o preload/harden.map
	$(call say,LINK   ,$@)
	$(Q)$(LINK_SHIM) -nostartfiles -o $@ $(LAZY)/imports.o $(LAZY_PARTS)
endif
