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

# What a kernel says of a memory block that is not to go offline, and 6.1 of a node
# without a CPU.
HARMLESS='page dumped because: (unmovable page|migration failure)'
HARMLESS+='|WARNING: workqueue cpumask: online intersect > possible intersect'

# A machine with what is rare: a BAR of 256 MiB, a device that can be reset and sleeps,
# two memory nodes, persistent memory, memory beyond what the kernel is told of, RAM disks,
# a graphics driver without hardware, and huge pages whose struct pages are freed; beside
# plain_devices. Without those on Debian's 6.12.118: its pool of such pages ends in "Bad page
# state" when it shrinks, with no VFIO loaded at all.
sequences_machine() {
	local word
	printf '%s\n' --mem 2560M --expect-bound 8 --bind 1b36:0005 --bind 8086:10d3 \
		--device pci-testdev,membar=256M,addr=0x14 --device e1000e,addr=0x15
	for word in mem=2304M 'memmap=64M!512M' numa=fake=2 secretmem.enable=1; do
		printf '%s\n' --cmdline "$word"
	done
	[[ $SERIES = 6.12* ]] || printf '%s\n' --cmdline hugetlb_free_vmemmap=on
	for word in brd nd_e820 nd_pmem ext4 vgem; do
		printf '%s\n' --kmod "$word"
	done
	printf '%s\n' --env VIB_BEYOND=0x90000000 --harmless "$HARMLESS"
}

# A machine with two pages of 1 GiB, and huge pages whose struct pages are freed (but see above);
# beside plain_devices.
hugetlb_machine() {
	local word
	printf '%s\n' --mem 5G
	for word in hugepagesz=1G hugepages=2; do
		printf '%s\n' --cmdline "$word"
	done
	[[ $SERIES = 6.12* ]] || printf '%s\n' --cmdline hugetlb_free_vmemmap=on
}

# A machine of two CPUs, three quarters of whose memory have to be moved before it may be
# pinned for long; beside plain_devices. "Call Trace" is what the OOM killer prints, which
# a test provokes; what the kernel says of a fault has other lines that count.
movable_machine() {
	printf '%s\n' --mem 1536M --smp 2 --parallel --cmdline kernelcore=384M \
		--harmless 'Call Trace:'
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

# Two devices are always there, on the root bus; for topology 62 more, behind root
# ports, eight to a slot. A port reserves no I/O space: there is not enough for all.
behind_ports() {
	local i port
	for ((i = 0; i < 62; i++)); do
		port=$(printf '0x%x.%d' $((4 + i / 8)) $((i % 8)))
		printf '%s\n' --device \
			"pcie-root-port,id=p$i,chassis=$((i + 1)),io-reserve=0,multifunction=on,addr=$port" \
			--device "$EDU,bus=p$i"
	done
	printf '%s\n' --expect-bound 67
}

# QEMU 7.2's amd-iommu knows bus numbers only from before the firmware gave them
# out: DMA from behind a port goes wrong, whoever maps. So 24 in all, on the root bus.
on_root_bus() {
	local i
	for i in {4..15} {18..27}; do
		printf '%s\n' --device "$EDU,addr=$(printf '0x%x' "$i")"
	done
	printf '%s\n' --expect-bound 27 --env VIB_GROUPS=24
}

# topology_devices IOMMU: many devices, and the chipset's functions, which are one group.
topology_devices() {
	printf '%s\n' --edu 2
	case $1 in
	amd) on_root_bus ;;
	*) behind_ports ;;
	esac
	printf '%s\n' --bind 8086:2918 --bind 8086:2922 --bind 8086:2930
}

# A device behind a port, which is taken away by QEMU's device_del.
plug_devices() {
	printf '%s\n' --device pcie-root-port,id=goes-port,chassis=1 \
		--device "$EDU,bus=goes-port,id=goes" --monitor \
		--env "VIB_PLUG=edu,bus=goes-port,dma_mask=0xffffffffffffff"
}

# Twenty devices on the root bus, one that goes, and two behind a bridge whose bus can be reset: the
# kernel waits for the second one, as it has power management, for a second.
fault_devices() {
	local i
	printf '%s\n' --edu 12
	for i in {4..11}; do
		printf '%s\n' --device "$EDU,addr=$(printf '0x%x' "$i")"
	done
	plug_devices
	printf '%s\n' --device pci-bridge,id=resets,bus=pcie.0,chassis_nr=2,shpc=off,addr=0x1c \
		--device "$EDU,bus=resets,addr=1" --device e1000e,bus=resets,addr=2 \
		--bind 8086:10d3 --expect-bound 23
}

# The module directories that a room needs, beside module.
room_dirs() {
	case $1 in
	mock) echo tests/mock/iommu ;;
	attach) echo tests/mock/attach ;;
	pause) echo tests/mock/pause ;;
	emulated) echo tests/mock/emulated ;;
	faults) printf '%s\n' tests/mock/iommu tests/mock/emulated ;;
	esac
}

# enter_room ROOM DIR: the options of tests/vm/run in ROOM, what comes first in the guest in
# FIRST, and what the programs are promised in PROMISES. The modules of room_dirs are in DIR.
# Reads SERIES, IOMMU, and of the plain room PAIR, see plain_devices.
enter_room() {
	local dir=$2
	ROOM=() FIRST=() PROMISES=()
	case $1 in
	plain)
		mapfile -t ROOM < <(plain_devices "$PAIR")
		PROMISES=(${PAIR:+pair})
		;;
	sequences)
		mapfile -t ROOM < <(plain_devices "$PAIR" && sequences_machine)
		PROMISES=(${PAIR:+pair} sequences)
		;;
	hugetlb)
		mapfile -t ROOM < <(plain_devices "$PAIR" && hugetlb_machine)
		PROMISES=(${PAIR:+pair} hugetlb)
		;;
	movable)
		mapfile -t ROOM < <(plain_devices "$PAIR" && movable_machine)
		PROMISES=(${PAIR:+pair} movable)
		;;
	parallel)
		mapfile -t ROOM < <(plain_devices "$PAIR")
		ROOM+=(--mem 2G --smp 2 --parallel) PROMISES=(${PAIR:+pair})
		;;
	nodes)
		enter_room parallel "$dir"
		ROOM+=(--cmdline numa=fake=2 --harmless "$HARMLESS")
		;;
	numa)
		mapfile -t ROOM < <(plain_devices "$PAIR")
		ROOM+=(--mem 2G --smp 4 --nodes 2 --parallel) PROMISES=(${PAIR:+pair})
		;;
	mock)
		mapfile -t ROOM < <(mock_devices)
		ROOM+=(--file "$dir/mock_iommu.ko:/t/mock_iommu.ko")
		FIRST=("$VIB_TOP/tests/mock/guest-setup $(mock_map)") PROMISES=(mock)
		;;
	emulated)
		ROOM=(--edu 2 --smp 2 --module "$dir/mock_emulated.ko") PROMISES=(emulated)
		# Up to 5.15 they are mediated devices, which a program in the guest makes.
		if modinfo -F depends "$dir/mock_emulated.ko" | grep -q -w mdev; then
			ROOM+=(--kmod vfio_mdev) FIRST=("$VIB_TOP/tests/mock/emulated/create-mdevs")
		fi
		;;
	faults)
		enter_room mock "$dir"
		ROOM+=(--module "$dir/mock_emulated.ko" --timeout 600)
		PROMISES+=(emulated faults)
		;;
	attach)
		mapfile -t ROOM < <(plain_devices "$PAIR")
		ROOM+=(--module "$dir/attach_probe.ko") PROMISES=(pair attach)
		;;
	pause)
		mapfile -t ROOM < <(plain_devices "$PAIR")
		ROOM+=(--smp 2 --module "$dir/gup_pause.ko") PROMISES=(pair pause)
		;;
	topology)
		mapfile -t ROOM < <(topology_devices "$IOMMU")
		PROMISES=(chipset many)
		;;
	hotplug) ROOM=(--edu 2) ;;
	machine-hotplug) mapfile -t ROOM < <(printf '%s\n' --edu 1 --expect-bound 2 && plug_devices) ;;
	bar-faults) mapfile -t ROOM < <(fault_devices) ;;
	*) die "no room $1: see tests/lib/rooms.sh" ;;
	esac
}
