#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# How much of the module the selftests run through, by gcov on a kernel with fault injection:
# lines of each file, those that nobody was at, and labels of error paths that nobody went to.
#   TOPICS  kselftest collections, or single programs as fault:nomem; with @iommu or @swiotlb
#           on a machine with an IOMMU, or where all devices bounce (default: those of the
#           module itself)
#   LEAST   percent of the lines below which it fails (default 90)
#   ADD     if set, add to what earlier runs have counted of the same module, instead of
#           beginning anew
# Fails, too, if a selftest does, or a label was not taken. build/coverage/lines has each file
# with the number of times that each of its lines was run.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

topics=${TOPICS:-abi buffer dma dma@iommu dmabuf dmabuf:export@swiotlb sendfile transfer
	async fault netlink trace load}
out=$ZC_TOP/build/coverage
staging=$(mktemp -d "${TMPDIR:-/tmp}/zc-coverage-XXXXXX")
trap 'rm -rf "$staging"' EXIT

kernel gcov
[ -n "${ADD-}" ] || rm -rf "$out"
# Objects stay where the compiler was told that they are: what it knows of lines is beside them.
# Each build has a stamp of its own, and what was counted of another one is not added.
sources=$(cd "$ZC_TOP" && cat Kbuild kmod/* uapi/linux/* \
	"$ZC_LAB/kernel-gcov/debug-kernel.config" | sha256sum)
if [ ! -d "$out/counts" ]; then
	build_module gcov "$out/module" GCOV_PROFILE=y
	echo "$sources" >"$out/module/sources"
elif [ "$sources" != "$(cat "$out/module/sources")" ]; then
	die "the module is not what was counted before: without ADD, begin anew"
fi
payload_of "$out/module" "$staging/guest"
cp -a "${ZC_SUITE:-$ZC_TOP/build/kselftest}" "$staging/guest/kselftest"
cp "$ZC_QEMU"/guest-{check,look,coverage}.sh "$staging/guest"
say "running the selftests on the gcov kernel; takes twenty minutes"

# add DIR: what was counted there, to the sum
add()
{
	if [ ! -d "$out/counts" ]; then
		cp -r "$1" "$out/counts"
		return
	fi
	gcov-tool merge -o "$staging/sum" "$out/counts" "$1" 2>>"$out/merge.log"
	rm -r "$out/counts"
	mv "$staging/sum" "$out/counts"
}

# A guest for each, so that one that dies takes no more with it than its own counts.
failures=()
for topic in $topics; do
	say "$topic"
	log=$out/$topic.log
	machine=${topic#"${topic%@*}"}
	machine_of "${machine#@}"
	"$ZC_QEMU/guest.sh" -k gcov --name coverage -m 5120 --time-limit 5400 \
		"${options[@]}" --append "$append" --payload "$staging/guest" -- \
		env TIMEOUT=1800 bash /zc/guest-coverage.sh "${topic%@*}" >"$log" 2>&1 ||
		failures+=("$topic: the guest died, see $log")
	mapfile -O ${#failures[@]} -t failures < <(grep -E '^(# )*not ok ' "$log" |
		grep -v '# SKIP' | sed "s/^/$topic: /")
	! compgen -G "$ZC_RUN/coverage/out/*.gcda" >/dev/null || add "$ZC_RUN/coverage/out"
done
[ -d "$out/counts" ] || die "no guest has counted anything"
cp "$out"/counts/*.gcda "$out/module/kmod"
status=0
python3 "$ZC_QEMU/coverage.py" --least "${LEAST:-90}" --lines "$out/lines" "$out/module" ||
	status=$?
if [ ${#failures[@]} -gt 0 ]; then
	printf '%s\n' '' 'Failed:' "${failures[@]/#/    }"
	status=1
fi
exit $status
