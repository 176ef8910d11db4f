# SPDX-License-Identifier: GPL-2.0-only
#
# profile.awk -v top=N symbols sections results.log: for each measured row, what
# ran in each module, and the N functions that cost most: instructions per unit in
# the function itself, calls per unit, share. symbols: text symbols of the guest, sorted by address; sections:
# what blocks.c wrote; rows and sections are in the same order. Addresses are
# compared as strings of 16 digits: they do not fit a number of awk.

FNR == 1 { file++ }

{ sub(/\r$/, "") }

file == 1 {
	where[++symbols] = $1
	name[symbols] = $3 ($4 != "" ? " " $4 : "")
}

# The last symbol at or below @address.
function symbol_at(address,  low, high, mid) {
	low = 1
	high = symbols
	if (address < where[1])
		return 0
	while (low < high) {
		mid = int((low + high + 1) / 2)
		if (where[mid] "" <= address "")
			low = mid
		else
			high = mid - 1
	}
	return low
}

file == 2 && $1 == "section" { section++ }
file == 2 && $1 == "block" {
	at = $2 < "8" ? 0 : symbol_at($2)
	key = section SUBSEP (at ? name[at] : "(user space)")
	if (!(key in self))
		used[section, ++functions[section]] = at ? name[at] : "(user space)"
	self[key] += $3 * $4
	total[section] += $3 * $4
	module = at ? "[kernel]" : "[user]"
	if (at && name[at] ~ / \[/) {
		module = name[at]
		sub(/^.* /, "", module)
	}
	if (!((section, module) in part))
		parts[section, ++nparts[section]] = module
	part[section, module] += $3 * $4
	if (at && where[at] == $2)
		calls[key] += $4
}

file == 3 && $1 == "@row" && $3 !~ /^parallel/ {
	if (++row <= section)
		print_row(row, $2, $3, $4)
}

function print_row(s, who, what, units,  i, best, j, key, n) {
	printf "%s %s: %.1f instructions per unit, %d units\n", who, what, \
		total[s] / units, units
	for (i = 1; i <= nparts[s]; i++)
		printf "  %10.2f %s\n", part[s, parts[s, i]] / units, parts[s, i]
	printf "  %10s %10s %6s  %s\n", "self", "calls", "share", "function"
	n = functions[s]
	for (i = 1; i <= n && i <= top; i++) {
		best = 0
		for (j = 1; j <= n; j++) {
			key = s SUBSEP used[s, j]
			if (!(key in done) && (!best || self[key] > self[s, used[s, best]]))
				best = j
		}
		key = s SUBSEP used[s, best]
		done[key] = 1
		printf "  %10.2f %10.3f %5.1f%%  %s\n", self[key] / units, \
			calls[key] / units, 100 * self[key] / total[s], used[s, best]
	}
	print ""
}
