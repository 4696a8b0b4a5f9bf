#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Call the module at random (selftests/fuzz) in guests, one after another, until so many
# calls were made. The first report of a kernel ends it all, and is shown, as is what a process,
# the module or memory did wrong. From the environment:
#   CALLS    how many calls (default 10000000, which take hours)
#   KERNELS  which kernels, in turn (default debug, which has KASAN, lockdep and coverage)
#   SECONDS_EACH  how long a guest runs (default 1500)
#   SEED     of the first guest (default: of the time); the next ones have the next ones
# The last line says how many calls there were in all, and how many places of the module's
# code the best guest has seen.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

calls=${CALLS:-10000000} each=${SECONDS_EACH:-1500} seed=${SEED:-$(date +%s)}
read -ra kernels <<<"${KERNELS:-debug}"
staging=$(mktemp -d "${TMPDIR:-/tmp}/zc-fuzz-XXXXXX")
trap 'rm -rf "$staging"' EXIT

for k in "${kernels[@]}"; do
	kernel "$k"
	payload "$k" "$staging/$k"
	mkdir "$staging/$k/kselftest"
	cp -a "$ZC_TOP/build/kselftest/fuzz" "$staging/$k/kselftest"
	cp "$ZC_QEMU"/guest-{look,fuzz}.sh "$staging/$k"
done

# said WORD: the number before it, where the fuzzer last said how far it is
said()
{
	sed -nE "s/^# [0-9]+ s:.* ([0-9]+) $1.*/\1/p" "$log" | tail -n 1
}

done=0 places=0 turn=0
mkdir -p "$ZC_RUN"
while [ "$done" -lt "$calls" ]; do
	k=${kernels[turn++ % ${#kernels[@]}]}
	log=$ZC_RUN/fuzz.log
	status=0
	"$ZC_QEMU/guest.sh" -k "$k" --name fuzz -m 5120 --edu --time-limit $((each + 900)) \
		--payload "$staging/$k" -- bash /zc/guest-fuzz.sh --seed "$seed" --processes 8 \
		--seconds "$each" --calls $((calls - done)) >"$log" 2>&1 || status=$?
	new=$(said calls,)
	seen=$(said places,)
	if [ "$status" -ne 0 ]; then
		cat "$log"
		die "kernel $k, seed $seed: status $status after ${new:-0} calls"
	fi
	[ "${new:-0}" -gt 0 ] || die "seed $seed: no calls"
	done=$((done + new))
	[ "${seen:-0}" -le "$places" ] || places=$seen
	say "kernel $k, seed $seed: $new calls, ${seen:-0} places; $done of $calls"
	seed=$((seed + 1))
done
echo "$done calls, $places places, no report"
