# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# What files of a host say of its kernels, modules, images and keys; all below ROOT.
# Prints answers, nothing when there is none; judges nothing. Sourced by doctor.sh and
# check.sh after vfio-batch.

sys_version() {
	cat "$ROOT/sys/module/$MODULE/version" 2>/dev/null || echo '(no version)'
}

# Kernels that have modules, the oldest first. What a removed kernel left has none.
kernels() {
	for dir in "$ROOT"/lib/modules/*/; do
		dir=${dir%/}
		if [ -d "$dir/kernel" ] || [ -e "$dir/modules.builtin" ]; then
			printf '%s\n' "${dir##*/}"
		fi
	done | sort -V
}

# The module file that modprobe takes for kernel $1: updates come before the rest.
module_file() {
	for dir in updates/dkms updates extra kernel/drivers/vfio; do
		for file in "$ROOT/lib/modules/$1/$dir/$MODULE".ko*; do
			if [ -e "$file" ]; then
				printf '%s\n' "$file"
				return
			fi
		done
	done
}

# A module file, unpacked.
unpacked() {
	case $1 in
	*.xz) xz -dc "$1" ;;
	*.zst) zstd -q -dc "$1" ;;
	*.gz) gzip -dc "$1" ;;
	*) cat "$1" ;;
	esac
}

# modinfo_of FILE KEY, without modinfo: it is a list of KEY=VALUE with zeroes between.
modinfo_of() {
	[ -n "$1" ] || return 0
	unpacked "$1" 2>/dev/null | tr '\000' '\n' | sed -n "s/^$2=//p" | head -n 1
}

# Why the file is only there to say that this kernel is not supported.
refusal_of() {
	modinfo_of "$1" description | sed -n 's/^Not built for this kernel: //p'
}

is_signed() {
	unpacked "$1" 2>/dev/null | tail -c 64 | grep -q -a 'Module signature appended'
}

# The version that DKMS builds.
dkms_version() {
	for dir in "$ROOT"/usr/src/vfio-iommu-batch-*/; do
		[ -d "$dir" ] || continue
		dir=${dir%/}
		printf '%s\n' "${dir##*/vfio-iommu-batch-}"
	done | sort -V | tail -n 1
}

image_of() {
	for image in "$ROOT/boot/initrd.img-$1" "$ROOT/boot/initramfs-$1.img" "$ROOT/boot/initrd-$1"; do
		if [ -e "$image" ]; then
			printf '%s\n' "$image"
			return
		fi
	done
}

list_image() {
	for lister in lsinitramfs lsinitrd lsinitcpio; do
		if command -v $lister >/dev/null 2>&1; then
			$lister "$1"
			return
		fi
	done
	return 1
}

# modinfo_in_image IMAGE PATH KEY: of the module there.
modinfo_in_image() {
	mkdir -p "$TMP/image"
	if command -v unmkinitramfs >/dev/null 2>&1; then
		unmkinitramfs "$1" "$TMP/image" 2>/dev/null || true
	elif command -v lsinitrd >/dev/null 2>&1; then
		lsinitrd -f "$2" "$1" >"$TMP/image/${2##*/}" 2>/dev/null || true
	elif command -v lsinitcpio >/dev/null 2>&1; then
		(cd "$TMP/image" && lsinitcpio -x "$1") >/dev/null 2>&1 || true
	fi
	modinfo_of "$(find "$TMP/image" -name "$MODULE.ko*" | head -n 1)" "$3"
	rm -rf "$TMP/image"
}

# The command that makes an image anew.
remake_image() {
	if [ -e "$ROOT/etc/initramfs-tools" ]; then
		echo "update-initramfs -u -k $1"
	elif [ -e "$ROOT/etc/dracut.conf.d" ] || [ -e "$ROOT/etc/dracut.conf" ]; then
		echo "dracut --force ${2#"$ROOT"} $1"
	elif [ -e "$ROOT/etc/mkinitcpio.conf" ]; then
		echo "mkinitcpio -P"
	else
		echo "make ${2#"$ROOT"} anew with the program that made it"
	fi
}

modprobe_files() {
	for dir in etc run usr/local/lib usr/lib lib; do
		for file in "$ROOT/$dir/modprobe.d"/*.conf; do
			[ -e "$file" ] || continue
			# The first of a name hides the others.
			case " $seen " in
			*" ${file##*/} "*) continue ;;
			esac
			seen="$seen ${file##*/}"
			printf '%s %s\n' "${file##*/}" "$file"
		done
	done | sort | cut -d' ' -f2-
}

# FILE:LINE of the first softdep of module $1 that modprobe reads.
first_softdep() {
	seen=''
	modprobe_files | while read -r file; do
		tr -- - _ <"$file" | grep -E "^[[:space:]]*softdep[[:space:]]+$1([[:space:]]|\$)" |
			head -n 1 | sed "s|^|$file:|"
	done | head -n 1
}

# A file with options of ours that is newer than image $1.
newer_config() {
	for file in "$ROOT"/etc/modprobe.d/*.conf; do
		[ -n "$(find "$file" -newer "$1" 2>/dev/null)" ] || continue
		if grep -q -E "^[[:space:]]*options[[:space:]]+${MODULE}[[:space:]]" "$file"; then
			printf '%s\n' "$file"
			return
		fi
	done
}

iommu_names() {
	names=$(ls "$ROOT/sys/class/iommu" 2>/dev/null | tr "\n" " ")
	names=${names% }
	printf "%s\n" "${names:-of a kind that has no name}"
}

secure_boot() {
	variable=$ROOT/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
	[ -r "$variable" ] && [ "$(od -An -tu1 -v "$variable" | tr -s ' \n' ' ' | sed 's/ *$//; s/.* //')" = 1 ]
}

hex_of() {
	od -An -v -tx1 "$1" | tr -d ' \n'
}

# Is the certificate $1 among those that the owner of the machine has confirmed?
key_enrolled() {
	list=$ROOT/sys/firmware/efi/efivars/MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23
	[ -r "$list" ] || return 1
	key=$(hex_of "$1")
	case $(hex_of "$list") in
	*"$key"*) return 0 ;;
	esac
	return 1
}

# Containers became an option in 6.2; before, VFIO had them.
has_container() {
	grep -q '^CONFIG_VFIO=[ym]' "$1" || return 1
	! grep -q '^# CONFIG_VFIO_CONTAINER is not set' "$1" || return 1
	! grep -q '^CONFIG_IOMMUFD_VFIO_CONTAINER=y' "$1"
}

has_ipc_lock() {
	caps=$(sed -n 's/^CapEff:[[:space:]]*//p' "$1" 2>/dev/null)
	[ -n "$caps" ] || return 1
	# The fourth digit from the right has bits 12 to 15.
	digit=$(printf '%s\n' "$caps" | sed 's/.*\(.\)...$/\1/')
	case $digit in
	[4567c-f]) return 0 ;;
	esac
	return 1
}

unit_file() {
	for dir in etc/systemd/system usr/lib/systemd/system lib/systemd/system; do
		if [ -e "$ROOT/$dir/$1" ]; then
			printf '%s\n' "$ROOT/$dir/$1"
			return
		fi
	done
}

# unit_value UNIT KEY: drop-ins come after the unit, and the last one counts.
unit_value() {
	cat "$(unit_file "$1")" "$ROOT/etc/systemd/system/$1.d"/*.conf 2>/dev/null |
		sed -n "s/^[[:space:]]*$2=//p" | tail -n 1
}
