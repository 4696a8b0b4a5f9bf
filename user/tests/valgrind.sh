#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# zcctl without root and the module, as run.sh and doctor.sh have it, and libzc, by valgrind:
# memory that nobody has set, or that is gone, and what is lost for good. BUILD: where they are.
set -u
build=${BUILD:?}
here=${0%/*}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
options="-q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite"

mkdir "$dir/build" "$dir/logs"
for file in "$build"/*; do
	ln -s "$file" "$dir/build"
done
rm "$dir/build/zcctl"
cat >"$dir/build/zcctl" <<END
#!/bin/sh
exec valgrind $options --log-file=$dir/logs/%p "$build/zcctl" "\$@"
END
chmod +x "$dir/build/zcctl"

# ended NAME STATUS FILE: the last lines of what failed
ended()
{
	if [ "$2" -eq 0 ]; then
		echo "ok $1"
	else
		echo "not ok $1"
		grep -A 5 '^not ok' "$3" || tail -n 40 "$3"
		failed=1
	fi
}

for script in run.sh doctor.sh; do
	ZC_VALGRIND=y BUILD=$dir/build "$here/$script" >"$dir/out" 2>&1
	ended "$script" $? "$dir/out"
done
# A command that is to fail fails by valgrind, too.
if grep -l '^==' "$dir"/logs/* >"$dir/out" 2>/dev/null; then
	xargs cat <"$dir/out" >"$dir/said"
	ended "zcctl" 1 "$dir/said"
else
	ended "zcctl" 0
fi
[ "$(find "$dir/logs" -type f | wc -l)" -gt 100 ]
ended "zcctl was run" $? "$dir/out"
for test in test-libzc test-view test-latency; do
	# shellcheck disable=SC2086 # options
	valgrind $options "$build/$test" >"$dir/out" 2>&1
	ended $test $? "$dir/out"
done
exit $failed
