# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Checks that are each a line, "ok", "skip" or "not ok" with what is wrong below it. Sourced;
# the caller names a folder in $out.

# shellcheck disable=SC2034
passed=0 failed=0 skipped=0

# gate NAME FUNCTION [ARGS...]: the function prints what is wrong and fails. If it does not,
# and says "1..0 # SKIP WHY" as TAP does, it was skipped.
gate()
{
	local name=$1 begin=$SECONDS why

	shift
	# shellcheck disable=SC2154
	if "$@" >"$out/log" 2>&1; then
		why=$(sed -n 's/^1\.\.0 # SKIP //p' "$out/log" | head -n 1)
		if [ -n "$why" ]; then
			skipped=$((skipped + 1))
			echo "skip   $name: $why"
			return
		fi
		passed=$((passed + 1))
		echo "ok     $name, $((SECONDS - begin)) s"
	else
		failed=$((failed + 1))
		echo "not ok $name"
		sed 's/^/    | /' "$out/log"
	fi
}
