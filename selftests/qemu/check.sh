#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run the kselftests in guests. From the environment:
#   KERNELS   kernels to run on (default "6.1 6.12"; also: 7.3, debug)
#   TOPICS    kselftest collections (default: all)
#   ZC_SUITE  where they are installed (default build/kselftest)
# The last line is "N passed, N failed, N skipped"; the exit status is 0 only if
# something passed and nothing failed. All output: build/run/check-K/all.log
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ktap.sh"

kernels=${KERNELS:-6.1 6.12}
suite=${ZC_SUITE:-$ZC_TOP/build/kselftest}
topics=${TOPICS:-$(cut -d: -f1 "$suite/kselftest-list.txt" | sort -u | tr '\n' ' ')}
failures=()

# One at a time: guests and logs have fixed names.
lock check
staging=$(mktemp -d "${TMPDIR:-/tmp}/zc-check-XXXXXX")
trap 'rm -rf "$staging"' EXIT

# summary K TOPIC: what was counted since the last one
summary()
{
	printf '%s: %s: %d passed, %d failed, %d skipped (%d s)\n' "$k" "$topic" \
		$((passed - was_passed)) $((failed - was_failed)) \
		$((skipped - was_skipped)) $((SECONDS - was_seconds))
}

# read_guest: follow a guest's output. What is left of $todo did not run.
read_guest()
{
	local line open=''

	topic=boot program=''
	ktap_begin
	while IFS= read -r line; do
		printf '%s\n' "$line" >>"$log"
		case $line in
		'### run '*)
			topic=${line#\#\#\# run } open=y
			was_passed=$passed was_failed=$failed
			was_skipped=$skipped was_seconds=$SECONDS
			ktap_begin ;;
		'### end '*)
			ktap_end
			summary
			open='' todo=${todo#"$topic" } ;;
		*)
			ktap_line "$line" ;;
		esac
	done
	if [ -n "$open" ]; then
		fail "$topic: the guest died or hung in ${program:-the beginning}"
		printf '    | %s\n' "${program_lines[@]}"
		summary
		todo=${todo#"$topic" }
	elif [ -n "${todo% }" ] && [ "$topic" != guest ]; then
		fail "$k: the guest died after topic $topic"
		todo=''
	fi
}

check_kernel()
{
	local timeout='' limit=1200 have=0

	k=$1
	log=$ZC_RUN/check-$k/all.log
	mkdir -p "$ZC_RUN/check-$k"
	: >"$log"
	echo "== kernel $k: $topics"
	rm -rf "${staging:?}/$k"
	kernel "$k" || have=$?
	# 7.3 is on its way out of the archive, sooner or later.
	if [ "$have" -eq 4 ] && [[ $k == 7.* ]]; then
		skip "kernel $k: not in the archive"
		return
	elif [ "$have" -ne 0 ]; then
		fail "kernel $k: cannot be had"
		return
	fi
	payload "$k" "$staging/$k"
	cp -a "$suite" "$staging/$k/kselftest"
	cp "$ZC_QEMU/guest-check.sh" "$staging/$k"
	# KASAN and lockdep take their time.
	if [ "$k" = debug ]; then
		timeout=600 limit=1800
	fi
	todo="${topics% } "
	while [ -n "${todo% }" ]; do
		# shellcheck disable=SC2086 # a list of topics
		read_guest < <("$ZC_QEMU/guest.sh" -k "$k" --name "guest-$k" \
			--time-limit "$limit" --payload "$staging/$k" -- \
			env TIMEOUT="$timeout" bash /zc/guest-check.sh $todo 2>&1)
	done
}

for kernel in $kernels; do
	check_kernel "$kernel"
done
if [ "$failed" -gt 0 ]; then
	echo "Failed:"
	printf '    %s\n' "${failures[@]}"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
