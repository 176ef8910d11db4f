# SPDX-License-Identifier: GPL-2.0-only
#
# The door for a person: each target is one line that calls the room which does
# the work. Building the module needs the kernel's headers and nothing of tests/.

KDIR ?= /lib/modules/$(shell uname -r)/build
PREFIX ?= /usr/local
# Not kernel.release: Debian's headers up to 6.1 have the upstream version there.
KVER = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)".*/\1/p' $(KDIR)/include/generated/utsrelease.h)
UPDATES = $(INSTALL_MOD_PATH)/lib/modules/$(KVER)/updates
HEADER := vfio_iommu_batch.h
VERSION = $(shell sed -n 's/^MODULE_VERSION("\(.*\)");/\1/p' module/main.c)
# Has the module loaded with the stock backend, and after it. A file of the same name in
# /etc/modprobe.d would hide it, and vfio_iommu_batch.conf is the user's.
MODPROBE_DIR ?= /lib/modprobe.d
MODPROBE = $(DESTDIR)$(MODPROBE_DIR)/vfio_iommu_batch-softdep.conf
# Name and version as dkms writes them; its source directory has a dash instead.
DKMS = vfio-iommu-batch/$(VERSION)
DKMS_SOURCE = $(DESTDIR)/usr/src/$(subst /,-,$(DKMS))
# Where make deb leaves the package.
DEB_DIR ?= module/dkms
# What goes with the module, whoever builds it.
INSTALL_EXTRAS = install -D -m 644 -t $(DESTDIR)$(PREFIX)/include/linux include/uapi/linux/$(HEADER) && \
	install -D -m 644 module/dkms/modprobe.conf $(MODPROBE) && \
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/sbin tools/vfio-batch && \
	install -D -m 644 -t $(TOOL_PARTS) tools/*.sh tools/*.awk && \
	install -D -m 644 -t $(TOOL_PARTS)/check tools/check/*.[ch] && \
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 tools/vfio-batch.8
EXTRAS = $(DESTDIR)$(PREFIX)/include/linux/$(HEADER) $(MODPROBE) $(DESTDIR)$(PREFIX)/sbin/vfio-batch \
	$(TOOL_PARTS) $(DESTDIR)$(PREFIX)/share/man/man8/vfio-batch.8
# Where vfio-batch looks for its parts, from the directory that it is in.
TOOL_PARTS = $(DESTDIR)$(PREFIX)/share/vfio-iommu-batch
# Kernels that DKMS has this version for, and those with a module of make install.
DKMS_KERNELS = $(shell dkms status $(DKMS) 2>/dev/null | sed -n 's/.*, \([^,]*\), [^,]*: installed.*/\1/p')
PLAIN_MODULES = $(wildcard /lib/modules/*/updates/vfio_iommu_batch.ko)
# The host that it is for is this one, not a tree for another.
HOST = $(if $(DESTDIR)$(INSTALL_MOD_PATH),@:,module/dkms/host)

.PHONY: module install uninstall dkms-files dkms-install dkms-remove deb clean help
.PHONY: demo test test-all test-unit test-abi test-debug test-dkms test-vm lint bench soak mutants support-table

module: headers
	$(MAKE) -C $(KDIR) M=$(CURDIR)/module modules

.PHONY: headers
headers:
	@test -e $(KDIR)/Makefile || { \
		echo "No kernel headers in $(KDIR)."; \
		echo "On Debian: apt install linux-headers-$$(uname -r);" \
			"for another kernel: make KDIR=<its build directory>."; \
		exit 1; } >&2

install: module
	install -D -m 644 -t $(UPDATES) module/vfio_iommu_batch.ko
	$(INSTALL_EXTRAS)
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(KVER)
	$(HOST) installed $(KVER)

# What a DKMS package uses, too, stays while there is one.
uninstall: headers
	rm -f $(UPDATES)/vfio_iommu_batch.ko
	@if [ -n "$(wildcard $(DESTDIR)/usr/src/vfio-iommu-batch-*)" ]; then \
		echo "DKMS has the module, too: keeping $(EXTRAS)"; \
	else \
		rm -rf $(EXTRAS); \
	fi
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(KVER)
	$(HOST) removed $(KVER)

# What DKMS builds from, without what an earlier build left in it; and what goes with the module.
dkms-files:
	rm -rf $(DKMS_SOURCE)
	install -d $(DKMS_SOURCE)
	cp -r dkms.conf Makefile LICENSE include module $(DKMS_SOURCE)/
	$(MAKE) -s -C $(DKMS_SOURCE) clean
	$(INSTALL_EXTRAS)

# Again over the same version: for every kernel that had it; until the new one is built, the old stays.
dkms-install: headers
	@command -v dkms >/dev/null || bash -euc '. tests/lib/common.sh; need_packages dkms'
	$(MAKE) -s dkms-files
	set -e; for kernel in $(sort $(KVER) $(DKMS_KERNELS)); do \
		dkms build --force $(DKMS) -k $$kernel; \
		dkms install --force $(DKMS) -k $$kernel; \
		module/dkms/host installed $$kernel; \
	done

dkms-remove: KERNELS := $(DKMS_KERNELS)
dkms-remove:
	dkms remove $(DKMS) --all
	rm -rf $(DKMS_SOURCE)
	@if [ -n "$(PLAIN_MODULES)" ]; then \
		echo "make install has left $(PLAIN_MODULES): keeping $(EXTRAS)"; \
	else \
		rm -rf $(EXTRAS); \
	fi
	module/dkms/host removed $(KERNELS)

deb:
	module/dkms/deb $(VERSION) $(DEB_DIR)

test:
	tests/run-all

test-all:
	tests/run-all all

test-unit:
	tests/unit/run

lint:
	tests/lint/lint

test-debug:
	tests/run-all debug

test-dkms:
	tests/dkms/run

test-abi:
	tests/abi/run

demo:
	tests/demo/demo

bench:
	tests/bench/bench

support-table:
	tests/lint/support --take

test-vm:
	tests/run-all build smoke

OPS ?= 1000000
test-differential:
	set -e; for kernel in $$(tests/vm/matrix main); do \
		tests/differential/run $$kernel --ops $(OPS) $(if $(SEED),--seed $(SEED)); done

soak:
	set -e; for kernel in $$(tests/vm/matrix main); do \
		tests/soak/run $$kernel --long $(if $(SEED),--seed $(SEED)); done

mutants:
	tests/mutants/run

clean:
	find module $(wildcard tests) \( -name '*.o' -o -name '*.o.d' -o -name '*.ko' -o -name '*.mod' \
		-o -name '*.mod.c' -o -name '.*.cmd' -o -name Module.symvers \
		-o -name modules.order -o -name .module-common.c \) -delete
	rm -rf tests/out module/compat/facts.h module/guard/layout module/guard/layout.checked module/guard/vmlinux \
		module/dkms/reason.h module/dkms/build.log module/dkms/*.deb

help:
	@sed -n 's/^#: //p' Makefile

#: make               build module/vfio_iommu_batch.ko for the running kernel
#: make KDIR=DIR      the same for the kernel whose build directory is DIR
#: make install       put it in /lib/modules/.../updates, and the header for its
#:                    clients in PREFIX/include/linux (PREFIX=/usr/local)
#: make uninstall     take both away again
#: make dkms-install  register with DKMS: rebuilt whenever a kernel arrives
#: make dkms-remove   take it out of DKMS
#: make deb           a package for Debian and Ubuntu that does what dkms-install
#:                    does: module/dkms/vfio-iommu-batch-dkms_*.deb
#: make demo          unmodified clients do real DMA through our backend: minutes
#: make test          everything; stock Debian kernels are fetched and booted
#: make test-all      the same, more of it on each kernel, and test-dkms
#: make test-unit     the arithmetic, in user space: seconds
#: make lint          is each line in its room and in style: seconds
#: make test-abi      is our mirror of the VFIO core's table right on each kernel?
#: make test-debug    all of it on a kernel with KASAN, lockdep, kmemleak and faults
#:                    injected, which it builds: an hour
#: make test-dkms     a kernel upgrade with apt and dkms, in a Debian root: minutes
#: make bench         what operations cost, beside vfio_iommu_type1: minutes
#: make test-vm       build for, and boot, each kernel; a few tests in each
#: make test-differential [OPS=N] [SEED=N]  random operations on type1 and on
#:                    ours side by side: OPS=1000000, which takes an hour
#: make soak [SEED=N] races, stale DMA and 10,000,000 hostile calls on each
#:                    kernel: hours; make test has minutes of it
#: make mutants       plants mistakes in the module, one at a time: does a test find
#:                    each? up to an hour
#: make support-table   put the results of the last runs into README.md and tests/README.md
#: make clean         remove what was built; downloads stay in the cache
#:                    (VIB_CACHE, default ~/.cache/vfio-iommu-batch)
