# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# vfio-batch check BDF: does this module do on this machine's IOMMU what type1 does,
# and at what cost? The device's group is put into containers of both backends, but
# no device is opened and nothing is written to one: that is done by the program in
# check/, which is built here with the host's compiler. For an NVMe drive, blocks that
# the host's driver read are read again through this module by qemu-img, which resets
# the controller and sets up queues, as each driver does, and only reads. Prints a
# report that can be sent in. Sourced by vfio-batch.

# shellcheck source=tools/host.sh
. "$PARTS/host.sh"

PCI=$ROOT/sys/bus/pci
PARAMETERS=$ROOT/sys/module/$MODULE/parameters
MIB_TIMED=64
BLOCK_MIB=4
# A drive that loses an interrupt would keep qemu-img for ever; the environment may say another number.
READ_SECONDS=${READ_SECONDS:-60}

driver_of() {
	link=$(readlink "$PCI/devices/$1/driver") || return 0
	printf '%s\n' "${link##*/}"
}

# The devices of the group; a bridge needs no driver of VFIO.
group_devices() {
	ls "$ROOT/sys/kernel/iommu_groups/$1/devices"
}

is_bridge() {
	case $(cat "$PCI/devices/$1/class") in
	0x0604*) return 0 ;;
	esac
	return 1
}

# What the host would lose: a file system, swap, an array or a network on it.
in_use_by() {
	for node in "$PCI/devices/$1"/nvme/*/nvme*n* "$PCI/devices/$1"/block/* \
		"$PCI/devices/$1"/host*/target*/*/block/*; do
		[ -e "$node" ] || continue
		disk=${node##*/}
		grep -o -E "^/dev/${disk}[^ ]* [^ ]*" "$ROOT/proc/mounts" || true
		grep -o -E "^/dev/${disk}[^ ]*" "$ROOT/proc/swaps" || true
		for holder in "$ROOT/sys/class/block/$disk"/holders/* "$ROOT/sys/class/block/$disk"*p*/holders/*; do
			[ ! -e "$holder" ] || printf '%s\n' "${holder##*/}"
		done
	done
	for link in "$PCI/devices/$1"/net/*/operstate; do
		[ -e "$link" ] || continue
		! grep -q up "$link" || printf 'network %s\n' "$(basename "$(dirname "$link")")"
	done
}

# Hands a device to a driver, or with "" to none.
bind_to() {
	now=$(driver_of "$1")
	[ "$now" != "$2" ] || return 0
	[ -z "$now" ] || echo "$1" >"$PCI/devices/$1/driver/unbind"
	printf '%s\n' "$2" >"$PCI/devices/$1/driver_override"
	[ -z "$2" ] || echo "$1" >"$PCI/drivers_probe"
}

# Everything is put back as it was, whatever ends this.
restore() {
	trap '' INT TERM
	for pair in $BOUND; do
		bind_to "${pair%=*}" "${pair#*=}" || say "cannot give ${pair%=*} back to ${pair#*=}"
		printf '\n' >"$PCI/devices/${pair%=*}/driver_override" || true
	done
	if [ -n "$CLAIMED" ]; then
		echo N >"$PARAMETERS/claim_type1"
		printf '\n' >"$PARAMETERS/claim_only"
	fi
	rm -rf "$TMP"
}

bind_group() {
	for device in $(group_devices "$GROUP"); do
		! is_bridge "$device" || continue
		was=$(driver_of "$device")
		[ "$was" != vfio-pci ] || continue
		[ -z "$was" ] || [ -n "$BIND" ] ||
			give_up "$device is driven by $was: --bind takes it away from there for the time of the check"
		users=$(in_use_by "$device")
		[ -z "$users" ] || give_up "$device is in use: $users"
		BOUND="$BOUND $device=$was"
	done
	for pair in $BOUND; do
		bind_to "${pair%=*}" vfio-pci
		[ "$(driver_of "${pair%=*}")" = vfio-pci ] ||
			give_up "vfio-pci does not take ${pair%=*}: modprobe vfio-pci, and see dmesg"
	done
}

# The program that speaks to VFIO: one that is there, or built now.
build() {
	CHECK=$PARTS/check-vfio
	[ ! -x "$CHECK" ] || return 0
	CHECK=$TMP/check-vfio
	for compiler in ${CC:-cc gcc clang}; do
		if command -v "$compiler" >/dev/null 2>&1; then
			"$compiler" -O2 -std=gnu11 -D_GNU_SOURCE -o "$CHECK" "$PARTS"/check/*.c ||
				give_up "the compiler does not build $PARTS/check: are libc6-dev and linux-libc-dev installed?"
			return 0
		fi
	done
	give_up "no compiler to build $PARTS/check with: apt install gcc libc6-dev"
}

# Type1's ids reach type1 unless all are claimed, which is not ours to change; ours are
# reached by its own id, and by type1's if nobody is claimed: then we claim ourselves.
choose_modes() {
	MODES="batch:0x5642"
	if [ "$(parameter $MODULE claim_type1)" != Y ]; then
		MODES="type1:1 type1v2:3 $MODES"
	elif [ -n "$(parameter $MODULE claim_only)" ]; then
		MODES="type1:1 type1v2:3 $MODES"
	else
		say "claim_type1=Y claims everybody, so type1 cannot be reached to compare with;" \
			"with claim_only it could"
	fi
}

# A second run under type1's ids with this program claimed, and nobody else.
run_claimed() {
	[ "$(parameter $MODULE claim_type1)" != Y ] || return 0
	[ -e "$PARAMETERS/claim_only" ] || return 0
	[ -z "$(parameter $MODULE claim_only)" ] || return 0
	CLAIMED=1
	# In this order nobody else is ever claimed: the name is that of a copy.
	echo "vfbchk-$$" >"$PARAMETERS/claim_only"
	echo Y >"$PARAMETERS/claim_type1"
	cp "$CHECK" "$TMP/vfbchk-$$"
	"$TMP/vfbchk-$$" "$GROUP" $MIB_TIMED claimed_v1:1 claimed_v2:3 || true
	echo N >"$PARAMETERS/claim_type1"
	printf '\n' >"$PARAMETERS/claim_only"
	CLAIMED=''
}

# The first namespace of an NVMe drive, as the host's driver calls it.
namespace_of() {
	for node in "$PCI/devices/$1"/nvme/*/nvme*n1; do
		[ ! -e "$node" ] || printf '/dev/%s\n' "${node##*/}"
	done | head -n 1
}

# Of BLOCK_MIB at each offset; COMMAND... gets the offset in MiB appended.
checksums() {
	for offset in $OFFSETS; do
		printf '%s %s\n' "$offset" "$("$@" "$offset" | sha256sum | cut -d' ' -f1)"
	done
}

read_host() {
	# Not from the page cache, where dd can do that.
	dd if="$NODE" bs=1M skip="$1" count=$BLOCK_MIB iflag=direct 2>/dev/null ||
		dd if="$NODE" bs=1M skip="$1" count=$BLOCK_MIB 2>/dev/null
}

# read_failed STATUS, of timeout
read_failed() {
	cat "$TMP/qemu-img" >&2
	case $1 in
	124 | 143)
		say "qemu-img has waited for the drive in vain; one that QEMU emulates may lose interrupts"
		;;
	esac
	rm -f "$TMP/blocks"
}

read_vfio() {
	rm -f "$TMP/blocks"
	timeout "$READ_SECONDS" qemu-img convert -O raw --image-opts \
		"driver=raw,offset=$(($1 << 20)),size=$((BLOCK_MIB << 20)),file.driver=nvme,file.device=$BDF,file.namespace=1" \
		"$TMP/blocks" 2>"$TMP/qemu-img" || read_failed $?
	cat "$TMP/blocks" 2>/dev/null || true
}

# Before the drive is taken from the host.
read_before() {
	NODE='' NVME=''
	case $(cat "$PCI/devices/$BDF/class") in
	0x010802*) ;;
	*) return 0 ;;
	esac
	NVME="skipped: it was not driven by the host's nvme driver"
	[ "$(driver_of "$BDF")" = nvme ] || return 0
	[ -n "$BIND" ] || return 0
	NVME="skipped: qemu-img is not installed (qemu-utils)"
	command -v qemu-img >/dev/null 2>&1 || return 0
	NODE=$(namespace_of "$BDF")
	NVME="skipped: the module is too old to claim qemu-img alone"
	[ -e "$PARAMETERS/claim_only" ] || return 0
	NVME="skipped: claim_only gives qemu-img to type1"
	case $(parameter $MODULE claim_type1),$(parameter $MODULE claim_only), in
	N,* | Y,, | Y,*,qemu-img,* | Y,qemu-img,*) ;;
	*) return 0 ;;
	esac
	NVME="skipped: it has no namespace"
	[ -n "$NODE" ] || return 0
	mib=$(($(cat "$ROOT/sys/class/block/${NODE##*/}/size") / 2048))
	NVME="skipped: it is smaller than $((3 * BLOCK_MIB)) MiB"
	[ "$mib" -ge $((3 * BLOCK_MIB)) ] || return 0
	# The beginning, the middle and the end.
	OFFSETS="0 $((mib / 2)) $((mib - BLOCK_MIB))"
	checksums read_host >"$TMP/before"
}

# qemu-img asks for type id 1: claimed by its name if nobody else is claimed.
read_after() {
	[ -s "$TMP/before" ] || return 0
	if [ "$(parameter $MODULE claim_type1)" != Y ] && [ -z "$(parameter $MODULE claim_only)" ]; then
		CLAIMED=1
		echo qemu-img >"$PARAMETERS/claim_only"
		echo Y >"$PARAMETERS/claim_type1"
	fi
	checksums read_vfio >"$TMP/after"
	if [ -n "$CLAIMED" ]; then
		echo N >"$PARAMETERS/claim_type1"
		printf '\n' >"$PARAMETERS/claim_only"
		CLAIMED=''
	fi
	if cmp -s "$TMP/before" "$TMP/after"; then
		NVME="same: 3 times $BLOCK_MIB MiB are what the host had read"
	else
		NVME="DIFFERENT: blocks read through nvme:// are not what the host had read"
	fi
}

# Machine, kernel and modes, as somebody who reads the report has to know them.
describe() {
	printf 'vfio-batch check of %s, %s\n' "$BDF" "$(date -u +%Y-%m-%d)"
	printf 'device: %s:%s class %s, group %s of %s device(s)\n' "$(cat "$PCI/devices/$BDF/vendor")" \
		"$(cat "$PCI/devices/$BDF/device")" "$(cat "$PCI/devices/$BDF/class")" "$GROUP" \
		"$(group_devices "$GROUP" | wc -l)"
	printf 'kernel: %s %s\n' "$(cat "$ROOT/proc/sys/kernel/osrelease")" "$(uname -m)"
	printf 'cpu: %s\n' "$(sed -n 's/^model name[^:]*: //p' "$ROOT/proc/cpuinfo" | head -n 1)"
	printf 'module: %s, srcversion %s\n' "$(sys_version)" \
		"$(cat "$ROOT/sys/module/$MODULE/srcversion" 2>/dev/null || echo unknown)"
	printf 'iommu: %s; default domain of the group: %s\n' "$(iommu_names)" \
		"$(cat "$ROOT/sys/kernel/iommu_groups/$GROUP/type" 2>/dev/null || echo unknown)"
	printf 'boot options: %s\n' "$(tr ' ' '\n' <"$ROOT/proc/cmdline" |
		grep -i -E 'iommu|intremap|dmar|smmu|vfio|preempt' | tr '\n' ' ')"
	printf 'reserved: %s\n' "$(tr '\n' ';' <"$ROOT/sys/kernel/iommu_groups/$GROUP/reserved_regions")"
}

main() {
	shift
	BDF='' BIND='' BOUND='' CLAIMED='' NVME=''
	while [ $# -gt 0 ]; do
		case $1 in
		--bind) BIND=1 ;;
		--mib)
			MIB_TIMED=${2:-}
			case $MIB_TIMED in
			'' | 0* | *[!0-9]*) give_up "--mib needs a number" ;;
			esac
			shift
			;;
		-*) give_up "check knows no $1, see vfio-batch --help" ;;
		*) BDF=$1 ;;
		esac
		shift
	done
	[ -n "$BDF" ] || give_up "check which device? Its address is like 0000:03:00.0"
	[ -e "$PCI/devices/$BDF" ] || give_up "there is no PCI device $BDF"
	need_module
	[ "$(id -u)" -eq 0 ] || give_up "root has to do this"
	group=$(readlink "$PCI/devices/$BDF/iommu_group") || give_up "$BDF is behind no IOMMU"
	GROUP=${group##*/}
	TMP=$(mktemp -d)
	trap restore EXIT
	trap 'exit 3' INT TERM
	build
	read_before
	bind_group
	choose_modes
	describe
	# shellcheck disable=SC2086 # a list
	"$CHECK" "$GROUP" $MIB_TIMED $MODES >"$TMP/results" || true
	run_claimed >>"$TMP/results"
	read_after
	[ -z "$NVME" ] || printf '%s\n' "nvme: $NVME"
	awk -v nvme="$NVME" -f "$PARTS/check.awk" "$TMP/results" || exit 1
}
