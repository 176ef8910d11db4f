# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Debian's package archive, any suite and architecture, without touching the
# machine's own apt sources: each suite gets a private apt directory in the
# cache. apt itself checks the suite's signature against Debian's keyring, the
# index against the signature and every package against the index.
# Sourced after common.sh. Knows nothing of kernels.

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# A kernel is named by its series, one of another architecture than amd64 by
# that too, and so is one that is built in another way: 6.1, 6.1-arm64, 6.12-rt,
# 6.12-cloud, 6.12-arm64-16k (pages of 16 KiB).
series_of() {
	sed -E 's/-(arm64|arm64-16k|rt|cloud)$//' <<<"$1"
}

arch_of() {
	case $1 in
	*-arm64 | *-arm64-16k) echo arm64 ;;
	*) echo amd64 ;;
	esac
}

# What Debian calls it: the end of the names of its packages.
flavour_of() {
	case $1 in
	*-rt) echo rt-amd64 ;;
	*-cloud) echo cloud-amd64 ;;
	*-arm64-16k) echo arm64-16k ;;
	*) arch_of "$1" ;;
	esac
}

# page_kib_of KERNEL: its pages, in KiB.
page_kib_of() {
	case $1 in
	*-16k) echo 16 ;;
	*) echo 4 ;;
	esac
}

# What its compiler's name begins with where that is not the machine's own.
cross_prefix() {
	[ "$(arch_of "$1")" != arm64 ] || echo aarch64-linux-gnu-
}

# The names of the table in a tier (main, soak, smoke); "arm64": those; "flavours": what is
# built in another way. Without one: all but these.
all_kernels() {
	sed -e 's/#.*//' -e '/^ *$/d' "$VIB_TOP/tests/vm/series" | awk -v "wanted=${1:-}" '{
		n = split($3, arch, ",")
		for (i = 1; i <= n; i++) {
			tier = arch[i] == "amd64" ? $2 : arch[i] == "arm64" ? "arm64" : "flavours"
			sub(/-?amd64$/, "", arch[i])
			if (wanted == tier || wanted == "" && tier != "flavours")
				print $1 (arch[i] == "" ? "" : "-" arch[i])
		}
	}'
}

# series_suites SERIES FLAVOUR: in order of preference; fails if not in the table.
series_suites() {
	local name archs suites
	while read -r name _ archs suites; do
		if [ "$name" = "$1" ] && [[ ,$archs, == *,$2,* ]]; then
			printf '%s\n' "${suites//,/ }"
			return 0
		fi
	done <"$VIB_TOP/tests/vm/series"
	die "no kernel series $1 for $2 in tests/vm/series"
}

# The release a suite builds on: what a root for it is bootstrapped from.
suite_base() {
	case $1 in
	experimental) echo sid ;;
	*) echo "${1%%-*}" ;;
	esac
}

# The mirror this machine's apt uses for Debian (label Debian or
# Debian-Security), else the default one.
mirror_of_label() {
	local uri
	# shellcheck disable=SC2016 # apt's own variables
	uri=$(apt-get indextargets --format '$(LABEL)|$(REPO_URI)' \
		'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
		sed -n "s/^$1|//p" | head -n 1)
	printf '%s\n' "${uri:-$2}"
}

# Where a suite may be found: the mirror, then the archive of old releases.
suite_mirrors() {
	case $1 in
	*-security)
		mirror_of_label Debian-Security http://deb.debian.org/debian-security/
		echo http://archive.debian.org/debian-security/
		;;
	*)
		mirror_of_label Debian http://deb.debian.org/debian/
		echo http://archive.debian.org/debian/
		;;
	esac
}

# apt_of SUITE ARCH tool args...: run an apt tool in that suite's directory.
apt_of() {
	local dir=$VIB_CACHE/apt/$1-$2 arch=$2 tool=$3
	shift 3
	"$tool" -q -o Dir::Etc="$dir/etc" -o Dir::State="$dir/state" \
		-o Dir::State::status="$dir/status" -o Dir::Cache="$dir/cache" \
		-o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::parts=/dev/null \
		-o APT::Architecture="$arch" -o APT::Architectures="$arch" \
		-o APT::Sandbox::User=root -o Acquire::Languages=none \
		-o Acquire::Check-Valid-Until=false -o Acquire::Retries=3 \
		-o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
		-o APT::Update::Post-Invoke= "$@"
}

suite_update_from() {
	local dir=$VIB_CACHE/apt/$1-$2
	printf 'deb [signed-by=%s] %s %s main\n' "$KEYRING" "$3" "$1" \
		>"$dir/etc/sources.list"
	apt_of "$1" "$2" apt-get -o APT::Update::Error-Mode=any update >&2
}

# suite_update SUITE ARCH: fetch the index; false if no mirror has the suite.
# An index of the last hour is taken as it is.
suite_update() {
	local dir=$VIB_CACHE/apt/$1-$2 mirror
	mkdir -p "$dir"/etc/apt.conf.d "$dir"/etc/preferences.d \
		"$dir"/state/lists/partial "$dir"/cache/archives/partial
	: >>"$dir/status"
	if [ -n "$(find "$dir/updated" -mmin -60 2>/dev/null)" ]; then
		return 0
	fi
	for mirror in $(suite_mirrors "$1"); do
		step "reading the package index of $1 ($2) from $mirror"
		if suite_update_from "$1" "$2" "$mirror"; then
			touch "$dir/updated"
			return 0
		fi
		say "no usable index of $1 at $mirror"
	done
	return 1
}

# suite_packages SUITE ARCH REGEX: names in the suite, one a line.
suite_packages() {
	apt_of "$1" "$2" apt-cache pkgnames | grep -E -x -- "$3" || true
}

# suite_has SUITE ARCH pkg...: true if every one is there.
suite_has() {
	local suite=$1 arch=$2 pkg
	shift 2
	for pkg; do
		[ -n "$(package_version "$suite" "$arch" "$pkg")" ] || return 1
	done
}

# package_field SUITE ARCH pkg FIELD: of the newest version in the suite.
package_field() {
	apt_of "$1" "$2" apt-cache show --no-all-versions "$3" 2>/dev/null |
		sed -n "s/^$4: //p" | head -n 1
}

package_version() {
	package_field "$1" "$2" "$3" Version
}

# suite_download SUITE ARCH DIR pkg...: checked .deb files into DIR.
suite_download() {
	local suite=$1 arch=$2 dir=$3
	shift 3
	(cd "$dir" && apt_of "$suite" "$arch" apt-get download "$@" >&2)
}
