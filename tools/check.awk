# SPDX-License-Identifier: GPL-2.0-only
#
# Compares what check-vfio saw on type1 and on this module: "MODE backend MODULE",
# "MODE abi NAME RESULT", "MODE cost NAME NS". Knows which answers are meant to differ
# (docs/differences.md). Exit status 1 if one differs that is not, or a mode failed.

BEGIN {
	meant["map_wraps"] = "newer type1 answers EOVERFLOW, too"
	meant["update_vaddr"] = "type1 of some kernels cannot take addresses back"
	# The mode of ours that has the rules of a mode of type1.
	peer["batch"] = peer["claimed_v2"] = "type1v2"
	peer["claimed_v1"] = "type1"
	split("batch claimed_v1 claimed_v2", ours, " ")
}

$2 == "backend" {
	backend[$1] = $3
	modes[++nr_modes] = $1
	if ($3 == "none")
		why[$1] = substr($0, index($0, "none") + 5)
	next
}
$2 == "abi" {
	name = $3
	if (!(name in seen)) {
		seen[name]
		names[++nr_names] = name
	}
	result = $0
	sub(/^[^ ]+ abi [^ ]+ ?/, "", result)
	abi[$1, name] = result
	next
}
$2 == "cost" && $3 == "failed" {
	problems = problems "  " $1 ": timing failed: " $4 " " $5 " " $6 "\n"
	next
}
$2 == "cost" {
	if (!($3 in timed)) {
		timed[$3]
		costs[++nr_costs] = $3
	}
	cost[$1, $3] = $4
}

function wanted(mode) {
	return mode ~ /^type1/ ? "vfio_iommu_type1" : "vfio_iommu_batch"
}

function compare(mode, name, i) {
	for (i = 1; i <= nr_names; i++) {
		name = names[i]
		if (!((mode, name) in abi) || !((peer[mode], name) in abi))
			continue
		compared++
		if (abi[mode, name] == abi[peer[mode], name]) {
			equal++
		} else if (name in meant) {
			intended = intended sprintf("  %s, %s: %s; type1: %s (%s)\n", mode, name,
				abi[mode, name], abi[peer[mode], name], meant[name])
		} else {
			problems = problems sprintf("  %s, %s: %s; type1: %s\n", mode, name,
				abi[mode, name], abi[peer[mode], name])
		}
	}
}

END {
	for (i = 1; i <= nr_modes; i++) {
		mode = modes[i]
		if (backend[mode] == "none")
			problems = problems "  " mode ": no container: " why[mode] "\n"
		else if (backend[mode] != wanted(mode))
			problems = problems "  " mode ": served by " backend[mode] "\n"
	}
	for (i = 1; i in ours; i++)
		if (ours[i] in backend)
			compare(ours[i])
	if (!nr_modes)
		problems = problems "  nothing was tried\n"
	split(abi["batch", "page_sizes"], sizes, " ")
	if (sizes[2])
		printf "page sizes: %s, a bit each; IOVA ranges: %s\n", sizes[2], abi["batch", "iova_ranges"]
	printf "abi: %d cases on %d modes, %d of %d comparisons with type1 equal\n", nr_names, nr_modes, equal, compared
	if (intended)
		printf "meant to differ:\n%s", intended
	if (nr_costs)
		printf "%-28s %10s %10s %8s\n", "nanoseconds", "type1", "batch", "ratio"
	for (i = 1; i <= nr_costs; i++) {
		name = costs[i]
		t = cost["type1v2", name]
		b = cost["batch", name]
		printf "%-28s %10s %10s %8s\n", name, t == "" ? "-" : t, b == "" ? "-" : b,
			(t != "" && b > 0 ? sprintf("%.1fx", t / b) : "-")
	}
	if (nvme ~ /^DIFFERENT/)
		problems = problems "  " nvme "\n"
	if (problems) {
		printf "NOT as it should be:\n%s", problems
		exit 1
	}
	print "all is as it should be"
}
