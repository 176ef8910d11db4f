# SPDX-License-Identifier: GPL-2.0-only
#
# Turns what status.sh gathers, once or twice in a row, into a table, or with json=1
# into JSON. With rates=1 the first of two is the round before. Knows the format of
# the module's list in debugfs; lines of other keys are passed over.

function shift_round(key) {
	for (key in old)
		delete old[key]
	for (key in now)
		old[key] = now[key]
	for (key in now)
		delete now[key]
	nr = users = listed = 0
	split("", ours)
}

# A process may have given itself a name that moves the cursor.
function harmless(text) {
	gsub(/[\001-\037\177]/, "?", text)
	return text
}

function get(key) {
	return (id, key) in now ? now[id, key] : ""
}

$1 == "version" {
	shift_round()
	version = $2
	next
}
!listed && $1 == "claim_type1" { claim = $2; next }
!listed && $1 == "claim_only" { only = harmless(substr($0, 12)); next }
!listed && $1 == "refcnt" { refcnt[$2] = $3; next }
!listed && $1 == "uptime" { now["uptime"] = $2; next }
!listed && $1 == "user" {
	user_pid[++users] = $2
	user_name[users] = harmless(substr($0, length($2) + 7))
	next
}
!listed && $1 == "containers" { listed = 1; next }

$1 == "container:" {
	id = $2
	ids[++nr] = id
	now[id, "domains"] = now[id, "groups"] = 0
	next
}
$1 == "owner:" {
	now[id, "pid"] = $2
	now[id, "name"] = harmless(substr($0, length($2) + 9))
	ours[$2] = 1
	next
}
$1 == "window:" {
	now[id, "ranges"] = get("ranges") (get("ranges") ? " " : "") $2
	next
}
$1 == "domain:" {
	now[id, "domains"]++
	now[id, "domain", now[id, "domains"]] = $2
	now[id, "line", now[id, "domains"]] = $0
	next
}
# group: 1 domain 0 new (first group) devices 0000:00:04.0 default DMA-FQ
$1 == "group:" {
	n = ++now[id, "groups"]
	now[id, "group", n] = $2
	now[id, "group_domain", n] = $4
	now[id, "how", n] = $5
	why = $0
	sub(/^[^(]*\(/, "", why)
	sub(/\) devices .*/, "", why)
	now[id, "why", n] = why
	devices = $0
	sub(/.*\) devices ?/, "", devices)
	type = devices
	sub(/.*default /, "", type)
	sub(/ ?default [^ ]*$/, "", devices)
	now[id, "group_devices", n] = devices
	now[id, "default", n] = type
	gsub(/ /, ",", devices)
	now[id, "devices"] = get("devices") (get("devices") ? "," : "") devices
	next
}
$1 == "emulated:" {
	devices = $0
	sub(/.* devices ?/, "", devices)
	gsub(/ /, ",", devices)
	now[id, "devices"] = get("devices") (get("devices") ? "," : "") devices
	now[id, "emulated"] = get("emulated") (get("emulated") ? " " : "") $2
	next
}
/^[a-z_0-9]+: / {
	key = $1
	sub(/:$/, "", key)
	now[id, key] = $2
}

function human(bytes, unit) {
	if (bytes < 1024)
		return bytes "B"
	for (unit = 1; bytes >= 1024 && unit < 6; unit++)
		bytes /= 1024
	return sprintf(bytes < 100 ? "%.1f%s" : "%.0f%s", bytes, substr("BKMGTP", unit, 1))
}

function pages(key) {
	return human(get(key) * (get("page_size") ? get("page_size") : 4096))
}

function limit() {
	if (get("locked_limit_pages") == "")
		return "-"
	return get("locked_limit_pages") == "unlimited" ? "unlimited" : pages("locked_limit_pages")
}

function rate(key, seconds) {
	seconds = now["uptime"] - old["uptime"]
	if (!((id, key) in old) || seconds <= 0)
		return "-"
	return sprintf("%.0f", (get(key) - old[id, key]) / seconds)
}

function containers(n) {
	if (n == "-")
		return "not loaded"
	return n == 1 ? "1 container" : n " containers"
}

function head() {
	printf "vfio_iommu_batch %s: %s; ", version, containers(refcnt["vfio_iommu_batch"])
	if (claim != "Y")
		print "claim_type1=N, serves its own type id only"
	else if (only == "")
		print "claim_type1=Y, serves type1's clients too"
	else
		print "claim_type1=Y, serves those of type1's clients that are named " only
	print "vfio_iommu_type1: " containers(refcnt["vfio_iommu_type1"])
	printf "\n%4s %-22s %-10s %8s %8s %8s %9s %8s %7s %8s ", "ID", "PROCESS", "BACKEND",
		"MAPPINGS", "PINNED", "CHARGED", "OF LIMIT", "METADATA", "DOMAINS", "FLUSHES"
	if (rates)
		printf "%7s %7s %7s ", "MAP/s", "UNMAP/s", "FLUSH/s"
	print "DEVICES"
}

# Why a container has more than one page table.
function domain_lines(d, n) {
	for (d = 1; d <= get("domains"); d++) {
		printf "     domain %s:", now[id, "domain", d]
		for (n = 1; n <= get("groups"); n++)
			if (now[id, "group_domain", n] == now[id, "domain", d])
				printf " %s %s (%s)", now[id, "group_devices", n], now[id, "how", n], now[id, "why", n]
		print ""
	}
}

function row() {
	printf "%4s %-22s %-10s %8s %8s %8s %9s %8s %7s %8s ", id, get("name") "[" get("pid") "]",
		"batch:" type_name(get("type")), get("mappings"), pages("pinned_pages"),
		pages("accounted_pages"), limit(), human(get("metadata_bytes")), get("domains"),
		get("syncs")
	if (rates)
		printf "%7s %7s %7s ", rate("maps"), rate("unmaps"), rate("syncs")
	print get("devices") == "" ? "-" : get("devices")
	if (get("domains") > 1)
		domain_lines()
}

function type_name(type) {
	sub(/^0x/, "", type)
	return type
}

# Somebody else serves these, or nobody yet.
function other_rows(i) {
	for (i = 1; i <= users; i++)
		if (!(user_pid[i] in ours))
			printf "%4s %-22s %s\n", "-", user_name[i] "[" user_pid[i] "]",
				refcnt["vfio_iommu_type1"] ~ /^[1-9]/ ? "type1" : "none yet"
}

function string(text, i, c, out) {
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		out = out (c == "\"" || c == "\\" ? "\\" c : c)
	}
	return "\"" out "\""
}

function number(text) {
	return text ~ /^-?[0-9]+$/ ? text : "null"
}

function list(text, separator, part, n, i, out) {
	n = split(text, part, separator)
	for (i = 1; i <= n; i++)
		out = out (i > 1 ? ", " : "") string(part[i])
	return "[" out "]"
}

function json_domains(d, n, first) {
	printf "      \"domains\": ["
	for (d = 1; d <= get("domains"); d++) {
		split(now[id, "line", d], word, " ")
		printf "%s\n        {\"id\": %s, \"pgsizes\": %s, \"aperture\": %s, \"coherent\": %s, \"groups\": [", \
			(d > 1 ? "," : ""), number(word[2]), string(word[4]), string(word[6]),
			word[8] == "1" ? "true" : "false"
		first = 1
		for (n = 1; n <= get("groups"); n++) {
			if (now[id, "group_domain", n] != now[id, "domain", d])
				continue
			printf "%s\n          {\"group\": %s, \"how\": %s, \"why\": %s, \"devices\": %s, \"default\": %s}", \
				first ? "" : ",", number(now[id, "group", n]), string(now[id, "how", n]),
				string(now[id, "why", n]), list(now[id, "group_devices", n], " "),
				string(now[id, "default", n])
			first = 0
		}
		printf "]}"
	}
	print "]"
}

function json_container(i, n, key) {
	printf "%s\n    {\n", (i > 1 ? "," : "")
	printf "      \"container\": %s, \"pid\": %s, \"process\": %s, \"type\": %s,\n", number(id),
		number(get("pid")), string(get("name")), string(get("type"))
	printf "      \"devices\": %s, \"emulated_groups\": %s, \"iova_ranges\": %s,\n",
		list(get("devices"), ","), list(get("emulated"), " "), list(get("ranges"), " ")
	n = split("mappings maps unmaps syncs entries_left pinned_pages accounted_pages shared_pages device_pinned_pages page_size locked_pages metadata_bytes", key, " ")
	for (i = 1; i <= n; i++)
		printf "      \"%s\": %s,\n", key[i], number(get(key[i]))
	printf "      \"locked_limit_pages\": %s,\n", get("locked_limit_pages") == "unlimited" ? "\"unlimited\"" : number(get("locked_limit_pages"))
	json_domains()
	printf "    }"
}

function json_all(i, first) {
	printf "{\n  \"version\": %s,\n  \"claim_type1\": %s,\n  \"claim_only\": %s,\n", string(version),
		claim == "Y" ? "true" : "false", string(only)
	printf "  \"use_counts\": {\"vfio_iommu_batch\": %s, \"vfio_iommu_type1\": %s},\n",
		number(refcnt["vfio_iommu_batch"]), number(refcnt["vfio_iommu_type1"])
	printf "  \"containers\": ["
	for (i = 1; i <= nr; i++) {
		id = ids[i]
		json_container(i)
	}
	printf "%s],\n  \"others\": [", (nr ? "\n  " : "")
	first = 1
	for (i = 1; i <= users; i++) {
		if (user_pid[i] in ours)
			continue
		printf "%s{\"pid\": %s, \"process\": %s}", first ? "" : ", ", number(user_pid[i]),
			string(user_name[i])
		first = 0
	}
	print "]\n}"
}

END {
	if (json) {
		json_all()
		exit
	}
	head()
	for (i = 1; i <= nr; i++) {
		id = ids[i]
		row()
	}
	other_rows()
}
