# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What a guest boots into: cpio archives, concatenated. The layers that only
# depend on the kernel (busybox, the stock modules) are cached; the layer of a run
# (init, our module, the programs with their libraries) is written each time.
# Sourced after common.sh and archive.sh. Knows nothing of QEMU.

# Stock modules every guest carries, with their dependencies. A name that a
# kernel does not have (vfio_virqfd went away, virtio_iommu came later, some are
# built in) is left out: the guest says what it could not load.
# shellcheck disable=SC2034 # read by tests/vm/run
GUEST_MODULES="vfio vfio_iommu_type1 vfio-pci vfio_virqfd irqbypass vfio_mdev
	nvme virtio_pci virtio_iommu fuse crc32c_generic"

pack() {
	(cd "$1" && find . -mindepth 1 -print0 |
		LC_ALL=C sort -z | cpio --null -o -H newc -R 0:0 --quiet)
}

# busybox_cpio ARCH: prints the file of the layer with busybox; guest-init has it
# make its links.
busybox_cpio() {
	local file=$VIB_CACHE/initramfs/busybox-static-$1.cpio
	if [ ! -f "$file" ]; then
		with_lock "busybox-$1" make_busybox_cpio "$1" "$file"
	fi
	printf '%s\n' "$file"
}

make_busybox_cpio() {
	local work=$2.dir
	[ ! -f "$2" ] || return 0
	rm -rf "$work"
	mkdir -p "$work/deb" "$work/tree/bin" "$work/tree/sbin" "$work/tree/etc"
	suite_update bookworm "$1" || die "no Debian bookworm index for busybox-static"
	suite_download bookworm "$1" "$work/deb" busybox-static
	dpkg-deb -x "$work"/deb/*.deb "$work/deb"
	install -m 755 "$(find "$work/deb" -path '*bin/busybox' | head -n 1)" \
		"$work/tree/bin/busybox"
	ln -s busybox "$work/tree/bin/sh"
	echo 'root:x:0:0:root:/t:/bin/sh' >"$work/tree/etc/passwd"
	echo 'nobody:x:65534:65534:nobody:/:/bin/sh' >>"$work/tree/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$work/tree/etc/group"
	pack "$work/tree" >"$2.new"
	mv "$2.new" "$2"
	rm -rf "$work"
}

# modules_cpio KERNELDIR name...: the layer with those stock modules (those that
# exist), what they depend on, and indexes for modprobe.
modules_cpio() {
	local kver key file
	kver=$(cat "$1/version")
	key=$(printf '%s ' "$kver" "${@:2}" | cksum | cut -d' ' -f1)
	file=$VIB_CACHE/initramfs/modules-$kver-$key.cpio
	if [ ! -f "$file" ]; then
		with_lock "modules-$kver-$key" make_modules_cpio "$1" "$kver" "$file" \
			"${@:2}"
	fi
	printf '%s\n' "$file"
}

# Paths under lib/modules/KVER of the modules and all they need.
module_paths() {
	local root=$1 kver=$2 name
	shift 2
	for name; do
		modprobe -d "$root" -S "$kver" --show-depends "$name" 2>/dev/null |
			sed -n "s|^insmod .*/lib/modules/$kver/||p" | sed 's/ .*//' || true
	done | sort -u
}

unpack_module() {
	case $1 in
	*.xz) xz -dc "$1" >"$2" ;;
	*.zst) zstd -q -dc "$1" >"$2" ;;
	*) cp "$1" "$2" ;;
	esac
}

make_modules_cpio() {
	local kernel=$1 kver=$2 file=$3 work=$3.dir from to path
	shift 3
	[ ! -f "$file" ] || return 0
	rm -rf "$work"
	from=$kernel/root/lib/modules/$kver
	to=$work/lib/modules/$kver
	mkdir -p "$to"
	module_paths "$kernel/root" "$kver" "$@" | while read -r path; do
		mkdir -p "$to/${path%/*}"
		unpack_module "$from/$path" "$to/${path%.ko*}.ko"
	done
	cp "$from"/modules.{builtin,builtin.modinfo,order} "$to/"
	depmod -b "$work" "$kver"
	pack "$work" >"$file.new"
	mv "$file.new" "$file"
	rm -rf "$work"
}

# add_program TREE HOSTFILE GUESTPATH: with the shared libraries it needs.
add_program() {
	local lib
	mkdir -p "$1$(dirname "$3")"
	cp -rL "$2" "$1$3"
	[ -f "$2" ] || return 0
	# ldd fails on a static program, and grep where there is no library
	{ ldd "$2" 2>/dev/null | grep -o '/[^ ]*' || true; } | while read -r lib; do
		if [ -e "$lib" ] && [ ! -e "$1$lib" ]; then
			mkdir -p "$1$(dirname "$lib")"
			cp -L "$lib" "$1$lib"
		fi
	done
}
