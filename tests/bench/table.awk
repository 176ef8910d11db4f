# SPDX-License-Identifier: GPL-2.0-only
#
# table.awk -v of=instructions a.csv: a CSV file of csv.awk as a table for a person:
# instructions (or nanoseconds) per unit, which is a page of 4 KiB, a mapping or a
# group; how often the IOTLB was flushed in all; and how many lines of 64 bytes of kernel memory
# were touched per unit, all and those of struct pages, where they were counted. Where iommufd
# was measured, a line of its own below, with its figure divided by ours.

BEGIN {
	FS = ","
	line = "%-28s %8s %12s %12s %9s %9s %9s %9s %9s %9s %9s\n"
	printf line, "", "", of " per unit", "", "", "IOTLB flushes", "", \
		"lines per unit", "", "of struct pages", ""
	printf line, "what/memory/size", "units", "type1", "batch", "better", \
		"type1", "batch", "type1", "batch", "type1", "batch"
}

NR == 1 { next }

function lines_per_unit(lines) {
	return lines == "" ? "" : sprintf(lines / $2 < 100 ? "%.3f" : "%.0f", lines / $2)
}

function per_unit(ns) {
	return sprintf(ns / $2 < 100 ? "%.1f" : "%.0f", ns / $2)
}

{
	better = $4 > 0 ? sprintf("%.1fx", $3 / $4) : "-"
	printf line, $1, $2, per_unit($3), per_unit($4), better, $5, $6, lines_per_unit($9), \
		lines_per_unit($10), lines_per_unit($11), lines_per_unit($12)
	if ($13 == "")
		next
	better = $4 > 0 ? sprintf("%.2fx", $13 / $4) : "-"
	printf line, "  beside iommufd", "", per_unit($13), "", better, $14, "", \
		lines_per_unit($15), "", lines_per_unit($16), ""
}
