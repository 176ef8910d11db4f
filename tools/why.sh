# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# vfio-batch why: refusals and limits as sentences. They come from tracepoints, which
# are recorded in a trace instance of the tool's own, so nobody else's trace is
# touched; it stays there, for what has just been. The events it has on are those of
# calls that fail and of groups that come and go: others cost nothing. Sourced by
# vfio-batch; the sentences are made in why.awk.

TRACING=$ROOT/sys/kernel/tracing
INSTANCE=$TRACING/instances/$MODULE
EVENTS='refuse failed limit attach detach'
BUFFER_KB=64 # for each CPU

# Records from now on, unless it does already.
record() {
	[ -d "$TRACING/instances" ] ||
		give_up "no $TRACING: mount -t tracefs tracefs /sys/kernel/tracing"
	if [ ! -d "$INSTANCE" ]; then
		mkdir "$INSTANCE" || give_up "$INSTANCE cannot be made: root?"
		echo $BUFFER_KB >"$INSTANCE/buffer_size_kb"
		echo boot >"$INSTANCE/trace_clock" # as /proc/uptime counts
		FRESH=1
	fi
	for event in $EVENTS; do
		file=$INSTANCE/events/$MODULE/vib_$event/enable
		[ -e "$file" ] || give_up "the module has no event vib_$event: another version?"
		# A module that was loaded anew has them off.
		case $(cat "$file") in
		0*) echo 1 >"$file" ;;
		esac
	done
}

# Becomes an awk that does not wait for more than there is.
awk_unbuffered() {
	if awk -W version 2>&1 </dev/null | grep -q ^mawk; then
		exec awk -W interactive "$@"
	else
		exec awk "$@"
	fi
}

# Seconds since the epoch when the host was booted.
booted() {
	echo $(($(date +%s) - $(cut -d. -f1 "$ROOT/proc/uptime")))
}

sentences() {
	awk_unbuffered -v root="$ROOT" -v booted="$(booted)" -f "$PARTS/why.awk"
}

main() {
	shift
	FRESH=''
	case ${1:-} in
	--off)
		if [ -d "$INSTANCE" ]; then
			rmdir "$INSTANCE" || give_up "$INSTANCE cannot be removed: does a why run?"
		fi
		;;
	--once)
		need_module
		record
		[ -z "$FRESH" ] || say "nothing was recorded until now; from now on it is"
		sentences <"$INSTANCE/trace"
		;;
	'')
		need_module
		record
		say "waiting for calls that are refused; Ctrl-C ends it"
		sentences <"$INSTANCE/trace_pipe"
		;;
	*) give_up "why knows no $1, see vfio-batch --help" ;;
	esac
}
