# SPDX-License-Identifier: GPL-2.0-only
#
# check.awk -v kernel=6.1 -v only=REGEX -v of_kind=REGEX -v busy=1 bounds a.csv...: compares what
# was measured with the bounds, of rows and kinds that fit the expressions. One line for each bound;
# exit status 1 if one is missed, has no figures, or if the kernel has no column. See
# the file bounds for the kinds. Skipped, and said so: what is below its aim but not
# below the figure behind the slash, and two threads on a host that was busy.

function column(kernel,  i) {
	for (i = 4; i <= NF; i++) {
		if ($i == kernel)
			return i - 1	# the heading has a "#" in front
	}
	return 0
}

function verdict(ok, kind, row, want, have) {
	printf "%-7s %-8s %-24s wanted %s, measured %s\n", \
		ok ? "ok" : "MISSED", kind, row, want, have
	checked++
	missed += !ok
}

# @want is the aim, or AIM/LEAST where the aim is not reached.
function ratio(kind, row, want, have, name,  part) {
	split(want, part, "/")
	if (part[2] == "" || have >= part[1] + 0 || have < part[2] + 0)
		return verdict(have >= part[1] + 0, kind, row, \
			part[1] "x" (part[2] == "" ? "" : ", at least " part[2] "x"), \
			sprintf("%.2fx", have) name)
	printf "below   %-8s %-24s the aim: %.2fx of %sx%s, see Floors in tests/bench/README.md\n", \
		kind, row, have, part[1], name
	skipped++
}

function check_better(row, want) {
	if (!(row in type1) || batch[row] <= 0)
		return verdict(0, "better", row, want "x", "nothing")
	ratio("better", row, want, type1[row] / batch[row], "")
}

function check_iommufd(row, want) {
	if (iommufd[row] <= 0 || batch[row] <= 0)
		return verdict(0, "iommufd", row, want "x", "nothing")
	ratio("iommufd", row, want, iommufd[row] / batch[row], "")
}

function check_flushes(row, want,  most) {
	if (!(row in ours) || ours[row] == "")
		return verdict(0, "flushes", row, want, "nothing")
	most = want == "type1" ? theirs[row] : want
	verdict(ours[row] + 0 <= most + 0, "flushes", row, \
		"at most " most (want == "type1" ? " (type1)" : ""), \
		ours[row] " (type1 " theirs[row] ")")
}

# Our flushes of a row of another table, amd or caching-mode.
function check_table(table, row, want,  have) {
	have = flushes[table, row]
	if (have == "")
		return verdict(0, table, row, want, "nothing")
	verdict(have + 0 <= want + 0, table, row, "at most " want " flushes", have)
}

function check_context(row, want) {
	if (!(row in context) || context[row] == "")
		return verdict(0, "context", row, want, "nothing")
	verdict(context[row] + 0 <= want + 0, "context", row, "at most " want, \
		context[row] " (type1 " their_context[row] ")")
}

# @want is the aim, or AIM/MOST where the aim is not reached.
function check_most(row, want,  part) {
	if (!(row in batch) || batch[row] <= 0)
		return verdict(0, "most", row, want, "nothing")
	split(want, part, "/")
	if (part[2] == "" || batch[row] <= part[1] + 0 || batch[row] > part[2] + 0)
		return verdict(batch[row] <= part[1] + 0, "most", row, "at most " want, \
			batch[row] " (type1 " type1[row] ")")
	printf "below   %-8s %-24s the aim: %d of %d, see Floors in tests/bench/README.md\n", \
		"most", row, batch[row], part[1]
	skipped++
}

# Struct pages are somewhere: none at all means that the plugin looked in the wrong place.
function check_structs(row, want,  have) {
	if (!(row in structs) || structs[row] <= 0)
		return verdict(0, "structs", row, want, "nothing")
	have = structs[row] / units[row]
	verdict(have <= want + 0, "structs", row, "at most " want, \
		sprintf("%.3f (type1 %.3f)", have, their_structs[row] / units[row]))
}

# Every row of the AMD table at once; the worst one is named.
function check_amd(rows, want,  row, worst, have, name, n) {
	for (row in amd_type1) {
		have = amd_type1[row] / amd_batch[row]
		if (!n++ || have < worst) {
			worst = have
			name = row
		}
	}
	if (!n)
		return verdict(0, "amd", rows, want "x", "nothing")
	ratio("amd", rows, want, worst, " (" name ")")
}

# Every row of the table for VT-d in scalable mode at once; the worst one is named.
function check_scalable(rows, want,  row, worst, name, n) {
	for (row in scalable_ours) {
		if (scalable_ours[row] == "")
			continue
		if (!n++ || scalable_ours[row] - scalable_theirs[row] > worst) {
			worst = scalable_ours[row] - scalable_theirs[row]
			name = row
		}
	}
	if (!n)
		return verdict(0, "scalable", rows, "at most type1", "nothing")
	verdict(worst <= 0, "scalable", rows, "at most type1", \
		scalable_ours[name] " (type1 " scalable_theirs[name] ", " name ")")
}

# Did two threads that only counted beside the row gain less than two CPUs give?
function was_busy(size,  one, two) {
	one = "parallel/one-thread/none-" size
	two = "parallel/two-threads/none-" size
	return one in batch ? batch[one] < 1.8 * batch[two] : busy
}

function check_speedup(size, want,  one, two, have) {
	one = "parallel/one-thread/" size
	two = "parallel/two-threads/" size
	if (!(one in batch) || !(two in batch) || batch[two] <= 0)
		return verdict(0, "speedup", size, want "x", "nothing")
	have = batch[one] / batch[two]
	if (was_busy(size) && have < want + 0) {
		printf "skipped %-8s %-24s %.2fx of %sx, but this host was too busy to tell\n", \
			"speedup", size, have, want
		skipped++
		return
	}
	ratio("speedup", size, want, have, "")
}

FNR == 1 { file++ }

file == 1 && $1 == "#" && $2 == "kind" { wanted = column(kernel) }
file == 1 && !/^#/ && wanted && $wanted != "-" && $wanted != "" && $2 ~ only && $1 ~ of_kind {
	kinds[++bounds] = $1
	rows[bounds] = $2
	wants[bounds] = $wanted
}

file > 1 && FNR > 1 {
	split($0, cell, ",")
	if (match(FILENAME, /(amd|caching-mode)\.csv$/))
		flushes[substr(FILENAME, RSTART, RLENGTH - 4), cell[1]] = cell[6]
	if (FILENAME ~ /-caching-mode.csv$/)
		next
	if (FILENAME ~ /-amd.csv$/) {
		amd_type1[cell[1]] = cell[3]
		amd_batch[cell[1]] = cell[4]
		next
	}
	if (FILENAME ~ /-scalable.csv$/) {
		scalable_theirs[cell[1]] = cell[5]
		scalable_ours[cell[1]] = cell[6]
		next
	}
	units[cell[1]] = cell[2]
	type1[cell[1]] = cell[3]
	batch[cell[1]] = cell[4]
	theirs[cell[1]] = cell[5]
	ours[cell[1]] = cell[6]
	their_context[cell[1]] = cell[7]
	context[cell[1]] = cell[8]
	their_structs[cell[1]] = cell[11]
	structs[cell[1]] = cell[12]
	iommufd[cell[1]] = cell[13]
}

END {
	for (i = 1; i <= bounds; i++) {
		if (kinds[i] == "better")
			check_better(rows[i], wants[i])
		else if (kinds[i] == "iommufd")
			check_iommufd(rows[i], wants[i])
		else if (kinds[i] == "flushes")
			check_flushes(rows[i], wants[i])
		else if (kinds[i] == "context")
			check_context(rows[i], wants[i])
		else if (kinds[i] == "most")
			check_most(rows[i], wants[i])
		else if (kinds[i] == "structs")
			check_structs(rows[i], wants[i])
		else if (kinds[i] == "amd")
			check_amd(rows[i], wants[i])
		else if (kinds[i] == "scalable")
			check_scalable(rows[i], wants[i])
		else if (kinds[i] == "amd-flushes")
			check_table("amd", rows[i], wants[i])
		else if (kinds[i] == "caching-flushes")
			check_table("caching-mode", rows[i], wants[i])
		else if (kinds[i] == "speedup")
			check_speedup(rows[i], wants[i])
		else
			verdict(0, kinds[i], rows[i], wants[i], "an unknown kind")
	}
	if (!checked && !skipped) {
		print "no bounds for kernel " kernel
		exit 1
	}
	printf "%d passed, %d failed, %d skipped\n", checked - missed, missed, skipped
	exit missed > 0
}
