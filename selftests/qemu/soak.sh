#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A mixed load, and a look at what is left of it, for ZC_SOAK seconds (default 1800) in a
# guest of each of KERNELS (default 6.12): selftests/survive/soak.sh, as a kselftest, and
# then what guest-look.sh looks at: unloading, the kernel's log and kmemleak. The output,
# with its tables, is build/run/soak-K.log, too.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

seconds=${ZC_SOAK:-1800}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die "ZC_SOAK takes a number of seconds, not '$seconds'"
staging=$(mktemp -d "${TMPDIR:-/tmp}/zc-soak-XXXXXX")
trap 'rm -rf "$staging"' EXIT
failed=''

# A machine that has other work takes longer to begin and to end.
soak()
{
	payload "$1" "$staging/$1"
	cp -a "$ZC_TOP/build/kselftest" "$staging/$1/kselftest"
	cp "$ZC_QEMU"/guest-{check,look}.sh "$staging/$1"
	"$ZC_QEMU/guest.sh" -k "$1" -s 2 -m 4096 --edu --name "soak-$1" \
		--time-limit $((seconds * 2 + 900)) --payload "$staging/$1" -- \
		env ZC_SOAK="$seconds" ZC_SEED="${ZC_SEED-}" TIMEOUT=$((seconds * 2 + 600)) \
		bash /zc/guest-check.sh survive:soak.sh 2>&1 | tee "$ZC_RUN/soak-$1.log"
	grep -q '^ok 1 selftests: survive: soak.sh$' "$ZC_RUN/soak-$1.log" &&
		grep -q '^### end guest' "$ZC_RUN/soak-$1.log" &&
		! grep -q '^not ok' "$ZC_RUN/soak-$1.log"
}

mkdir -p "$ZC_RUN"
for k in ${KERNELS:-6.12}; do
	say "kernel $k: $seconds s of mixed load"
	soak "$k" || failed+=" $k"
done
[ -z "$failed" ] || die "not right:$failed"
say "all right"
