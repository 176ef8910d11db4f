# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# vfio-batch status and top: which backend serves whom, read from debugfs, sysfs and
# /proc. Sourced by vfio-batch; what the lines look like is in status.awk.

CONTAINERS=$ROOT/sys/kernel/debug/$MODULE/containers

# Processes that have a container open, one a line: PID NAME. Those that we serve
# are among them. With /dev/null beside them, ls names each directory.
container_users() {
	ls -l "$ROOT"/proc/[0-9]*/fd /dev/null 2>/dev/null | awk '
		/\/fd:$/ { pid = $0; sub(/\/fd:$/, "", pid); sub(/.*\//, "", pid) }
		/ -> \/dev\/vfio\/vfio$/ && !(pid in seen) { seen[pid]; print pid }' |
		while read -r pid; do
			printf '%s %s\n' "$pid" "$(cat "$ROOT/proc/$pid/comm" 2>/dev/null)"
		done
}

refcount() {
	cat "$ROOT/sys/module/$1/refcnt" 2>/dev/null || echo -
}

# What awk reads: first what is known of the host, then the list of the module.
facts() {
	echo "version $(cat "$ROOT/sys/module/$MODULE/version" 2>/dev/null)"
	echo "claim_type1 $(parameter $MODULE claim_type1)"
	echo "claim_only $(parameter $MODULE claim_only)"
	echo "refcnt $MODULE $(refcount $MODULE)"
	echo "refcnt vfio_iommu_type1 $(refcount vfio_iommu_type1)"
	echo "uptime $(cut -d' ' -f1 "$ROOT/proc/uptime" 2>/dev/null)"
	container_users | sed 's/^/user /'
	echo containers
	cat "$CONTAINERS"
}

need_list() {
	need_module
	[ -r "$CONTAINERS" ] || give_up "$CONTAINERS cannot be read: root, and debugfs mounted?"
}

status() {
	need_list
	facts | awk -v json="${1:+1}" -f "$PARTS/status.awk"
}

# Rates are the difference to the round before, which is kept in a file.
top() {
	need_list
	before=$(mktemp)
	now=$(mktemp)
	trap 'rm -f "$before" "$now"' EXIT
	trap 'exit 0' INT TERM
	round=0
	while [ "$TIMES" -eq 0 ] || [ "$round" -lt "$TIMES" ]; do
		[ "$round" -eq 0 ] || sleep "$SECONDS_BETWEEN"
		need_list
		facts >"$now"
		[ ! -t 1 ] || printf '\033[H\033[J'
		awk -v rates=1 -f "$PARTS/status.awk" "$before" "$now"
		cp "$now" "$before"
		round=$((round + 1))
	done
}

is_number() {
	case $1 in
	'' | *[!0-9]*) return 1 ;;
	esac
}

main() {
	command=$1 json='' TIMES=0 SECONDS_BETWEEN=2
	shift
	while [ $# -gt 0 ]; do
		case $command$1 in
		status--json) json=1 ;;
		top-d | top-n)
			is_number "${2:-}" || give_up "$1 needs a number"
			if [ "$1" = -d ]; then SECONDS_BETWEEN=$2; else TIMES=$2; fi
			shift
			;;
		*) give_up "$command knows no $1, see vfio-batch --help" ;;
		esac
		shift
	done
	if [ "$command" = top ]; then
		top
	else
		status "$json"
	fi
}
