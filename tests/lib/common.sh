# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What every test script needs: where things are, how to speak to the person
# watching, how to get a Debian package, how not to collide with a second copy.
# Sourced, never run. Knows nothing of kernels, guests or the module.
#
# Invariants: speech goes to stderr (stdout is for results a caller reads);
# nothing is written in the source tree outside VIB_OUT; a directory in
# VIB_CACHE that bears its final name is whole.

VIB_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
VIB_OUT=$VIB_TOP/tests/out
VIB_CACHE=${VIB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vfio-iommu-batch}
export VIB_TOP VIB_OUT VIB_CACHE

say() {
	printf '%s\n' "$*" >&2
}

# A line of progress, with the seconds since the script began.
step() {
	printf '[%3ds] %s\n' "$SECONDS" "$*" >&2
}

# Its exit status tells the callers up the line that the reason has been given.
die() {
	printf 'error: %s\n' "$*" >&2
	exit 99
}

# A command that fails where nothing expected it to is named, with its line.
unexpected() {
	[ "$1" -eq 99 ] ||
		printf 'failed: %s line %s: %s\n' "$0" "$2" "${3%%$'\n'*}" >&2
}
set -E
trap 'unexpected $? "$LINENO" "$BASH_COMMAND"' ERR

# Run as root: directly, or through sudo; says so where neither is possible.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root and there is no sudo: $*"
	fi
}

# with_lock NAME cmd...: one at a time per NAME among all copies of us that
# share the cache. cmd may be a function. Call it as a plain statement: behind
# `if` or `||` the shell would switch off errexit inside cmd.
with_lock() {
	local file=$VIB_CACHE/locks/$1.lock
	shift
	mkdir -p "$VIB_CACHE/locks"
	(
		if ! flock -n 9; then
			say "waiting for another run that holds $file"
			flock 9
		fi
		"$@" 9>&-
		: # keeps bash from exec'ing cmd, which would drop the lock
	) 9>"$file"
}

# of_tree NAME: a lock's name for what belongs to this tree, not to the cache.
of_tree() {
	printf '%s-%s\n' "$1" "$(cksum <<<"$VIB_OUT" | cut -d' ' -f1)"
}

package_missing() {
	local state
	state=$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) || return 0
	[ "$state" != installed ]
}

apt_install() {
	local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
	as_root "${apt[@]}" update >&2
	as_root "${apt[@]}" install -y --no-install-recommends "$@" >&2
}

# need_packages pkg...: installs the Debian packages that are missing.
need_packages() {
	local missing=() pkg
	command -v apt-get >/dev/null ||
		die "not a Debian system: install what Debian calls '$*' by hand"
	for pkg; do
		if package_missing "$pkg"; then
			missing+=("$pkg")
		fi
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	step "installing Debian packages: ${missing[*]}"
	with_lock apt apt_install "${missing[@]}"
}

# usage STATUS: what the head of the script says, from its name to what it owns.
usage() {
	awk 'NR > 3 { if (!/^#/ || /^# Owns/) exit; sub(/^# ?/, ""); print }' "$0"
	exit "$1"
}

# What a runner does with an option, by its name; anything else is left in RUN, for
# tests/vm/run:
#   [--only]=ONLY             ONLY gets the next word
#   [--no-build]=BUILD=       BUILD gets what is behind the =
#   [--no-type1]=TYPE1=+      the same, and with + it goes to RUN, too
#   [--long]=@go_long         a function is called
declare -A OPTIONS=()
RUN=()

# parse_options argument...
parse_options() {
	local how
	while [ $# -gt 0 ]; do
		how=${OPTIONS[$1]-}
		case $1 in
		-h | --help) usage 0 ;;
		esac
		case $how in
		'') RUN+=("$1") ;;
		@*) "${how#@}" ;;
		*=*)
			[[ $how != *+ ]] || RUN+=("$1")
			how=${how%+}
			printf -v "${how%%=*}" %s "${how#*=}"
			;;
		*)
			[ $# -ge 2 ] || die "$1 needs a value"
			printf -v "$how" %s "$2"
			shift
			;;
		esac
		shift
	done
}

# parse_series_and_options SERIES argument...: SERIES, and the rest.
# shellcheck disable=SC2034 # SERIES is for who sources this
parse_series_and_options() {
	[ $# -ge 1 ] || usage 1 >&2
	case $1 in
	-h | --help) usage 0 ;;
	esac
	SERIES=$1
	shift
	parse_options "$@"
}
