# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2054 # read by tests/vm/run; QEMU's commas
#
# The emulated machine: what QEMU and the guest kernel are told that depends on
# the architecture and on the IOMMU. Sourced by tests/vm/run, after archive.sh.
# Invariant: whatever the machine, the console is the first serial port, what the
# guest reports goes through /dev/ttyS1, and marks for the trace through /dev/ttyS2.

# Sets MACHINE (QEMU and what it emulates), PORTS, EMULATOR, and what choose_iommu sets.
# Reads KERNEL, EMULATOR, THREAD, IOMMU, IOMMU_OPTIONS, SCALABLE, INTREMAP and TRACES.
choose_machine() {
	ARCH=$(arch_of "$KERNEL")
	# Free pages hold a pattern that is looked at when they are used again: the only
	# check that sees what a device wrote.
	[[ $KERNEL != *-debug* ]] || CMDLINE+=" page_poison=1"
	"machine_$ARCH"
	choose_emulator
	choose_iommu
}

# Until 8.1 QEMU's translator may take code that another CPU is just writing, and keep it: a
# kernel that patches itself (a tracepoint, a jump label) while its CPUs run in parallel dies
# at an int3 that is gone, or waits for ever. Other guests run on the machine's own QEMU.
need_qemu() {
	need_packages "$QEMU_PACKAGE"
	if [ "$THREAD" = multi ] && [ -z "$EMULATOR" ] &&
		dpkg --compare-versions "$(dpkg-query -W -f '${Version}' "$QEMU_PACKAGE")" lt 1:8.1; then
		EMULATOR=trixie-backports
	fi
}

choose_emulator() {
	local words
	need_qemu
	[ -n "$EMULATOR" ] || return 0
	words=$("$VIB_TOP/tests/vm/emulator" "$EMULATOR:${MACHINE[0]#qemu-system-}")
	mapfile -t words <<<"$words"
	MACHINE=("${words[@]}" "${MACHINE[@]:1}")
}

# With ERMS the kernel clears and copies byte by byte, which TCG does as if it were written so: of
# a guest's time it takes a third. What counts instructions has what its figures were taken with.
machine_amd64() {
	QEMU_PACKAGE=qemu-system-x86
	if [ -z "$CPU" ]; then
		CPU=max$([ -n "$ICOUNT" ] || echo ,-erms,-fsrm)
	fi
	MACHINE=(qemu-system-x86_64 -M q35,kernel-irqchip=split -cpu "$CPU")
	PORTS=(-serial chardev:results)
	[ ${#TRACES[@]} -eq 0 ] || PORTS+=(-serial chardev:marks)
	CMDLINE="console=ttyS0 no_timer_check$CMDLINE"
	IOMMU=${IOMMU:-intel}
}

# The board has one serial port; the others are a PCI card's, which begins at ttyS0.
machine_arm64() {
	QEMU_PACKAGE=qemu-system-arm
	IOMMU=${IOMMU:-smmuv3}
	MACHINE=(qemu-system-aarch64 -cpu max,pauth-impdef=on
		-M "virt,gic-version=3$([ "$IOMMU" != smmuv3 ] || echo ,iommu=smmuv3)")
	PORTS=(-chardev null,id=unused -device
		"pci-serial-4x,addr=0x1e,chardev1=unused,chardev2=results$(
		[ ${#TRACES[@]} -eq 0 ] || echo ,chardev3=marks)")
	CMDLINE="console=ttyAMA0$CMDLINE"
}

# Sets QEMU's IOMMU arguments, the kernel's, and what the guest has to load. The kernel's
# come first: of two iommu= the later counts, and a run may give its own.
choose_iommu() {
	IOMMU_MODULES='' UNSAFE='' IOMMU_ARGS=()
	case $ARCH-$IOMMU in
	amd64-intel)
		# In the machine's own QEMU, 7.2, it is an experiment and named so.
		[ -n "$EMULATOR" ] || SCALABLE=${SCALABLE/#,/,x-}
		IOMMU_ARGS=(-device "intel-iommu,intremap=$INTREMAP$SCALABLE$IOMMU_OPTIONS")
		CMDLINE="intel_iommu=on${SCALABLE:+,sm_on} iommu=nopt $CMDLINE"
		;;
	amd64-amd) # QEMU 7.2's has no interrupt remapping that the newest kernels take
		IOMMU_ARGS=(-device amd-iommu)
		CMDLINE="amd_iommu=on iommu=nopt $CMDLINE"
		UNSAFE=allow_unsafe_interrupts=1
		;;
	*-virtio)
		IOMMU_ARGS=(-device virtio-iommu-pci)
		CMDLINE="iommu=nopt $CMDLINE"
		IOMMU_MODULES="virtio_pci virtio_iommu"
		UNSAFE=allow_unsafe_interrupts=1
		;;
	arm64-smmuv3) ;; # the board's
	*-none) ;;
	*) die "no IOMMU $IOMMU on $ARCH, see tests/vm/run --help" ;;
	esac
}
