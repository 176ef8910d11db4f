# SPDX-License-Identifier: GPL-2.0-only
#
# Turns a trace of the module's events into sentences. A call that fails leaves, in
# this order and by the same thread, at most one limit that it would have broken,
# checks that refused it (the first is the cause), and its end, with what was asked.
# So a sentence is made at the end of a call, from what is kept of its thread.
#
# Addresses have 64 bits and awk's numbers 53: they are compared as strings of 16
# hexadecimal digits. A group's reserved regions and devices are asked of sysfs, a
# domain's aperture of debugfs; ROOT stands before both.

BEGIN {
	# Ends each line, with a name that may have anything in it: the first one counts.
	CALLER = " pid=[0-9]+ tid=[0-9]+ [[]"
	digits = "0123456789abcdef"
	containers = root "/sys/kernel/debug/vfio_iommu_batch/containers"
	groups_dir = root "/sys/kernel/iommu_groups/"
	split("1 EPERM 2 ENOENT 3 ESRCH 4 EINTR 5 EIO 12 ENOMEM 14 EFAULT 16 EBUSY 17 EEXIST 19 ENODEV 22 EINVAL 28 ENOSPC 75 EOVERFLOW 95 EOPNOTSUPP", pair, " ")
	for (i = 1; i in pair; i += 2)
		errno[pair[i]] = pair[i + 1]
}

function error_name(error) {
	sub(/^-/, "", error)
	return error in errno ? errno[error] : "error " error
}

# 16 digits, of a number with or without 0x.
function padded(hex) {
	sub(/^0x/, "", hex)
	return substr("0000000000000000", 1, 16 - length(hex)) tolower(hex)
}

function value(hex, i, sum) {
	for (i = 1; i <= length(hex); i++)
		sum = sum * 16 + index(digits, substr(hex, i, 1)) - 1
	return sum + 0
}

# The last byte of a range, or the last there is if it wraps.
function last_of(start, size, low, high) {
	start = padded(start)
	size = padded(size)
	low = value(substr(start, 9)) + value(substr(size, 9)) - 1
	high = value(substr(start, 1, 8)) + value(substr(size, 1, 8))
	if (low < 0) {
		low += 4294967296
		high--
	} else if (low >= 4294967296) {
		low -= 4294967296
		high++
	}
	if (high < 0 || high >= 4294967296)
		return "ffffffffffffffff"
	return sprintf("%s%s", hex8(high), hex8(low))
}

# printf's %x is for 31 bits in some awks.
function hex8(number, i, out, digit) {
	for (i = 0; i < 8; i++) {
		digit = number % 16
		out = substr(digits, digit + 1, 1) out
		number = (number - digit) / 16
	}
	return out
}

function harmless(text) {
	gsub(/[\001-\037\177]/, "?", text)
	return text
}

# The devices of a group, as a person would name them.
function devices_of(group, cmd, name, first, n) {
	if (group !~ /^[0-9]+$/)
		return "a group"
	cmd = "ls '" groups_dir group "/devices' 2>/dev/null"
	while ((cmd | getline name) > 0)
		if (!n++)
			first = name
	close(cmd)
	if (!n)
		return "group " group
	return n == 1 ? first : first " and " (n - 1) " more of group " group
}

function kind(type) {
	if (type == "msi")
		return "reserved for MSI"
	if (type == "direct")
		return "that firmware uses"
	return "that the platform reserves"
}

# The groups of a container, as far as their coming was seen, or as listed now.
function groups_of(container, line, word, in_it, found, key, part) {
	for (key in group_of) {
		split(key, part, SUBSEP)
		if (part[1] == container)
			found = found " " part[2]
	}
	while ((getline line < containers) > 0) {
		split(line, word, " ")
		if (word[1] == "container:")
			in_it = word[2] == container
		else if (in_it && word[1] == "group:" && !((container, word[2]) in group_of))
			found = found " " word[2]
	}
	close(containers)
	return found
}

# Which reserved region keeps [start, last] out, "" if none is known to.
function reserved_by(container, start, last, n, i, group, file, line, region, found) {
	n = split(groups_of(container), group, " ")
	for (i = 1; i <= n && !found; i++) {
		file = groups_dir group[i] "/reserved_regions"
		while (!found && (getline line < file) > 0) {
			split(line, region, " ")
			if (region[3] == "direct-relaxable")
				continue
			if (padded(region[1]) > last || padded(region[2]) < start)
				continue
			found = (padded(region[1]) <= start && last <= padded(region[2]) ? "inside" : "reaches into") " the range " kind(region[3]) " by " devices_of(group[i])
		}
		close(file)
	}
	return found
}

# Which IOMMU page table cannot translate [start, last].
function beyond(container, start, last, line, word, in_it, range, found) {
	while ((getline line < containers) > 0) {
		split(line, word, " ")
		if (word[1] == "container:")
			in_it = word[2] == container
		if (!in_it || word[1] != "domain:" || word[5] != "aperture")
			continue
		split(word[6], range, "-")
		if (start < padded(range[1]) || last > padded(range[2]))
			found = "beyond the addresses that the IOMMU translates, " word[6]
	}
	close(containers)
	return found
}

function place(container, iova, size, start, last, found) {
	start = padded(iova)
	last = last_of(iova, size)
	found = reserved_by(container, start, last)
	return found ? found : beyond(container, start, last)
}

function field(name, i, word, n) {
	n = split(text, word, " ")
	for (i = 1; i <= n; i++) {
		if (index(word[i], name "=") != 1)
			continue
		sub(/:$/, "", word[i])
		return substr(word[i], length(name) + 2)
	}
	return ""
}

# What is before the caller, which ends every line.
function words(from) {
	match(text, CALLER)
	from = substr(text, 1, RSTART - 1)
	sub(/^[^:]*: /, "", from)
	return from
}

function caller(name) {
	match(text, CALLER)
	name = substr(text, RSTART + RLENGTH)
	sub(/\]$/, "", name)
	return harmless(name) "[" field("pid") "]"
}

function tell(sentence) {
	printf "%s %s\n", strftime("%Y-%m-%d %H:%M:%S", int(booted + stamp)), sentence
	fflush()
}

function limit_words(which) {
	which = text
	sub(/: asked=.*/, "", which)
	if (which ~ /MEMLOCK/)
		return sprintf("RLIMIT_MEMLOCK is %s pages, of which %s are locked, and %s more are asked for",
			field("limit"), field("used"), field("asked"))
	return sprintf("%s is %s, %s are used, and %s more is asked for", which, field("limit"),
		field("used"), field("asked"))
}

function forget(tid) {
	delete reason[tid]
	delete limit[tid]
}

# Why the call that ends here failed.
function cause(tid, error, found) {
	if (tid in limit)
		return limit[tid]
	if (!(tid in reason))
		return error == "-12" ? "there is no memory for it" : error == "-4" ? "it was killed" : "no check of the module says why"
	if (reason[tid] ~ /usable IOVA ranges/)
		found = place(field("container"), field("iova"), field("size"))
	return found ? found : reason[tid]
}

function range() {
	if (field("size") == "0x0" && field("iova") == "0x0")
		return ""
	return " " field("iova") "+" field("size")
}

/LOST [0-9]+ EVENTS/ {
	match($0, /LOST [0-9]+/)
	printf "(%d events were lost)\n", substr($0, RSTART + 5, RLENGTH - 5)
	next
}

# The name of a thread comes first and could look like anything; not for so long.
!match($0, /[0-9]+\.[0-9][0-9][0-9][0-9][0-9][0-9]: vib_(refuse|failed|limit|attach|detach): /) { next }

{
	head = substr($0, RSTART, RLENGTH)
	text = substr($0, RSTART + RLENGTH)
	stamp = head
	sub(/:.*/, "", stamp)
	event = head
	sub(/^.*: vib_/, "", event)
	sub(/: $/, "", event)
	tid = field("tid")
}

event == "refuse" && !(tid in reason) { reason[tid] = words() }
event == "limit" { limit[tid] = limit_words() }
event == "failed" {
	tell(caller() " " call_name() range() ": " cause(tid, field("error")) " (" error_name(field("error")) ")")
	forget(tid)
}
event == "attach" && field("error") == "0" { group_of[field("container"), field("group")] = 1 }
event == "attach" && field("error") != "0" {
	tell(caller() " attach of " devices_of(field("group")) ": " words() " (" error_name(field("error")) ")")
	forget(tid)
}
event == "detach" { delete group_of[field("container"), field("group")] }

# container=3 MAP iova=...
function call_name(word) {
	split(text, word, " ")
	return word[2]
}
