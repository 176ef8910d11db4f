# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# vfio-batch doctor: everything known to go wrong with this module on a host, each
# with what to do. Reads files alone, all of them below ROOT, and changes nothing;
# what cannot be read is said, not passed over. Each check is one function that tells
# what it found by ok, warn or bad; what they share of kernels, modules and images is
# in host.sh. Sourced by vfio-batch.

# shellcheck source=tools/host.sh
. "$PARTS/host.sh"

WORST=0

# ok|note|warn|bad WHAT... [-- FIX...]: one line, and one with what to do.
tell() {
	level=$1 text='' fix=''
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		text="$text $1"
		shift
	done
	[ $# -eq 0 ] || shift
	fix=$*
	case $level in
	warn) [ $WORST -ge 1 ] || WORST=1 ;;
	bad) WORST=2 ;;
	ok | note) [ -z "$QUIET" ] || return 0 ;;
	esac
	printf '%-5s%s\n' "$level" "$text"
	[ -z "$fix" ] || printf '       fix: %s\n' "$fix"
}

check_loaded() {
	if [ -d "$ROOT/sys/module/$MODULE" ]; then
		tell ok "$MODULE $(sys_version) is loaded"
		return
	fi
	reason=$(refusal_of "$(module_file "$RUNNING")")
	if [ -n "$reason" ]; then
		tell bad "$MODULE cannot be loaded, it was not built for $RUNNING: $reason"
	elif [ -n "$(module_file "$RUNNING")" ]; then
		tell bad "$MODULE is not loaded" -- "modprobe $MODULE"
	else
		tell bad "$MODULE is not loaded, and not there for kernel $RUNNING" -- \
			"apt install linux-headers-$RUNNING, then: dkms autoinstall -k $RUNNING (or make install)"
	fi
}

check_running_version() {
	running=$(cat "$ROOT/sys/module/$MODULE/srcversion" 2>/dev/null) || return 0
	file=$(module_file "$RUNNING")
	if [ -z "$file" ]; then
		tell warn "the loaded $MODULE $(sys_version) is not installed for $RUNNING: it is gone after a reboot"
		return
	fi
	installed=$(modinfo_of "$file" srcversion)
	if [ -z "$installed" ]; then
		tell note "the version of $file cannot be read"
	elif [ "$installed" != "$running" ]; then
		tell warn "another build ($(sys_version)) is running than the installed one ($(modinfo_of "$file" version))" -- \
			"end its users, then: modprobe -r $MODULE && modprobe $MODULE; or reboot"
	else
		tell ok "the running build is the installed one"
	fi
}

# An initramfs that has type1 takes ours along, and keeps it through an upgrade.
check_initramfs() {
	image=$(image_of "$1")
	[ -n "$image" ] || return 0
	if ! list_image "$image" >"$TMP/list" 2>/dev/null || [ ! -s "$TMP/list" ]; then
		tell note "$image cannot be looked into (lsinitramfs, lsinitrd or lsinitcpio)"
		return
	fi
	ours=$(sed -n "s|^\\(.*/$MODULE\\.ko[.a-z]*\\)\$|\\1|p" "$TMP/list" | sed 's/.* //' | head -n 1)
	if [ -z "$ours" ]; then
		grep -q '/vfio_iommu_type1\.ko' "$TMP/list" || return 0
		tell warn "$image loads vfio_iommu_type1 without $MODULE" -- "$(remake_image "$1" "$image")"
		return
	fi
	inside=$(modinfo_in_image "$image" "$ours" srcversion)
	installed=$(modinfo_of "$(module_file "$1")" srcversion)
	if [ -z "$inside" ] || [ -z "$installed" ]; then
		tell note "$image has $MODULE, of a version that cannot be read"
	elif [ "$inside" != "$installed" ]; then
		tell warn "$image has an old $MODULE ($(modinfo_in_image "$image" "$ours" version)), which the next boot loads" -- \
			"$(remake_image "$1" "$image")"
	else
		tell ok "$image has the installed $MODULE"
	fi
	changed=$(newer_config "$image")
	[ -z "$changed" ] ||
		tell warn "$image was made before $changed was written, so parameters in it do not count" -- \
			"$(remake_image "$1" "$image")"
}

# The core asks the backend that registered last first; /proc/modules has the latest
# first, too.
check_order() {
	[ -d "$ROOT/sys/module/$MODULE" ] || return 0
	first=$(sed -n -E "s/^($MODULE|vfio_iommu_type1) .*/\\1/p" "$ROOT/proc/modules" 2>/dev/null | head -n 1)
	if [ "$(parameter $MODULE claim_type1)" != Y ]; then
		tell note "claim_type1=N: only clients that know its own type id get this backend" -- \
			"echo Y >/sys/module/$MODULE/parameters/claim_type1, and options $MODULE claim_type1=1 in /etc/modprobe.d"
		[ -z "$(parameter $MODULE claim_only)" ] ||
			tell warn "claim_only=$(parameter $MODULE claim_only) has no effect while claim_type1=N" -- \
				"echo Y >/sys/module/$MODULE/parameters/claim_type1"
	elif [ "$first" = vfio_iommu_type1 ]; then
		tell bad "vfio_iommu_type1 was loaded after $MODULE, so type1's clients get it first" -- \
			"end the users of both, then: modprobe -r $MODULE && modprobe $MODULE"
	else
		tell ok "type1's clients are offered this backend first$(only_words)"
	fi
}

only_words() {
	only=$(parameter $MODULE claim_only)
	[ -z "$only" ] || printf ', those that are named %s' "$only"
}

# modprobe takes the first softdep of a module only.
check_softdep() {
	line=$(first_softdep vfio_iommu_type1)
	if [ -z "$line" ]; then
		tell warn "nothing has modprobe load $MODULE with vfio_iommu_type1" -- \
			"install the module with its modprobe.d file (make install, dkms-install, or the package)"
	elif printf '%s\n' "$line" | sed 's/.*post://' | tr -- - _ | grep -q -w $MODULE; then
		tell ok "modprobe loads $MODULE after vfio_iommu_type1"
	else
		tell bad "${line%%:*} hides the softdep that loads $MODULE with vfio_iommu_type1: modprobe takes the first" -- \
			"add 'post: $MODULE' to the softdep in ${line%%:*}"
	fi
}

# Parameters of type1 that were set, and have no effect on containers of ours.
check_parameters() {
	[ "$(parameter $MODULE claim_type1)" = Y ] || return 0
	for name in allow_unsafe_interrupts:N disable_hugepages:N dma_entry_limit:65535; do
		default=${name#*:} name=${name%:*}
		theirs=$(parameter vfio_iommu_type1 "$name")
		ours=$(parameter $MODULE "$name")
		if [ -n "$theirs" ] && [ "$theirs" != "$default" ] && [ "$theirs" != "$ours" ]; then
			tell warn "vfio_iommu_type1 has $name=$theirs, which has no effect here, where it is $ours" -- \
				"echo $theirs >/sys/module/$MODULE/parameters/$name, and options $MODULE $name=$theirs in /etc/modprobe.d"
		fi
	done
}

check_iommu() {
	if ! ls "$ROOT"/sys/kernel/iommu_groups/* >/dev/null 2>&1; then
		tell bad "the kernel uses no IOMMU" -- \
			"switch VT-d or AMD-Vi on in the firmware; on Intel, boot with intel_iommu=on"
		return
	fi
	tell ok "IOMMU: $(iommu_names)"
	interrupts=$ROOT/proc/interrupts
	if ! grep -q -s 'IO-APIC' "$interrupts"; then
		return 0 # not a PC
	elif grep -q 'IR-' "$interrupts"; then
		tell ok "interrupts are remapped"
	elif [ "$(parameter $MODULE allow_unsafe_interrupts)" = Y ]; then
		tell warn "no interrupt remapping, and allow_unsafe_interrupts=1: a client can send any interrupt" -- \
			"switch it on in the firmware; remove intremap=off from the command line"
	else
		tell bad "no interrupt remapping, so no group can be attached" -- \
			"switch it on in the firmware (x2APIC, interrupt remapping), remove intremap=off from the command line; or allow_unsafe_interrupts=1"
	fi
}

# A kernel in lockdown wants a signature by a key that it knows.
check_signature() {
	grep -q -s '\[\(integrity\|confidentiality\)\]' "$ROOT/sys/kernel/security/lockdown" ||
		secure_boot || return 0
	file=$(module_file "$RUNNING")
	[ -n "$file" ] || return 0
	if ! is_signed "$file"; then
		tell bad "Secure Boot: $file is not signed, so it cannot be loaded" -- \
			"let DKMS sign it, or sign it as docs/operating.md says"
	elif [ -d "$ROOT/sys/module/$MODULE" ]; then
		tell ok "Secure Boot: the module is signed and was accepted"
	elif [ -e "$ROOT/var/lib/dkms/mok.pub" ] && ! key_enrolled "$ROOT/var/lib/dkms/mok.pub"; then
		tell bad "Secure Boot: the key of DKMS is not enrolled" -- \
			"mokutil --import /var/lib/dkms/mok.pub, reboot, and confirm in the blue menu"
	fi
}

# Every kernel that may be booted: is there a module, and can there be one?
check_kernel() {
	kernel=$1 next=''
	[ "$kernel" != "$NEWEST" ] || next=' (the newest one: it is booted next)'
	config=$ROOT/boot/config-$kernel
	if [ -e "$config" ] && ! has_container "$config"; then
		tell bad "kernel $kernel$next has no VFIO containers (CONFIG_VFIO_CONTAINER): no backend like this one can work" -- \
			"boot another kernel; clients of this one need iommufd"
		return
	fi
	file=$(module_file "$kernel")
	if [ -z "$file" ]; then
		tell warn "kernel $kernel$next has no $MODULE" -- \
			"apt install linux-headers-$kernel, then: dkms autoinstall -k $kernel"
	elif [ -n "$(refusal_of "$file")" ]; then
		tell warn "kernel $kernel$next is not supported: $(refusal_of "$file")"
	elif [ -n "$SOURCE" ] && [ -n "$(modinfo_of "$file" version)" ] &&
		[ "$(modinfo_of "$file" version)" != "$SOURCE" ]; then
		tell warn "kernel $kernel$next has $MODULE $(modinfo_of "$file" version), DKMS has $SOURCE" -- \
			"dkms install vfio-iommu-batch/$SOURCE -k $kernel"
	else
		tell ok "kernel $kernel$next has $MODULE $(modinfo_of "$file" version)"
	fi
}

# Who maps needs locked memory, and mostly more than the 8 MiB of a default.
check_memlock() {
	for limits in "$ROOT"/proc/[0-9]*/limits; do
		dir=${limits%/limits}
		name=$(cat "$dir/comm" 2>/dev/null) || continue
		case $name in
		qemu-system-* | cloud-hyper* | crosvm* | dpdk-* | spdk_* | vpp_main | nvmf_tgt) ;;
		*) continue ;;
		esac
		soft=$(sed -n 's/^Max locked memory *\([0-9a-z]*\).*/\1/p' "$limits" 2>/dev/null)
		[ -n "$soft" ] && [ "$soft" != unlimited ] || continue
		used=$(sed -n 's/^VmLck:[^0-9]*\([0-9]*\) kB/\1/p' "$dir/status" 2>/dev/null)
		# CAP_IPC_LOCK is bit 14: no limit holds.
		! has_ipc_lock "$dir/status" || continue
		if [ $((${used:-0} * 1024 * 10)) -ge $((soft * 9)) ]; then
			tell bad "${name}[${dir##*/}] has locked ${used:-0} of the $((soft / 1024)) KiB that it may lock" -- \
				"raise RLIMIT_MEMLOCK: prlimit --memlock=unlimited --pid ${dir##*/}, LimitMEMLOCK= or limits.conf"
		elif [ "$soft" -le 8388608 ]; then
			tell warn "${name}[${dir##*/}] may lock $((soft / 1024)) KiB only: mapping more fails with ENOMEM" -- \
				"raise RLIMIT_MEMLOCK: LimitMEMLOCK=infinity in its unit, or ulimit -l"
		fi
	done
}

# libvirt raises the limit of a VM with devices by itself, as far as its own allows.
check_libvirt() {
	for unit in libvirtd virtqemud; do
		file=$(unit_file $unit.service)
		[ -n "$file" ] || continue
		value=$(unit_value $unit.service LimitMEMLOCK)
		case $value in
		'' | infinity) tell ok "$unit: LimitMEMLOCK=${value:-not set}" ;;
		*)
			if grep -q -s '^[[:space:]]*CapabilityBoundingSet=' "$file" &&
				! grep -q 'CAP_SYS_RESOURCE' "$file"; then
				tell warn "$unit has LimitMEMLOCK=$value and may not raise it for a VM" -- \
					"systemctl edit $unit: [Service] LimitMEMLOCK=infinity"
			else
				tell ok "$unit: LimitMEMLOCK=$value, which it raises for a VM with devices"
			fi
			;;
		esac
	done
}

main() {
	shift
	QUIET=''
	case ${1:-} in
	--quiet) QUIET=1 ;;
	'') ;;
	*) give_up "doctor knows no $1, see vfio-batch --help" ;;
	esac
	RUNNING=$(cat "$ROOT/proc/sys/kernel/osrelease" 2>/dev/null) ||
		give_up "no $ROOT/proc/sys/kernel/osrelease: which kernel runs?"
	TMP=$(mktemp -d)
	trap 'rm -rf "$TMP"' EXIT
	NEWEST=$(kernels | tail -n 1) SOURCE=$(dkms_version)
	check_loaded
	check_running_version
	check_order
	check_softdep
	check_parameters
	check_iommu
	check_signature
	for kernel in $(kernels); do
		check_kernel "$kernel"
		check_initramfs "$kernel"
	done
	check_memlock
	check_libvirt
	[ $WORST -ne 0 ] || tell ok "nothing is wrong"
	exit $WORST
}
