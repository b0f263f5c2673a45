# One flat makefile; objects in build/$(MODE); `make help` lists the targets.
MODE    ?= release
BUILD   ?= build/$(MODE)
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := $(shell cat VERSION)
VENV    := build/venv
T       ?=
F       ?=
V       ?=

# Commands are shown in short; V=1 shows them whole.
say = $(if $(V),,@echo '$(1)' $(patsubst $(BUILD)/%,%,$(@:$(BUILD)/obj/%=%));)

# The build directory of another mode, beside this one.
beside = $(if $(filter build/%,$(BUILD)),build/$(1),$(BUILD)-$(1))

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wvla \
        -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
        -Wcast-qual -Wcast-align -Wpointer-arith -Wwrite-strings -Wnull-dereference
ifeq ($(CI),true)
WERROR ?= -Werror
endif
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection \
          -fcf-protection -fPIE
CFLAGS_release  := -O2 -g $(HARDEN)
# Sanitizers and gcov need system calls that the filter of the face forbids.
UNFILTERED      := -DDNSFLIP_WITHOUT_FACE_FILTER
CFLAGS_san      := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
                   -fno-omit-frame-pointer $(UNFILTERED)
# A fence orders only atomics here: the races that TSan looks for do not depend on it.
CFLAGS_tsan     := -O1 -g -fsanitize=thread -fno-omit-frame-pointer -Wno-tsan $(UNFILTERED)
CFLAGS_cover    := -O0 -g --coverage $(UNFILTERED)
CFLAGS_fuzz     := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
                   -fno-omit-frame-pointer $(UNFILTERED)
LDFLAGS_release := -pie -Wl,-z,relro,-z,now,-z,noexecstack
LDFLAGS_san     := -fsanitize=address,undefined
LDFLAGS_tsan    := -fsanitize=thread
LDFLAGS_cover   := --coverage
LDFLAGS_fuzz    := -fsanitize=fuzzer,address,undefined
ifeq ($(origin CFLAGS_$(MODE)),undefined)
$(error MODE=$(MODE) is not one of: release san tsan cover fuzz)
endif

# Asked for once, at the first use: the libraries may be installed by this very run.
PACKAGES   := ldns libcurl libevent_core libevent_extra libcjson yaml-0.1 openssl expat
PKG_CFLAGS  = $(eval PKG_CFLAGS := $$(patsubst -I%,-isystem %,$$(shell pkg-config --cflags-only-I $(PACKAGES))))$(PKG_CFLAGS)
PKG_LIBS    = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PACKAGES)))$(PKG_LIBS)
libs        = $(if $(1),$(shell pkg-config --libs $(1)))

STD := -std=c11 -D_GNU_SOURCE -I. -DDNSFLIP_VERSION='"$(VERSION)"'
override CFLAGS  += $(STD) -MMD -MP -fno-common -pthread $(WARN) $(WERROR) $(CFLAGS_$(MODE))
override LDFLAGS += -pthread $(LDFLAGS_$(MODE))

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
in  = $(foreach d,$(1),$(wildcard $(d)/*.c))

# The face is exposed to strangers: it links these folders, libc, and nothing else.
FACE_FOLDERS := $(addprefix dnsflip/,base model dns beacon)
FACE_SOURCES := $(wildcard dnsflip/face*.c dnsflip/link.c) $(call in,$(FACE_FOLDERS))
MAIN_FOLDERS := $(FACE_FOLDERS) $(addprefix dnsflip/,io render providers config engine record \
                ctl lab) probes policies
MAIN_SOURCES := $(filter-out dnsflip/face%,$(wildcard dnsflip/*.c)) $(call in,$(MAIN_FOLDERS))
PROGRAMS     := $(if $(wildcard dnsflip/main.c),$(BUILD)/dnsflip) \
                $(if $(wildcard dnsflip/face.c),$(BUILD)/dnsflip-face)

# A test links only what tests/KIND/uses.mk names (test_x_USES: sources, test_x_LIBS: pkg-config
# names): the link line is the proof of what a module depends on.
-include tests/power/uses.mk tests/signing/uses.mk tests/credentials/uses.mk tests/unit/uses.mk tests/planning/uses.mk tests/integration/uses.mk tests/sim/uses.mk tests/bench/uses.mk \
         tests/fuzz/uses.mk
tests_of    = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/$(1)/test_*.c))
UNIT        := $(call tests_of,unit)
INTEGRATION := $(call tests_of,integration)
GOLDEN      := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/golden/golden.c))
SIM         := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/sim/sim.c))
FUZZ        := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZERS     := $(addprefix $(BUILD)/tests/fuzz/fuzz_,$(FUZZ))
REPLAYS     := $(addprefix $(BUILD)/tests/fuzz/replay_,$(FUZZ))
E2E_HELPERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/power/*.c tests/signing/*.c tests/credentials/*.c tests/planning/*.c))
BENCH       := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.SECONDEXPANSION:
.PHONY: all deps deps-build demo programs test-programs test unit sim golden integration e2e kill-everywhere \
        power-cut soak allocations tsan check lint fmt \
        fmt-check bench bench-programs cover fuzz fuzz-programs fuzz-corpus \
        replay replay-programs install uninstall dist clean help FORCE

# One job per core, unless make was told otherwise.
jobs = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

all: deps-build            ## build both programs (installs what the build lacks first)
	@$(MAKE) --no-print-directory $(jobs) programs

programs: $(PROGRAMS)

test-programs: $(UNIT) $(GOLDEN) $(SIM) $(INTEGRATION) $(REPLAYS)

deps-build:
	@tests/support/deps.sh build

# Other name servers that tests ask beside ours: unpacked, never installed, never started as services.
PEERS := nsd knot bind9 dnsperf knot-dnssecutils bind9-utils

deps: deps-build           ## install what building and testing need (prints the command first)
	@tests/support/deps.sh check
	@$(MAKE) --no-print-directory $(VENV)/ready
	@tests/support/peers.sh $(PEERS) || echo 'no peers: the tests that ask them are skipped'

$(VENV)/ready: tests/requirements.txt
	[ -x $(VENV)/bin/pip ] || python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# Rewritten only when the flags differ, so that another set of flags rebuilds everything.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CC) $(CPPFLAGS) $(CFLAGS))' | cmp -s - $@ || \
	 echo '$(subst ','\'',$(CC) $(CPPFLAGS) $(CFLAGS))' >$@

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) $(PKG_CFLAGS) -c $< -o $@

# `dnsflip init` refuses a clock that is older than the program.
BUILD_EPOCH := $(or $(SOURCE_DATE_EPOCH),$(shell stat -c %Y VERSION))
$(call obj,dnsflip/cli_init.c): private CPPFLAGS += -DDNSFLIP_BUILD_EPOCH=$(BUILD_EPOCH)

$(BUILD)/dnsflip: $(call obj,$(MAIN_SOURCES))
	$(call say,LD)$(CC) $(LDFLAGS) $^ $(PKG_LIBS) -o $@

$(BUILD)/dnsflip-face: $(call obj,$(FACE_SOURCES))
	$(call say,LD)$(CC) $(LDFLAGS) $^ -o $@

$(UNIT) $(INTEGRATION): $(BUILD)/%: $(BUILD)/obj/%.o $$(call obj,$$($$(notdir $$*)_USES))
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(LDFLAGS) $(filter %.o,$^) $(call libs,$($(notdir $*)_LIBS)) -lcmocka -o $@

$(GOLDEN) $(SIM) $(BENCH) $(E2E_HELPERS): $(BUILD)/%: $(BUILD)/obj/%.o $$(call obj,$$($$(notdir $$*)_USES))
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(LDFLAGS) $(filter %.o,$^) $(call libs,$($(notdir $*)_LIBS)) -o $@

# A fuzz target has two mains: libFuzzer's (MODE=fuzz, clang), and one that only replays inputs.
$(FUZZERS): $(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $$(call obj,$$(fuzz_$$*_USES))
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(LDFLAGS) $(filter %.o,$^) $(call libs,$(fuzz_$*_LIBS)) -o $@

$(REPLAYS): $(BUILD)/tests/fuzz/replay_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o \
            $$(call obj,$$(sort tests/fuzz/replay.c $$(fuzz_replay_USES) $$(fuzz_$$*_USES)))
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(LDFLAGS) $(filter %.o,$^) $(call libs,$(fuzz_$*_LIBS)) -o $@

# Each kind of test runs through tests/run.py, which shows failures and counts.
# RESULTS=DIR keeps the counts for `make check`; LABEL is put behind the kind's name.
RESULTS ?= $(BUILD)/results
LABEL   ?=
run      = RESULTS='$(RESULTS)' LABEL='$(LABEL)' DNSFLIP_BUILD='$(abspath $(BUILD))' tests/run.py

for-scripts = MAKE='$(MAKE)' JOBS='$(jobs)' COVER_BUILD='$(call beside,cover)' \
              RESULTS='$(abspath $(call beside,results))'

test:                      ## unit, simulated and golden tests, kept inputs of fuzzing: seconds
	@$(MAKE) --no-print-directory $(jobs) programs test-programs
	@$(MAKE) --no-print-directory -k -j1 unit sim golden replay

unit: $(if $(T),$(BUILD)/tests/unit/test_$(T),$(UNIT))
	@$(run) tap unit $^

sim: $(SIM)
	@$(run) tap sim $(if $(SIM),'$(SIM) $(wildcard tests/sim/*.scn)')

golden: $(GOLDEN)
	@$(run) tap golden $(GOLDEN)

integration: programs $(if $(T),$(BUILD)/tests/integration/test_$(T),$(INTEGRATION))
	@$(run) tap integration $(filter-out programs,$^)

replay:                    ## every kept input of the fuzz targets once, or of F=name: seconds
	@$(MAKE) --no-print-directory $(jobs) replay-programs
	@$(run) tap replay $(foreach f,$(or $(F),$(FUZZ)),'$(BUILD)/tests/fuzz/replay_$(f) \
	 tests/fuzz/corpus/$(f) tests/fuzz/regressions/$(f)')

e2e: programs $(E2E_HELPERS) $(VENV)/ready
	@$(run) pytest e2e $(VENV)/bin/python tests/e2e $(if $(T),-k '$(T)') \
	 $(if $(WITHOUT),-k 'not ($(WITHOUT))')

power-cut: programs $(E2E_HELPERS) $(VENV)/ready  ## start on every disk that a power cut can leave: minutes (check: a sample)
	@POWER_CUT_ALL=1 WORKERS=0 $(run) pytest e2e $(VENV)/bin/python tests/e2e -k power_cut -s

kill-everywhere: programs $(VENV)/ready  ## kill the judge at every system call of a flip: some ten minutes (check: a sample)
	@KILL_EVERY=1 WORKERS=0 $(run) pytest e2e $(VENV)/bin/python tests/e2e -k whatever_call -s

allocations: programs $(VENV)/ready  ## fail every allocation of a start, a flip and a reload in turn: half an hour (check: a sample)
	@ALLOCATION_EVERY=1 WORKERS=0 $(run) pytest e2e $(VENV)/bin/python tests/e2e -k test_allocation -s

soak: programs $(VENV)/ready  ## 100 flips, 20 reloads, 5 upgrades and deaths under load: a minute (check: a short one)
	@SOAK=full WORKERS=0 $(run) pytest e2e $(VENV)/bin/python tests/e2e -k deaths_under_load -s

tsan:                      ## the threads under ThreadSanitizer: pairs, flips and sockets change while others ask
	+@$(for-scripts) TSAN_BUILD='$(call beside,tsan)' tests/tsan.sh

check: deps                ## everything: builds, all tests, sanitizers, lint, coverage; ends in counts
	+@$(for-scripts) STRICT_BUILD='$(call beside,check)' SAN_BUILD='$(call beside,san)' \
	 TSAN_BUILD='$(call beside,tsan)' tests/check.sh

lint:                      ## layers, banned calls, sizes, docs, headers, clang-tidy, shellcheck, man pages, format
	@LINT_CACHE='$(call beside,lint)' WARN='$(WARN)' $(run) steps lint $(wildcard tests/lint/*.sh)

FORMATTED = $(shell find dnsflip probes policies tests -name '*.[ch]')
fmt:                       ## format every C file in place
	@$(if $(FORMATTED),clang-format-14 -i $(FORMATTED))

fmt-check:                 ## fail if a C file is not formatted
	@$(if $(FORMATTED),clang-format-14 --dry-run -Werror $(FORMATTED))

bench: deps                ## measure, side by side with peers
	@$(MAKE) --no-print-directory $(jobs) programs bench-programs
	@DNSFLIP_BUILD='$(abspath $(BUILD))' tests/bench/run.sh

bench-programs: $(BENCH)

cover:                     ## line coverage of policies/ and of all C (COVER_STRICT=1 fails below the floor)
	+@$(for-scripts) tests/cover.sh

# clang has libFuzzer; a cache in front of the compiler stays in front of it.
fuzz-mode = MODE=fuzz BUILD='$(call beside,fuzz)' CC='$(filter ccache,$(CC)) clang-14'
fuzz: deps                 ## every fuzz target for T=60 CPU seconds, or F=name alone
	@$(MAKE) --no-print-directory $(jobs) $(fuzz-mode) fuzz-programs
	@tests/fuzz/run.py run '$(call beside,fuzz)' $(or $(T),60) $(or $(F),$(FUZZ))

fuzz-corpus: deps          ## take what fuzzing found into tests/fuzz/corpus, as few inputs as reach all of it
	@$(MAKE) --no-print-directory $(jobs) $(fuzz-mode) fuzz-programs
	@tests/fuzz/run.py keep '$(call beside,fuzz)' $(or $(F),$(FUZZ))

replay-programs: $(if $(F),$(addprefix $(BUILD)/tests/fuzz/replay_,$(F)),$(REPLAYS))

fuzz-programs: $(if $(F),$(addprefix $(BUILD)/tests/fuzz/fuzz_,$(F)),$(FUZZERS))

demo: all                  ## two small clusters on loopback: one dies, 240 hostnames move
	@DNSFLIP_BUILD='$(abspath $(BUILD))' dnsflip/lab/demo.sh

share = $(DESTDIR)$(PREFIX)/share
lib   = $(DESTDIR)$(PREFIX)/lib
INSTALLED = $(addprefix $(DESTDIR)$(PREFIX)/sbin/,dnsflip dnsflip-face) \
            $(patsubst dnsflip/man/%,$(share)/man/man8/%,$(wildcard dnsflip/man/*.8)) \
            $(patsubst dnsflip/man/%,$(share)/man/man5/%,$(wildcard dnsflip/man/*.5)) \
            $(share)/bash-completion/completions/dnsflip $(share)/zsh/site-functions/_dnsflip \
            $(lib)/systemd/system/dnsflip.service $(lib)/sysusers.d/dnsflip.conf \
            $(lib)/tmpfiles.d/dnsflip.conf
install: all               ## install to DESTDIR, PREFIX
	install -d $(DESTDIR)$(PREFIX)/sbin $(share)/man/man8 $(share)/man/man5 \
	  $(share)/doc/dnsflip/conf $(share)/bash-completion/completions $(share)/zsh/site-functions
	install -m 755 $(BUILD)/dnsflip $(BUILD)/dnsflip-face $(DESTDIR)$(PREFIX)/sbin
	$(foreach f,$(wildcard dnsflip/man/*.8),install -m 644 $(f) $(share)/man/man8 &&) true
	$(foreach f,$(wildcard dnsflip/man/*.5),install -m 644 $(f) $(share)/man/man5 &&) true
	cp -R conf/. $(share)/doc/dnsflip/conf
	cd $(share)/doc/dnsflip/conf && rm dnsflip.service sysusers.conf tmpfiles.conf
	install -d $(lib)/systemd/system $(lib)/sysusers.d $(lib)/tmpfiles.d
	sed 's|@PREFIX@|$(PREFIX)|g' conf/dnsflip.service | \
	  install -m 644 /dev/stdin $(lib)/systemd/system/dnsflip.service
	install -m 644 conf/sysusers.conf $(lib)/sysusers.d/dnsflip.conf
	install -m 644 conf/tmpfiles.conf $(lib)/tmpfiles.d/dnsflip.conf
	$(BUILD)/dnsflip completion bash >$(share)/bash-completion/completions/dnsflip
	$(BUILD)/dnsflip completion zsh >$(share)/zsh/site-functions/_dnsflip

uninstall:                 ## remove what install put there; configuration, journal and users stay
	rm -f $(INSTALLED)
	rm -rf $(share)/doc/dnsflip

dist:                      ## build/dnsflip-VERSION.tar.gz from the last commit
	@mkdir -p build
	git archive --prefix=dnsflip-$(VERSION)/ -o build/dnsflip-$(VERSION).tar.gz HEAD
	@echo build/dnsflip-$(VERSION).tar.gz

clean:                     ## remove everything that was built; the venv and unpacked peers stay
	rm -rf $(BUILD) $(filter-out $(addprefix build/,venv peers fresh),$(wildcard build/*))

help:                      ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "%-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
