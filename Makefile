# SPDX-License-Identifier: MIT
#
# Builds the kernel, its ring-3 programs, the boot image and the host tests; starts what runs them.
# Everything generated lies below $(BUILD). `make help` lists the targets and variables.

# --- Variables ---------------------------------------------------------------------------------

## of the emulated machine
CPUS          ?= 4
## its memory: MiB, or with M or G
MEM           ?= 256
## one policy alone (tlbi=POLICY on the kernel's command line)
POLICY        ?=
## a policy's C file outside the tree, built in beside the others
NEW           ?=
## the experiment (run=RUN)
RUN           ?=
## more of the kernel's command line
ARGS          ?=
## pc or q35
MACHINE       ?= pc
## bios or uefi
FIRMWARE      ?= bios
## cd, usb, or kernel: no boot loader
MEDIA         ?= cd
## qemu or bochs
ENGINE        ?= qemu
## tcg or kvm
ACCEL         ?= tcg
## of a run, in seconds
TIMEOUT       ?= 300
## prefix of gcc and ld
CROSS_COMPILE ?=
## 1: undefined behaviour in the kernel traps
UBSAN         ?= 0
## 0: the kernel without context-tracking work: nothing is deferred
CT_WORK       ?= 1
## where everything generated lies
BUILD         ?= build
## 1: print commands
V             ?= 0
## a finding's schedule (make sweep): `make gdb` stops at its instruction
REPLAY        ?=
## the USB stick of `make usb`
DEV           ?=
ifeq ($(origin CC),default)
CC := gcc
endif

# One spelling of one folder: dependencies and flags name it.
override BUILD := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))

# A variable with a closed set of values: $(call one-of,NAME,valid values)
one-of = $(if $(filter-out $(2),$(or $($(1)),(nothing)))$(word 2,$($(1))),$(error $(1)=$($(1)): \
	not known; valid: $(subst %,<version>,$(2))))

$(call one-of,CC,gcc gcc-% clang clang-%)
$(call one-of,UBSAN,0 1)
$(call one-of,CT_WORK,0 1)
$(call one-of,V,0 1)
$(call one-of,MACHINE,pc q35)
$(call one-of,FIRMWARE,bios uefi)
$(call one-of,MEDIA,cd usb kernel)
$(call one-of,ENGINE,qemu bochs)
$(call one-of,ACCEL,tcg kvm)

Q      := $(if $(filter 0,$(V)),@)
say     = $(if $(filter 0,$(V)),@printf '  %-8s%s\n' '$(1)' '$(2)')
PYTHON := /usr/bin/python3

# A policy from outside the tree: a build folder of its own, and the policy that is run. Nothing but
# letters, digits and _ comes from tools/new_policy.py.
ifneq ($(strip $(NEW)),)
NEW_NAME := $(shell $(PYTHON) tools/new_policy.py '$(subst ','\'',$(NEW))')
$(if $(NEW_NAME),,$(error NEW=$(NEW) cannot be built in))
override BUILD := $(BUILD)/new/$(NEW_NAME)
POLICY   := $(or $(POLICY),$(subst _,-,$(NEW_NAME)))
endif

# --- Tools -------------------------------------------------------------------------------------

# With clang, CROSS_COMPILE names the linker only; clang itself is told its target.
KCC  := $(if $(filter clang%,$(CC)),$(CC) --target=x86_64-none-elf,$(CROSS_COMPILE)$(CC))
NASM ?= nasm
ifeq ($(origin LD),default)
LD := $(or $(firstword $(notdir $(shell command -v $(CROSS_COMPILE)ld ld.lld))),$(CROSS_COMPILE)ld)
endif
HOSTCC   := gcc
FUZZCC   := clang
CC_INCLUDE := $(shell $(KCC) -print-file-name=include 2>/dev/null)

# --- Flags, by purpose -------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
	-Wwrite-strings -Wpointer-arith
LANGUAGE := -std=gnu11 -ffreestanding -nostdinc -isystem $(CC_INCLUDE) -I.
CODEGEN  := -O2 -g -fno-pic -fno-pie -mgeneral-regs-only -fcf-protection=none \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-common
CONFIG   := -DCONFIG_CONTEXT_TRACKING_WORK=$(CT_WORK) \
	$(if $(NEW_NAME),-DNEW_POLICY=policy_$(NEW_NAME))
DEPS      = -MMD -MP -MF $@.d -MT $@

# Undefined behaviour traps (ud2), so that it needs no run-time library in the kernel.
ubsan-gcc   := -fsanitize=undefined -fsanitize-undefined-trap-on-error
ubsan-clang := -fsanitize=undefined -fsanitize-trap=undefined
SANITIZE := $(if $(filter 1,$(UBSAN)),$(if $(filter clang%,$(CC)),$(ubsan-clang),$(ubsan-gcc)))

KERNEL_CFLAGS := $(LANGUAGE) $(CODEGEN) -mno-red-zone -mcmodel=kernel $(WARNINGS) $(CONFIG) \
	$(SANITIZE)
USER_CFLAGS   := $(LANGUAGE) $(CODEGEN) $(WARNINGS)

# All warnings of NASM are errors.
NASMFLAGS := -f elf64 -g -F dwarf -I$(BUILD)/ -I./ -w+all -Werror

# Without a build id nothing but the source decides the image. A segment that is writable and
# executable is a warning of ld, hence an error here.
LDFLAGS := -m elf_x86_64 -nostdlib -static -z max-page-size=4096 -z noexecstack --build-id=none \
	--fatal-warnings

HOST_COMMON := -std=gnu11 -g -O1 -I. -include tools/host_prelude.h -Wall -Wextra -Werror \
	-fno-sanitize-recover=all -fno-omit-frame-pointer
HOST_CFLAGS := $(HOST_COMMON) -fsanitize=address,undefined
FUZZ_CFLAGS := $(HOST_COMMON) -fsanitize=fuzzer,address,undefined

# --- Sources -----------------------------------------------------------------------------------

ASM_OFFSETS := arch/x86_64/asm_offsets.c
KERNEL_DIRS := boot arch/x86_64 mm mm/policy kernel kernel/font tests/kernel third_party/qrcodegen
KERNEL_C    := $(filter-out $(ASM_OFFSETS),$(wildcard $(KERNEL_DIRS:=/*.c)))
KERNEL_ASM  := $(wildcard $(KERNEL_DIRS:=/*.asm))
KERNEL_OBJS := $(KERNEL_C:%=$(BUILD)/obj/%.o) $(KERNEL_ASM:%=$(BUILD)/obj/%.o) \
	$(if $(NEW_NAME),$(BUILD)/obj/new/$(NEW_NAME).c.o)

# user/lib*.c is linked into each program; every other user/*.c is one.
USER_LIB_C    := $(wildcard user/lib*.c)
USER_C        := $(filter-out $(USER_LIB_C),$(wildcard user/*.c))
USER_LIB_OBJS := $(USER_LIB_C:%=$(BUILD)/obj/%.o)
USER_ELFS     := $(USER_C:user/%.c=$(BUILD)/user/%.elf)

HOST_TESTS := $(patsubst tests/host/%.c,$(BUILD)/host/%,$(wildcard tests/host/test_*.c))
HOST_FUZZ  := $(patsubst tests/host/%.c,$(BUILD)/host/%,$(wildcard tests/host/fuzz_*.c))

KERNEL := $(BUILD)/lateflush.elf
ISO    := $(BUILD)/lateflush.iso
STAMP  := $(BUILD)/flags.stamp
OBJS_STAMP := $(BUILD)/objects.stamp

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

# --- Kernel ------------------------------------------------------------------------------------

.PHONY: all
all: $(KERNEL) ## the kernel, $(BUILD)/lateflush.elf

# Linked twice: the second time with the table of the first one's code symbols (tools/symbols.py).
SYMBOLS     := $(BUILD)/symbols
LINK_KERNEL  = $(LD) $(LDFLAGS) -T linker.ld $(KERNEL_OBJS)

$(KERNEL): linker.ld tools/symbols.py $(KERNEL_OBJS) $(STAMP) $(OBJS_STAMP)
	$(call say,LD,$@)
	$(Q)$(PYTHON) tools/symbols.py >$(SYMBOLS)0.asm
	$(Q)$(NASM) $(NASMFLAGS) $(SYMBOLS)0.asm -o $(SYMBOLS)0.o
	$(Q)$(LINK_KERNEL) $(SYMBOLS)0.o -o $(SYMBOLS)0.elf
	$(Q)$(PYTHON) tools/symbols.py $(SYMBOLS)0.elf >$(SYMBOLS).asm
	$(Q)$(NASM) $(NASMFLAGS) $(SYMBOLS).asm -o $(SYMBOLS).o
	$(Q)$(LINK_KERNEL) $(SYMBOLS).o -Map $(BUILD)/lateflush.map -o $@
	$(Q)$(PYTHON) tools/symbols.py --check $@ $(SYMBOLS)0.elf

# Holds every flag; whatever was built with other ones is older than it and is built again.
FLAGS_TEXT := $(KCC) | $(LD) | $(NASM) | $(KERNEL_CFLAGS) | $(USER_CFLAGS) | $(NASMFLAGS) | \
	$(LDFLAGS) | $(HOST_CFLAGS) | $(FUZZ_CFLAGS)
.PHONY: FORCE
FORCE:
$(STAMP): FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(FLAGS_TEXT)' | cmp -s - $@ || printf '%s\n' '$(FLAGS_TEXT)' >$@

# The same for the list of objects: a source that went away must leave the image.
$(OBJS_STAMP): FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(KERNEL_OBJS)' | cmp -s - $@ || printf '%s\n' '$(KERNEL_OBJS)' >$@

$(BUILD)/obj/%.c.o: %.c $(STAMP)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(KCC) $(KERNEL_CFLAGS) $(DEPS) -c $< -o $@

# A C library's headers, as far as it is needed.
$(BUILD)/obj/third_party/%: KERNEL_CFLAGS += -Ithird_party/shim

$(BUILD)/obj/%.asm.o: %.asm $(BUILD)/offsets.inc $(STAMP)
	$(call say,NASM,$<)
	@mkdir -p $(@D)
	$(Q)$(NASM) $(NASMFLAGS) -MD $@.d -MP -MT $@ $< -o $@

# Structure offsets for assembly: the compiler writes lines `.ascii "->NAME VALUE"`.
$(BUILD)/offsets.s: $(ASM_OFFSETS) $(STAMP)
	$(call say,CC -S,$<)
	@mkdir -p $(@D)
	$(Q)$(KCC) $(filter-out -g,$(KERNEL_CFLAGS)) $(DEPS) -S $< -o $@

$(BUILD)/offsets.inc: $(BUILD)/offsets.s
	$(call say,GEN,$@)
	$(Q)sed -nE 's/^.*\.ascii\s*"->(\w+) (-?[0-9]+)".*/%define \1 \2/p' $< >$@
	@test -s $@ || { echo '$<: no offset found in it' >&2; exit 1; }

# --- Ring-3 programs ---------------------------------------------------------------------------

$(BUILD)/obj/user/%.c.o: user/%.c $(STAMP)
	$(call say,CC user,$<)
	@mkdir -p $(@D)
	$(Q)$(KCC) $(USER_CFLAGS) $(DEPS) -c $< -o $@

$(BUILD)/user/%.elf: $(BUILD)/obj/user/%.c.o $(USER_LIB_OBJS) user/user.ld
	$(call say,LD user,$@)
	@mkdir -p $(@D)
	$(Q)$(LD) $(LDFLAGS) -T user/user.ld -o $@ $< $(USER_LIB_OBJS)

# Carries the programs as built-ins (incbin "user/NAME.elf").
$(BUILD)/obj/kernel/programs.asm.o: $(USER_ELFS)

# --- Host tests and fuzzers --------------------------------------------------------------------

# The first line of a test, `// sources: ...`, names the kernel's files that it is linked with, an
# optional second one, `// flags: ...`, what they are compiled with.
sources-of = $$(sed -n '1s,^// sources:,,p' $<) tests/host/host_log.c
flags-of   = $$(sed -n '2s,^// flags:,,p' $<)
# Their dependency files also name every source as a target, so that one may go away.

.PHONY: host-tests fuzzers
host-tests: $(HOST_TESTS)
fuzzers: $(HOST_FUZZ)

$(BUILD)/host/test_%: tests/host/test_%.c $(STAMP)
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) $(flags-of) -MM -MP -MT $@ $< $(sources-of) >$@.d
	$(Q)printf '%s:\n' $(sources-of) >>$@.d
	$(Q)$(HOSTCC) $(HOST_CFLAGS) $(flags-of) $< $(sources-of) -lcmocka -o $@

$(BUILD)/host/fuzz_%: tests/host/fuzz_%.c $(STAMP)
	$(call say,FUZZCC,$<)
	@mkdir -p $(@D)
	$(Q)$(FUZZCC) $(FUZZ_CFLAGS) $(flags-of) -MM -MP -MT $@ $< $(sources-of) >$@.d
	$(Q)printf '%s:\n' $(sources-of) >>$@.d
	$(Q)$(FUZZCC) $(FUZZ_CFLAGS) $(flags-of) $< $(sources-of) -o $@

# --- Parts with targets of their own -----------------------------------------------------------

include $(sort $(wildcard make/*.mk))

# --- Boot image and runs -----------------------------------------------------------------------

CMDLINE := $(strip $(if $(RUN),run=$(RUN)) $(if $(POLICY),tlbi=$(POLICY)) $(ARGS))
# Through the environment: whatever is in it, no shell sees it as anything but text.
export CMDLINE
MKISO   := $(PYTHON) tools/mkiso.py --kernel $(KERNEL) --programs $(BUILD)/user \
	--cmdline "$$CMDLINE"

.PHONY: iso run gdb
iso: $(KERNEL) $(USER_ELFS) ## the boot image for CD and USB stick, $(BUILD)/lateflush.iso
	$(call say,ISO,$(ISO))
	$(Q)$(MKISO) --out $(ISO) --timeout 10

# The image of `make run` has no pause in its menu.
.PHONY: run-image
run-image: $(KERNEL) $(USER_ELFS)
	$(Q)[ $(MEDIA) = kernel ] || $(MKISO) --out $(BUILD)/run.iso --timeout 0

run: ## boots it, shows the report, writes $(BUILD)/results/run.json; exit 0 only for a pass
	$(Q)tools/prereq.sh run $(FIRMWARE) $(ENGINE) $(CC)
	$(Q)$(MAKE) --no-print-directory run-image
	$(Q)$(PYTHON) tools/run.py --kernel $(KERNEL) --iso $(BUILD)/run.iso --engine $(ENGINE) \
		--cpus '$(CPUS)' --mem '$(MEM)' --machine $(MACHINE) --firmware $(FIRMWARE) \
		--media $(MEDIA) --accel $(ACCEL) --cmdline "$$CMDLINE" --timeout '$(TIMEOUT)' \
		--results $(BUILD)/results

# --- Tests and tools ---------------------------------------------------------------------------

.PHONY: test check soak gdb usb
test: ## every test, within 20 minutes; ARGS: options of tools/test.py (-l lists)
	$(Q)tools/prereq.sh test
	$(Q)$(PYTHON) tools/test.py --build $(BUILD) $(ARGS)

check: ## the text of the project: formatting, headers, include direction, static analysis
	$(Q)tools/prereq.sh test
	$(Q)$(PYTHON) tools/test.py --build $(BUILD) -g check

soak: all ## the comparison again and again, until it fails or is interrupted
	$(Q)$(PYTHON) tools/soak.py --kernel $(KERNEL) --cpus '$(CPUS)' --mem '$(MEM)' \
		--machine $(MACHINE) --accel $(ACCEL) --cmdline "$$CMDLINE" --results $(BUILD)/soak

gdb: all ## starts QEMU stopped before the kernel's first instruction, and gdb on it; REPLAY
	$(Q)tools/prereq.sh gdb
	$(Q)$(PYTHON) tools/debug.py --kernel $(KERNEL) --work $(BUILD)/gdb --cpus '$(CPUS)' \
		--mem '$(MEM)' --machine $(MACHINE) --cmdline "$$CMDLINE" \
		$(if $(REPLAY),--replay '$(REPLAY)')

usb: iso ## writes the boot image to a USB stick, DEV=/dev/sdX; asks first
	$(Q)tools/usb.sh '$(DEV)' $(ISO)

# What a header is compiled with on its own (tools/check_headers.sh).
.PHONY: print-kernel-cc
print-kernel-cc:
	@echo '$(KCC) $(KERNEL_CFLAGS)'

# --- Cleaning ----------------------------------------------------------------------------------

MAKEFILES_READ := Makefile $(sort $(wildcard make/*.mk))
.PHONY: clean help
clean: ## removes $(BUILD)
	$(Q)rm -rf $(BUILD)

help: ## this list
	@echo 'Targets:'
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1|\2/p' $(MAKEFILES_READ) | sort | \
		while IFS='|' read -r name text; do printf '  %-12s%s\n' "$$name" "$$text"; done
	@echo 'Variables, with their defaults:'
	@awk '/^## / { text = substr($$0, 4) } \
		/^[A-Z_]+ *[?]=/ && text \
			{ printf "  %-17s %s\n", $$1 "=" $$3, text; text = "" }' $(MAKEFILES_READ)

-include $(wildcard $(BUILD)/explorer/*/*/*.d $(BUILD)/obj/*/*.d)
-include $(wildcard $(BUILD)/obj/*/*/*.d $(BUILD)/*.d $(BUILD)/host/*.d)
