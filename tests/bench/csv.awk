# SPDX-License-Identifier: GPL-2.0-only
#
# From what guests printed ("@row WHO ROW UNITS NS") and the traces of the same
# runs (QEMU's invalidation events between "@mark begin WHO ROW" and "@mark end"):
# one CSV line for each row, type1 beside batch, in the order of the rows. Call
# with -v traced=1 and both files of each guest, or with what it printed alone: then
# the columns of flushes are empty, not 0. So are those of the lines of memory that were
# touched ("@lines ALL STRUCT-PAGES" in the trace, of profile/lines.c) without that plugin. A row that only one of the two has is an
# error. iommufd's columns are empty where a kernel or a row has none. Of a row that comes several
# times the least instructions and lines count, with the most flushes, of type1 the least. A row whose
# marks are not there is an error.

BEGIN {
	FS = " "
	header = "row,units,type1_ns,batch_ns,type1_iotlb,batch_iotlb"
	header = header ",type1_context,batch_context"
	header = header ",type1_lines,batch_lines,type1_structs,batch_structs"
	header = header ",iommufd_ns,iommufd_iotlb,iommufd_lines,iommufd_structs"
}

{ sub(/\r$/, "") }

FNR == 1 { inside = "" }

function least(of, key, value) {
	if (!(key in of) || value + 0 < of[key])
		of[key] = value + 0
}

function most(of, key, value) {
	if (!(key in of) || value + 0 > of[key])
		of[key] = value + 0
}

$1 == "@mark" && $2 == "begin" {
	inside = $3 SUBSEP $4
	iotlb_flushes = context_flushes = 0
	next
}
$1 == "@mark" && $2 == "end" {
	if ($3 == "type1") {
		least(iotlb, inside, iotlb_flushes)
		least(context, inside, context_flushes)
	} else {
		most(iotlb, inside, iotlb_flushes)
		most(context, inside, context_flushes)
	}
	inside = ""
	next
}
/^(vtd_inv_desc_iotlb|amdvi_pages_inval|amdvi_all_inval)/ { iotlb_flushes++ }
/^(vtd_inv_desc_cc|vtd_inv_desc_pasid_cache|amdvi_devtab_inval)/ { context_flushes++ }
# Tables of the first level; QEMU has no event of its own for these.
/^vtd_inv_desc invalidate desc type p-iotlb/ { iotlb_flushes++ }
$1 == "@lines" {
	least(lines, inside, $2)
	least(structs, inside, $3)
}

$1 == "@row" {
	if (!($3 in known)) {
		known[$3] = 1
		order[++rows] = $3
	}
	units[$3] = $4
	least(ns, $2 SUBSEP $3, $5)
}

# Only what lies between marks is traced: other figures have no count.
function count(of, who, row) {
	if (!traced || row ~ /^parallel\// || ns[who, row] == "")
		return ""
	if (!((who, row) in of)) {
		print "no marks of " row " by " who " in the trace" >"/dev/stderr"
		exit 1
	}
	return of[who, row]
}

END {
	print header
	for (i = 1; i <= rows; i++) {
		row = order[i]
		if (!(("type1", row) in ns) || !(("batch", row) in ns)) {
			print "only one of the two has the row " row >"/dev/stderr"
			exit 1
		}
		print row "," units[row] "," ns["type1", row] "," \
			ns["batch", row] "," count(iotlb, "type1", row) "," \
			count(iotlb, "batch", row) "," \
			count(context, "type1", row) "," \
			count(context, "batch", row) "," \
			lines["type1", row] "," lines["batch", row] "," \
			structs["type1", row] "," structs["batch", row] "," \
			ns["iommufd", row] "," count(iotlb, "iommufd", row) "," \
			lines["iommufd", row] "," structs["iommufd", row]
	}
}
