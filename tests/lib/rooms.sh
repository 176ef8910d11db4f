# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2034 # read by who sources this
#
# The machines that the programs of tests/kselftest are made for: which devices there
# are, which modules have to be built, and what comes first in the guest. Sourced after
# common.sh. The programs rely on it (tests/kselftest/*fixture.h).

EDU=edu,dma_mask=0xffffffffffffff

# Groups 0-2 behind instance 0, 3 and 4 behind 1, 5 behind 2, 6 behind 3. Group 7
# are two devices and their bridge behind instance 0; those of group 8 disagree.
INSTANCES=(10.0=0 11.0=0 12.0=0 13.0=1 14.0=1 15.0=2 16.0=3 1c.0=0 1d.0=0)
BEHIND=(01:01.0=0 01:02.0=0 02:01.0=0 02:02.0=1)

# Four devices in groups of their own, and two that share one: behind a bridge, as
# one requester to the IOMMU, or as functions of one device. QEMU's other IOMMU
# models do not know the devices behind a bridge, Linux's SMMUv3 driver refuses them.
# plain_devices [bridge|functions]
plain_devices() {
	printf '%s\n' --edu 4
	case ${1:-} in
	bridge)
		printf '%s\n' --expect-bound 6 \
			--device pcie-pci-bridge,id=pair,bus=pcie.0,addr=0x1c \
			--device "$EDU,bus=pair,addr=1" --device "$EDU,bus=pair,addr=2"
		;;
	functions)
		printf '%s\n' --expect-bound 6 \
			--device "$EDU,addr=0x1c.0,multifunction=on" --device "$EDU,addr=0x1c.1"
		;;
	esac
}

# What the kernel says of a memory block that is not to go offline, and 6.1 of a node
# without a CPU.
HARMLESS='page dumped because: (unmovable page|migration failure)'
HARMLESS+='|WARNING: workqueue cpumask: online intersect > possible intersect'

# A machine with what is rare: a BAR of 256 MiB, a device that can be reset and sleeps,
# two memory nodes, persistent memory, memory beyond what the kernel is told of, RAM disks,
# and huge pages whose struct pages are freed; beside plain_devices.
sequences_machine() {
	local word
	printf '%s\n' --mem 2560M --expect-bound 8 --bind 1b36:0005 --bind 8086:10d3 \
		--device pci-testdev,membar=256M,addr=0x14 --device e1000e,addr=0x15
	for word in mem=2304M 'memmap=64M!512M' numa=fake=2 secretmem.enable=1 \
		hugetlb_free_vmemmap=on; do
		printf '%s\n' --cmdline "$word"
	done
	for word in brd nd_e820 nd_pmem ext4; do
		printf '%s\n' --kmod "$word"
	done
	printf '%s\n' --env VIB_BEYOND=0x90000000 --harmless "$HARMLESS"
}

# Devices that tests/mock/guest-setup puts behind mock IOMMUs.
mock_devices() {
	local i bus
	printf '%s\n' --iommu none --expect-bound 0
	for ((i = 16; i < 23; i++)); do
		printf '%s\n' --device "edu,addr=$(printf '0x%x' $i)"
	done
	for bus in c d; do
		printf '%s\n' --device "pcie-pci-bridge,id=$bus,bus=pcie.0,addr=0x1$bus" \
			--device "edu,bus=$bus,addr=1" --device "edu,bus=$bus,addr=2"
	done
}

# All of them, in the form that the mock's parameter has.
mock_map() {
	local list=("${INSTANCES[@]/#/0000:00:}" "${BEHIND[@]/#/0000:}")
	(IFS=, && echo "${list[*]}")
}

# is_mdev MOCK.ko: are the emulated devices of this kernel mediated ones (up to 5.15)?
is_mdev() {
	modinfo -F depends "$1" | grep -q -w mdev
}
