# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Several boots, one result: sums up what tests/vm/run left in each one's log
# directory. Sourced after common.sh.

SUM_PASSED=0 SUM_FAILED=0 SUM_SKIPPED=0

# one_boot LOGDIR run-argument...: boots and adds up. A boot without a verdict is a
# failure.
one_boot() {
	local log=$1 p=0 f=1 s=0
	shift
	rm -f "$log/verdict"
	"$VIB_TOP/tests/vm/run" --log "$log" "$@" || true
	if [ -s "$log/verdict" ]; then
		read -r p f s < <(tr -dc '0-9 \n' <"$log/verdict")
	fi
	SUM_PASSED=$((SUM_PASSED + p)) SUM_FAILED=$((SUM_FAILED + f))
	SUM_SKIPPED=$((SUM_SKIPPED + s))
}

# The last thing a script does: the closing line, and the exit status.
print_sum() {
	printf '%s passed, %s failed, %s skipped\n' $SUM_PASSED $SUM_FAILED $SUM_SKIPPED
	exit $((SUM_FAILED > 0))
}
