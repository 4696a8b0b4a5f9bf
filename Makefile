# SPDX-License-Identifier: GPL-2.0-only
#
# The human's targets: `make help`. The module's own list of objects is Kbuild.

KDIR	?= /lib/modules/$(shell uname -r)/build
PREFIX	?= /usr/local
DESTDIR	?=
KERNELS	?= 6.1 6.12

LAB	:= selftests/qemu
ZC_LAB	?= $(CURDIR)/build/lab
KSFT_SRC := $(ZC_LAB)/ksft/tools/testing/selftests
# What is built for a guest is waited for; others say -j themselves.
JOBS	:= -j$(shell nproc)
USER_LIBS := libkmod json-c liburing libnl-genl-3.0
export ZC_LAB KERNELS

# Of the kernel in KDIR. "make kernelrelease" of Debian's 6.1 headers says something else.
RELEASE	= $(shell sed -nE 's/.*UTS_RELEASE "(.*)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null)

ALL_TOPICS := $(shell sed -n 's/^TOPICS.*?= //p' selftests/Makefile)
# Some take programs of a topic, too, as fault:nomem, or @MACHINE behind it.
FOLDERS := $(sort $(foreach t,$(TOPICS),$(firstword $(subst :, ,$(subst @, ,$t)))))
ifneq ($(filter-out $(ALL_TOPICS),$(FOLDERS)),)
$(error no topic '$(filter-out $(ALL_TOPICS),$(FOLDERS))'; there are: $(ALL_TOPICS))
endif

.PHONY: all help modules modules_install user kselftest check check-debug \
	check-kcsan check-sanitized check-all coverage bench tlb soak fuzz demo style static htmldocs \
	netlink install uninstall dkms-install dkms-remove dkms-uninstall deb rpm check-packages \
	deps clean distclean

all:
	@if pkg-config --exists $(USER_LIBS) 2>/dev/null; then \
		$(MAKE) --no-print-directory user; \
	else \
		echo "zcctl and libzc are not built: 'make deps' installs what they need"; \
	fi
	@$(MAKE) --no-print-directory modules

help:
	@echo 'On this machine:'
	@echo '  make             ./zc.ko for the running kernel (or KDIR=…), zcctl and libzc'
	@echo '  make modules     the module alone'
	@echo '  make user        zcctl and libzc alone, in build/user (STATIC=1: one static zcctl,'
	@echo '                   in build/user-static)'
	@echo '  make install     all of it, below DESTDIR: the module in /lib/modules/K/updates,'
	@echo '                   the rest in PREFIX ($(PREFIX)); uninstall takes it back'
	@echo '  make dkms-install  instead: have dkms build the module, now and for later'
	@echo '                   kernels; dkms-uninstall takes it back'
	@echo '  make deb         packages for Debian, in build/deb; make rpm: RPMs, in build/rpm'
	@echo '  make deps        install the packages that these, check and demo need; others do so'
	@echo '                   themselves'
	@echo 'In QEMU, without risk to this machine; each installs what it needs:'
	@echo '  make demo        a real file from hugepage buffers to real TCP clients'
	@echo '  make check       the selftests; KERNELS="$(KERNELS)" TOPICS="abi buffer …"'
	@echo '                   KERNEL=bzImage [KDIR=…] [MODULES=…]: on a kernel of your own'
	@echo '  make check-debug the selftests with KASAN, lockdep and kmemleak'
	@echo '  make check-kcsan the selftests with KCSAN, which looks for data races'
	@echo '  make check-sanitized the selftests of zcctl and libzc with AddressSanitizer and UBSan'
	@echo '  make coverage    how much of the module the selftests run, by gcov; 20 minutes;'
	@echo '                   TOPICS="abi dma@iommu fault:nomem …" LEAST=percent ADD=1'
	@echo '  make check-packages  packages: built, installed, with Secure Boot, upgraded, purged'
	@echo '  make check-all   check, check-debug and check-kcsan with all that takes long, on'
	@echo '                   7.3 too, check-sanitized, tlb, check-packages and static'
	@echo '  make bench       guest instructions per MiB, zc beside the usual ways'
	@echo '  make tlb         misses of the TLB, by a model of one, of a buffer and of other memory'
	@echo '  make soak        30 minutes of mixed load, and a look at what is left; SECONDS=N,'
	@echo '                   KERNELS="6.12"'
	@echo '  make fuzz        the module called at random, with KASAN: 10 million times, which'
	@echo '                   take 1.5 to 4 hours; CALLS=N SEED=N SECONDS_EACH=N KERNELS="debug 6.12"'
	@echo '  make modules-K   the module for kernel K (6.1, 6.12, 7.3, debug, kcsan, gcov), in'
	@echo '                   build/module-K'
	@echo 'For contributors:'
	@echo '  make style       checkpatch, sparse, shellcheck, kernel-doc, the report in a browser …'
	@echo '  make static      Coccinelle, the analyzers of gcc and clang, valgrind; five minutes or ten'
	@echo '  make htmldocs    the documentation as pages, by Sphinx, in build/htmldocs'
	@echo '  make netlink     generate code and header of Documentation/netlink/specs/zc.yaml'
	@echo '  make kselftest   build and install the selftests in build/kselftest'
	@echo '  make clean       remove what was built; distclean: the downloads too'

modules:
	@test -e $(KDIR)/Makefile || { \
		echo "zc.ko is not built: $(KDIR) holds no kernel headers."; \
		echo "  for a kernel of Debian:  apt-get install linux-headers-$$(uname -r)"; \
		echo "  of your own, or another: make KDIR=…, where it was built, or its headers are"; \
		echo "  in QEMU, without any:    make demo"; \
		echo "  zcctl and libzc alone:   make -C user install"; \
		exit 1; } >&2
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

modules_install:
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) \
		INSTALL_MOD_DIR=updates modules_install
	@# Debian's headers have no System.map, without which depmod is left out.
	@test -n "$(DESTDIR)" || depmod -a "$(RELEASE)"

modules-%:
	@$(LAB)/deps.sh $(if $(filter debug kcsan gcov,$*),debug,check)
	@$(LAB)/module.sh $*

user:
	$(MAKE) -C user

kselftest:
	@$(LAB)/ksft.sh
	@rm -rf build/kselftest
	@$(MAKE) --no-print-directory -s -C selftests install \
		KSFT_SRC=$(KSFT_SRC) INSTALL_PATH=$(CURDIR)/build/kselftest \
		$(if $(TOPICS),TOPICS="$(FOLDERS)")

# What a guest is given. Quiet, so that a report stands alone.
.PHONY: guest-files
guest-files:
	@$(MAKE) --no-print-directory -s $(JOBS) user
	@$(MAKE) --no-print-directory -s $(JOBS) user STATIC=1
	@$(MAKE) --no-print-directory -s $(JOBS) kselftest

check:
	@$(LAB)/deps.sh check
	@$(MAKE) --no-print-directory -s guest-files
	@$(LAB)/check.sh

check-debug:
	@$(LAB)/deps.sh debug
	@$(MAKE) --no-print-directory -s guest-files
	@KERNELS=debug $(LAB)/check.sh

check-kcsan:
	@$(LAB)/deps.sh debug
	@$(MAKE) --no-print-directory -s guest-files
	@KERNELS=kcsan $(LAB)/check.sh

# Of programs in user space: AddressSanitizer and UBSan with the module at work
check-sanitized:
	@$(LAB)/deps.sh check
	@$(MAKE) --no-print-directory -s guest-files
	@$(MAKE) --no-print-directory -s $(JOBS) user SANITIZE=1
	@SANITIZE=y KERNELS=6.12 TOPICS="$(or $(TOPICS),adopt zcctl)" $(LAB)/check.sh

check-all:
	@$(LAB)/deps.sh debug
	@$(MAKE) --no-print-directory -s guest-files
	@ZC_LONG= KERNELS="$(KERNELS) $(filter-out $(KERNELS),7.3) debug kcsan" $(LAB)/check.sh || \
		failed=y; \
	$(MAKE) --no-print-directory -k -j1 check-sanitized tlb check-packages static && \
		test -z "$$failed"

coverage:
	@$(LAB)/deps.sh debug
	@$(MAKE) --no-print-directory -s guest-files
	@$(LAB)/coverage.sh

check-packages:
	@packaging/check.sh

deb rpm: %:
	@packaging/$*.sh

demo:
	@$(LAB)/deps.sh demo
	@$(MAKE) --no-print-directory -s $(JOBS) user
	@$(LAB)/demo.sh

bench:
	@$(LAB)/deps.sh check
	@$(MAKE) --no-print-directory -s $(JOBS) user
	@$(LAB)/bench.sh

tlb:
	@$(LAB)/deps.sh check
	@$(MAKE) --no-print-directory -s $(JOBS) user
	@$(LAB)/tlb.sh

# SECONDS= of the command line alone: a shell may have it in its environment.
soak: export ZC_SOAK = $(if $(filter command line,$(origin SECONDS)),$(SECONDS),1800)
soak:
	@$(LAB)/deps.sh check
	@$(MAKE) --no-print-directory -s guest-files
	@KERNELS="$(if $(filter file,$(origin KERNELS)),6.12,$(KERNELS))" $(LAB)/soak.sh

fuzz:
	@$(LAB)/deps.sh debug
	@$(MAKE) --no-print-directory -s guest-files
	@KERNELS="$(if $(filter file,$(origin KERNELS)),debug,$(KERNELS))" $(LAB)/fuzz.sh

static:
	@$(LAB)/deps.sh static
	@$(LAB)/static.sh

style:
	@$(LAB)/deps.sh style browser
	@$(LAB)/style.sh

htmldocs:
	@$(LAB)/deps.sh style
	@$(LAB)/ksft.sh
	@ZC_KERNEL_DOC=$(ZC_LAB)/ksft sphinx-build -q -W --keep-going -d build/doctrees \
		-b html Documentation build/htmldocs
	@echo build/htmldocs/index.html

netlink:
	@$(LAB)/deps.sh style
	@$(LAB)/ynl.sh

install: modules user modules_install
	$(MAKE) -C user install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)

# As install was called: of the same kernel, the same DESTDIR and PREFIX.
uninstall:
	$(MAKE) -C user uninstall DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
	@set -e; test -e $(KDIR)/Makefile || { \
		echo "$(KDIR) holds no kernel headers: remove /lib/modules/*/updates/zc.ko* by hand"; \
		exit 1; } >&2; \
	rm -fv "$(DESTDIR)/lib/modules/$(RELEASE)/updates/zc.ko"*; \
	test -n "$(DESTDIR)" || depmod -a "$(RELEASE)"

dkms-install dkms-remove: dkms-%:
	@packaging/dkms.sh $*

dkms-uninstall: dkms-remove

deps:
	@$(LAB)/deps.sh all

# By hand rather than with the headers' own clean target, as these may be gone.
clean:
	rm -rf build/module-* build/coverage build/tlb* build/user* build/kselftest* build/run build/style
	rm -f kmod/*.o kmod/.*.cmd zc.ko zc.o zc.mod* .*.cmd .module-common.o
	rm -f Module.symvers modules.order

distclean: clean
	rm -rf build
