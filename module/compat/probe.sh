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

# compiles <headers>: the facts of $work/asked, a function each. What a compiler says of one begins
# with "fact-NAME:", as if that were its file.
compiles() {
	{
		for h in linux/version.h $1; do
			echo "#include <$h>"
		done
		awk -F ';' '{
			name = $1
			sub(/^[^;]*;/, "")
			printf "#line 1 \"fact-%s\"\nvoid vib_%s(void); void vib_%s(void) { %s }\n", name, name, name, $0
		}' "$work/asked"
	} >"$work/t.c"
	eval "LC_ALL=C $CC $FLAGS" '-DMODULE -DKBUILD_MODNAME="\"probe\"" -Werror=implicit-function-declaration \
		-fsyntax-only "$work/t.c"' >"$work/log" 2>&1
}

# The facts of $work/asked that the compiler has an error in.
wrong() {
	sed -n 's/^fact-\([A-Z0-9_]*\):[0-9:]* \(fatal \)\{0,1\}error: .*/\1/p' "$work/log" | sort -u
}

# answer <headers>: leaves in $work/asked what compiles with them, all in one file. An unknown function
# is told of at its first use only: so they are asked again until nothing is wrong.
answer() {
	while [ -s "$work/asked" ] && ! compiles "$1"; do
		wrong >"$work/wrong"
		if ! [ -s "$work/wrong" ]; then
			each_alone "$1"
			return
		fi
		awk -F ';' 'NR == FNR { wrong[$1]; next } !($1 in wrong)' "$work/wrong" "$work/asked" >"$work/right"
		mv "$work/right" "$work/asked"
	done
}

# The same where an error is not in a fact itself: in a header, or in a macro that one has.
each_alone() {
	: >"$work/hold"
	mv "$work/asked" "$work/each"
	while IFS= read -r line; do
		printf '%s\n' "$line" >"$work/asked"
		! compiles "$1" || cat "$work/asked" >>"$work/hold"
	done <"$work/each"
	mv "$work/hold" "$work/asked"
}

# Facts about code as "HEADERS:NAME;STATEMENT".
code_facts() {
	sed -n 's/^code  *\([A-Z0-9_]*\)  *\([^;]*[^ ;]\) *; *\([^|]*\).*/\2:\1;\3/p' "$facts"
}

exported() {
	cut -f 2 "$symvers" | grep -qxF "$1"
}

# The names of all facts that hold.
holding() {
	sed -n 's/^export  *//p' "$facts" | while read -r name symbol rest; do
		! exported "$symbol" || echo "$name"
	done
	code_facts >"$work/code"
	cut -d : -f 1 "$work/code" | sort -u | while IFS= read -r headers; do
		sed -n "s|^$headers:||p" "$work/code" >"$work/asked"
		answer "$headers"
		cut -d ';' -f 1 "$work/asked"
	done
}

[ -r "$symvers" ] || fail "cannot read $symvers: are the headers of the target kernel installed?"
unknown=$(grep -v '^#\|^$\|^export [A-Z0-9_]* [a-z0-9_]*\( |\|$\)\|^code [A-Z0-9_]* [^;:|]* ; ' "$facts" | head -n 1)
[ -z "$unknown" ] || fail "facts.txt: what is '$unknown'?"
echo '#include <elf.h>' | $HOSTCC -E - >"$work/log" 2>&1 ||
	fail "the build needs a C library to compile a check with: install libc6-dev"
echo 'NOTHING;;' >"$work/asked"
if ! compiles "linux/iommu.h linux/irqdomain.h linux/mm.h linux/pgtable.h linux/sched/isolation.h \
	linux/sched/mm.h linux/vfio.h"; then
	cat "$work/log" >&2
	fail "the kernel headers do not compile with the compiler in use; build with the kernel's own (CC=)"
fi
echo 'NOTHING;vib_no_such_thing();' >"$work/asked"
! compiles "linux/iommu.h" || fail "the probes cannot fail here, so they tell nothing"
exported vfio_register_iommu_driver ||
	fail "this kernel exports no vfio_register_iommu_driver (CONFIG_VFIO_CONTAINER=n?): nothing to build for"

holding >"$work/names"
{
	echo "/* SPDX-License-Identifier: GPL-2.0-only */"
	echo "/* Made by probe.sh for one kernel; see facts.txt for what each name means. */"
	sed 's/.*/#define VIB_HAVE_& 1/' "$work/names"
} >"$out.tmp"
mv "$out.tmp" "$out"
