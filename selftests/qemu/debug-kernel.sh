#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the debug kernel (KASAN, lockdep, kmemleak, fault injection …) from
# Debian's 6.12 source into build/lab/kernel-debug, laid out as kernel.sh lays
# out the stock ones. Takes about fifteen minutes on two cores, once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

out=$ZC_LAB/kernel-debug
log=$ZC_LAB/kernel-debug.log
src=$ZC_LAB/.debug-source
new=$ZC_LAB/.kernel-debug

lock kernel-debug
rm -rf "$src" "$new"
trap 'rm -rf "$src" "$new"' EXIT
mkdir -p "$src" "$new"
config=$ZC_QEMU/debug-kernel.config

# The stamp is the configuration itself: an edited one means a new build.
if cmp -s "$config" "$out/debug-kernel.config"; then
	exit 0
fi
"$ZC_QEMU/source.sh"

quiet_make()
{
	nice -n 19 make -s -C "$src" -j"$(nproc)" KBUILD_BUILD_USER=zc \
		KBUILD_BUILD_HOST=lab LOCALVERSION=-debug "$@" >>"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "the debug kernel did not build; the whole log: $log"
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

say "building the debug kernel (log: $log)"
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
release=$(make -s -C "$src" LOCALVERSION=-debug kernelrelease)
cp "$src/arch/x86/boot/bzImage" "$new/vmlinuz"
echo "$release" >"$new/release"
cp "$config" "$new/"
mv "$new/lib/modules/$release" "$new/modules"
rm -r "${new:?}/lib" "$new/modules/build"
prune_into "$new/kdir"
"$ZC_QEMU/modules-image.sh" "$new"
rm -rf "$out"
mv "$new" "$out"
say "debug kernel $release is ready"
