#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Call the module at random (selftests/fuzz) in guests, one after another, until so many
# calls were made. A guest panics at the first report of its kernel, and that ends it all;
# its console is shown. From the environment:
#   CALLS    how many calls (default 10000000)
#   KERNEL   which kernel (default debug, which has KASAN, lockdep and coverage)
#   SECONDS_EACH  how long a guest runs (default 1500)
#   SEED     of the first guest (default: of the time); the next ones have the next ones
# The last line says how many calls there were in all, and how many places of the module's
# code the best guest has seen.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

calls=${CALLS:-10000000} k=${KERNEL:-debug} each=${SECONDS_EACH:-1500} seed=${SEED:-$(date +%s)}
payload=$(mktemp -d "${TMPDIR:-/tmp}/zc-fuzz-XXXXXX")
trap 'rm -rf "$payload"' EXIT

kernel "$k"
payload "$k" "$payload/p"
mkdir "$payload/p/kselftest"
cp -a "$ZC_TOP/build/kselftest/fuzz" "$payload/p/kselftest"

# said WORD: the last number before it
said()
{
	sed -nE "s/.* ([0-9]+) $1.*/\1/p" "$log" | tail -n 1
}

# kmemleak looks once, at the end, when all is unloaded: by itself it has one of two
# processors for more than a minute of ten.
# shellcheck disable=SC2016 # for the guest
fuzz='leaks=/sys/kernel/debug/kmemleak
	[ ! -e $leaks ] || echo scan=off >$leaks
	/zc/kselftest/fuzz/fuzz "$@" || exit
	[ -e $leaks ] || exit 0
	echo scan >$leaks; sleep 6; echo scan >$leaks
	cat $leaks; [ -z "$(cat $leaks)" ]'

done=0 places=0
mkdir -p "$ZC_RUN"
while [ "$done" -lt "$calls" ]; do
	log=$ZC_RUN/fuzz.log
	status=0
	"$ZC_QEMU/guest.sh" -k "$k" --name fuzz -m 5120 --edu --time-limit $((each + 900)) \
		--payload "$payload/p" -- sh -c "$fuzz" fuzz --seed "$seed" --processes 8 \
		--seconds "$each" --calls $((calls - done)) >"$log" 2>&1 || status=$?
	new=$(said calls,)
	seen=$(said places,)
	if [ "$status" -ne 0 ]; then
		cat "$log"
		die "seed $seed: status $status after ${new:-0} calls"
	fi
	[ "${new:-0}" -gt 0 ] || die "seed $seed: no calls"
	done=$((done + new))
	[ "${seen:-0}" -le "$places" ] || places=$seen
	say "seed $seed: $new calls, ${seen:-0} places; $done of $calls"
	seed=$((seed + 1))
done
echo "$done calls, $places places, no report"
