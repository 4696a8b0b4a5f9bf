# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# TAP for the tests. Sourced: tap_check NAME COMMAND..., which shows what a command that
# fails has to say; tap_skip NAME WHY; tap_end.

tap_nr=0 tap_failed=0

tap_check()
{
	tap_name=$1
	tap_nr=$((tap_nr + 1))
	shift
	if tap_said=$("$@" 2>&1); then
		echo "ok $tap_nr $tap_name"
	else
		echo "not ok $tap_nr $tap_name"
		printf '%s\n' "$tap_said" | tail -n 20 | sed 's/^/# /'
		tap_failed=$((tap_failed + 1))
	fi
}

tap_skip()
{
	tap_nr=$((tap_nr + 1))
	echo "ok $tap_nr $1 # SKIP $2"
}

tap_end()
{
	echo "1..$tap_nr"
	[ "$tap_failed" -eq 0 ]
	exit
}
