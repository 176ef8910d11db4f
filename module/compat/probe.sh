#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Asks the target kernel's headers and export table the questions of facts.txt, and writes the
# answers as a header. Called by Kbuild:
#     CC=... HOSTCC=... FLAGS=... probe.sh <facts.txt> <Module.symvers> <facts.h>
# CC, HOSTCC and FLAGS are words of a shell, quotes and all: arm64's flags have some.
set -eu

facts=$1
symvers=$2
out=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
	echo "vfio_iommu_batch: $*" >&2
	exit 1
}

# compiles <headers> <statement>
compiles() {
	: >"$work/t.c"
	for h in linux/version.h $1; do
		echo "#include <$h>" >>"$work/t.c"
	done
	printf 'void vib_probe(void);\nvoid vib_probe(void)\n{\n\t%s\n}\n' "$2" >>"$work/t.c"
	eval "$CC $FLAGS" '-DMODULE -DKBUILD_MODNAME="\"probe\"" -Werror=implicit-function-declaration \
		-fsyntax-only "$work/t.c"' >"$work/log" 2>&1
}

trim() {
	printf '%s' "$1" | sed 's/^[[:space:]]*//; s/[[:space:]]*$//'
}

[ -r "$symvers" ] || fail "cannot read $symvers: are the headers of the target kernel installed?"
echo '#include <elf.h>' | $HOSTCC -E - >"$work/log" 2>&1 ||
	fail "the build needs a C library to compile a check with: install libc6-dev"
if ! compiles "linux/iommu.h linux/vfio.h" ";"; then
	cat "$work/log" >&2
	fail "the kernel headers do not compile with the compiler in use; build with the kernel's own (CC=)"
fi
compiles "linux/iommu.h" "vib_no_such_thing();" && fail "the probes cannot fail here, so they tell nothing"
grep -qw vfio_register_iommu_driver "$symvers" ||
	fail "this kernel exports no vfio_register_iommu_driver (CONFIG_VFIO_CONTAINER=n?): nothing to build for"

{
	echo "/* SPDX-License-Identifier: GPL-2.0-only */"
	echo "/* Made by probe.sh for one kernel; see facts.txt for what each name means. */"
	while IFS= read -r line; do
		case $line in '' | '#'*) continue ;; esac
		fact=${line%%|*}
		# shellcheck disable=SC2086 # the words of the line
		set -- $fact
		name=$2
		case $1 in
		export)
			cut -f 2 "$symvers" | grep -qxF "$3" || continue
			;;
		code)
			rest=${fact#*"$name"}
			compiles "$(trim "${rest%%;*}")" "$(trim "${rest#*;}")" || continue
			;;
		*) fail "facts.txt: what is '$1'?" ;;
		esac
		echo "#define VIB_HAVE_$name 1"
	done <"$facts"
} >"$out.tmp"
mv "$out.tmp" "$out"
