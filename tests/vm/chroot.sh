# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Running a command in a Debian root, and copying one. Sourced after common.sh.
# Invariant: every mount lives in a mount namespace of its own, so that nothing
# is left mounted whatever happens to the command, kill -9 included.

# in_root ROOT [-b HOSTDIR:DIR]... [-u] cmd...: /proc is mounted, HOSTDIR seen
# at DIR; as root, or with -u as the caller.
in_root() {
	local root=$1 mounts=() user=()
	shift
	while :; do
		case $1 in
		-b) mounts+=("$2") && shift 2 ;;
		-u) user=("--userspec=$(id -u):$(id -g)") && shift ;;
		*) break ;;
		esac
	done
	# shellcheck disable=SC2016 # for the inner shell
	as_root unshare --mount --propagation private -- env -i \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive http_proxy="${http_proxy:-}" \
		https_proxy="${https_proxy:-}" \
		/bin/bash -euc '
			root=$1 n=$2; shift 2
			mount --bind "$root" "$root" # as a host has it: it may have roots of its own
			mount -t proc proc "$root/proc"
			while [ "$n" -gt 0 ]; do
				mkdir -p "$root${1#*:}"
				mount --bind "${1%%:*}" "$root${1#*:}"
				shift; n=$((n - 1))
			done
			exec chroot "$@"' in_root \
		"$root" "${#mounts[@]}" "${mounts[@]}" "${user[@]}" "$root" "$@"
}

# copy_root FROM TO: a root of tests/vm/buildroot, while nothing is being installed in it.
copy_root() {
	with_lock "root-$(basename "$(dirname "$1")")" as_root cp -a --reflink=auto "$1" "$2"
}

# copy_lean_root FROM TO: the same into a directory, without kernels and their headers.
copy_lean_root() {
	with_lock "root-$(basename "$(dirname "$1")")" pipe_root "$1" "$2"
}

pipe_root() {
	as_root tar -C "$1" --one-file-system --exclude=./usr/src --exclude=./usr/lib/modules -c . |
		as_root tar -C "$2" -x
}
