# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Checks that are each a line, "ok" or "not ok" with what is wrong below it. Sourced; the
# caller names a folder in $out.

passed=0 failed=0

# gate NAME FUNCTION [ARGS...]: the function prints what is wrong and fails
gate()
{
	local name=$1 begin=$SECONDS

	shift
	# shellcheck disable=SC2154
	if "$@" >"$out/log" 2>&1; then
		passed=$((passed + 1))
		echo "ok     $name, $((SECONDS - begin)) s"
	else
		failed=$((failed + 1))
		echo "not ok $name"
		sed 's/^/    | /' "$out/log"
	fi
}
