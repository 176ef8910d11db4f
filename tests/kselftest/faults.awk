# SPDX-License-Identifier: GPL-2.0-only
#
# faults.awk trace.log: between the marks "begin NAME" and "end NAME COUNT" (lib/mark.h), are there
# as many faults of the IOMMU as the second one says? A beginning that is not ended does not count.
# A line for each name, with its sums, and as the last one "PASSED FAILED".

{ sub(/\r$/, "") }

/vtd_dmar_fault / { faults++ }

$1 == "@mark" && $2 == "begin" { begun = $3; faults = 0 }

$1 == "@mark" && $2 == "end" && $3 == begun {
	if (!($3 in want))
		name[++names] = $3
	have[$3] += faults
	want[$3] += $4
	wrong[$3] += faults != $4
	begun = ""
}

# A trace without marks has shown nothing.
END {
	for (i = 1; i <= names; i++) {
		failed += wrong[name[i]] > 0
		printf "%s %s: %d faults of the IOMMU, expected %d\n", \
			wrong[name[i]] ? "FAILED" : "ok", name[i], have[name[i]], want[name[i]]
	}
	if (!names)
		print "FAILED: no marks in the trace"
	print names - failed, failed + !names
}
