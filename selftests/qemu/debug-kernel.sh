#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# debug-kernel.sh [debug|kcsan|gcov]: build the debug kernel (KASAN, lockdep, kmemleak, fault
# injection …), or the one with KCSAN in the place of what does not go with it, or the one
# with gcov and fault injection, from Debian's 6.12 source into build/lab/kernel-debug (or
# -kcsan, -gcov), laid out as kernel.sh lays out the stock ones. Takes about fifteen minutes
# on two cores, once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

k=${1:-debug}
out=$ZC_LAB/kernel-$k
log=$ZC_LAB/kernel-$k.log
src=$ZC_LAB/.$k-source
new=$ZC_LAB/.kernel-$k

lock "kernel-$k"
rm -rf "$src" "$new"
trap 'rm -rf "$src" "$new"' EXIT
mkdir -p "$src" "$new"
# Of an option that is named again the last one holds.
config=$new/debug-kernel.config
cat "$ZC_QEMU/debug-kernel.config" >"$config"
[ "$k" = debug ] || awk -F '[= ]' '
	!/^CONFIG_/ { line[++n] = $0; next }
	!($1 in at) { at[$1] = ++n }
	{ line[at[$1]] = $0 }
	END { for (i = 1; i <= n; i++) print line[i] }' \
	"$ZC_QEMU"/{debug,"$k"}-kernel.config >"$config"

# The stamp is the configuration itself: an edited one means a new build.
if cmp -s "$config" "$out/${config##*/}"; then
	exit 0
fi
"$ZC_QEMU/source.sh"

quiet_make()
{
	nice -n 19 make -s -C "$src" -j"$(nproc)" KBUILD_BUILD_USER=zc \
		KBUILD_BUILD_HOST=lab LOCALVERSION="-$k" "$@" >>"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "the $k kernel did not build; the whole log: $log"
	}
}

# Options of our list that the finished .config does not have
vanished()
{
	grep '^CONFIG_' "$config" | while IFS= read -r line; do
		case $line in
		*=n) ! grep -q "^${line%=n}=" "$src/.config" || echo "$line" ;;
		*) grep -qxF "$line" "$src/.config" || echo "$line" ;;
		esac
	done
}

# What an external module needs of a built tree, and nothing more
prune_into()
{
	mkdir -p "$1/arch/x86" "$1/tools/objtool"
	cp -a "$src"/{.config,Makefile,Module.symvers,include,scripts} "$1"
	cp -a "$src"/arch/x86/{include,Makefile*} "$1/arch/x86"
	[ ! -x "$src/tools/objtool/objtool" ] ||
		cp -a "$src/tools/objtool/objtool" "$1/tools/objtool"
}

say "building the $k kernel (log: $log)"
: >"$log"
tar -xf "$ZC_LAB/linux-source-6.12.tar.xz" -C "$src" --strip-components=1
quiet_make allnoconfig KCONFIG_ALLCONFIG="$config"
gone=$(vanished)
[ -z "$gone" ] || die "Kconfig dropped these options of ${config##*/}:
$gone"

# objtool marks what the function tracer patches, and otherwise looks for errors of
# the kernel's own, in a fifth of the time.
args=()
grep -q '^CONFIG_FUNCTION_TRACER=y' "$src/.config" ||
	args=(OBJECT_FILES_NON_STANDARD=y)
quiet_make bzImage modules "${args[@]}"
quiet_make modules_install INSTALL_MOD_PATH="$new"
release=$(make -s -C "$src" LOCALVERSION="-$k" kernelrelease)
cp "$src/arch/x86/boot/bzImage" "$new/vmlinuz"
echo "$release" >"$new/release"
mv "$new/lib/modules/$release" "$new/modules"
rm -r "${new:?}/lib" "$new/modules/build"
prune_into "$new/kdir"
"$ZC_QEMU/modules-image.sh" "$new"
rm -rf "$out"
mv "$new" "$out"
say "$k kernel $release is ready"
