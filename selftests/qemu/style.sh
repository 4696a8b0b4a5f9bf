#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The style gates, each a line "ok" or "not ok" with what is wrong below it.
# Files are those that git knows or would add.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/gate.sh"
cd "$ZC_TOP"

out=build/style
rm -rf "$out"
mkdir -p "$out"

# files [PATTERN...]: a gate that finds nothing to look at is a failure
files()
{
	git ls-files -co --exclude-standard -- "$@" |
		while read -r file; do
			[ ! -f "$file" ] || printf '%s\n' "$file"
		done | grep . || {
		echo "no files match: $*" >&2
		return 1
	}
}

# compat.h: KERNEL_VERSION() on the right is a constant to checkpatch. trace.h: TRACE_EVENT()
# is written as all of the kernel's are, like a structure and functions in parentheses, and
# flags are looked at twice to be printed.
checkpatch_kernel()
{
	perl "$ZC_LAB/ksft/scripts/checkpatch.pl" --quiet \
		--ignore CONSTANT_COMPARISON -f kmod/compat.h &&
		perl "$ZC_LAB/ksft/scripts/checkpatch.pl" --quiet \
			--ignore PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE,MACRO_ARG_REUSE \
			-f kmod/trace.h &&
		files 'kmod/*.[ch]' 'uapi/*.h' | grep -vE '^kmod/(compat|trace)\.h$' |
		xargs perl "$ZC_LAB/ksft/scripts/checkpatch.pl" --quiet -f
}

# Without what user space cannot follow, having no u64, __printf(), kstrtoul(),
# fallthrough …; -ENOSYS is there an answer to expect, and "load" a word before
# it is the name of a function; signal handlers want volatile, and shell commands
# in tests are long strings.
checkpatch_user()
{
	local some='^(selftests/fuzz/ioctls\.c|user/tests/fuzz/.*)$'

	files 'user/*.[ch]' 'selftests/*.[ch]' | grep -vE "$some" | checkpatch_others &&
		echo selftests/fuzz/ioctls.c |
		checkpatch_others --ignore MACRO_ARG_REUSE,SPACING,PARENTHESIS_ALIGNMENT &&
		files 'user/tests/fuzz/*.[ch]' |
		checkpatch_others --ignore CAMELCASE,STATIC_CONST_CHAR_ARRAY
}

# checkpatch_others [OPTION...]: the files that standard input names. A table of members has
# each twice, for its place and its size; libFuzzer has a name for its function, and main()
# of zcctl takes words that may change.
checkpatch_others()
{
	xargs perl "$ZC_LAB/ksft/scripts/checkpatch.pl" --quiet "$@" \
		--ignore PREFER_KERNEL_TYPES,PREFER_DEFINED_ATTRIBUTE_MACRO \
		--ignore SSCANF_TO_KSTRTO,PREFER_FALLTHROUGH,ARRAY_SIZE,MINMAX \
		--ignore ENOSYS,EMBEDDED_FUNCTION_NAME \
		--ignore VOLATILE,SPLIT_STRING -f
}

warnings_61()
{
	build_module 6.1 "$ZC_TOP/$out/module-6.1" W=1 KCFLAGS=-Werror
}

sparse_612()
{
	build_module 6.12 "$ZC_TOP/$out/module-6.12" W=1 KCFLAGS=-Werror C=2 \
		CF='-Wsparse-error'
}

# The module, from a copy, as what is built here may be of another kernel; Debian's headers
# know no key to sign it by.
install_and_remove()
{
	local copy=$ZC_TOP/$out/install
	local args=(-s -C "$copy" KDIR="$ZC_LAB/kernel-6.1/kdir" DESTDIR="$copy/root"
		CONFIG_MODULE_SIG_ALL=)

	rm -rf "$copy"
	mkdir -p "$copy/selftests"
	cp -a Makefile Kbuild kmod uapi user "$copy"
	cp selftests/Makefile "$copy/selftests"
	make "${args[@]}" modules modules_install &&
		[ -e "$copy/root/lib/modules/$(cat "$ZC_LAB/kernel-6.1/release")/updates/zc.ko" ] &&
		make "${args[@]}" uninstall || return
	! find "$copy/root" -type f | grep .
}

shell_scripts()
{
	{
		files '*.sh'
		files | xargs grep -lE '^#!/bin/(ba)?sh'
	} | sort -u | xargs shellcheck -x -P SCRIPTDIR
}

kernel_doc()
{
	files 'kmod/*.[ch]' 'uapi/*.h' |
		xargs perl "$ZC_LAB/ksft/scripts/kernel-doc" -none -Werror
}

# The kernel's own abbreviations are no slips.
spelling()
{
	files | grep -v '^LICENSES/' | xargs codespell -L filp,iput,parm,inout
}

# Two files of Debian packages know no comments.
spdx()
{
	local file bad=0

	while read -r file; do
		head -n 5 "$file" | grep -q 'SPDX-License-Identifier:' && continue
		echo "$file: no SPDX line at its top"
		bad=1
	done < <(files | grep -vE '^(LICENSES/|packaging/debian/(changelog|copyright|source/format)$)')
	return $bad
}

# What packages say of the licenses is what the files say.
licenses()
{
	files | grep -v '^LICENSES/' | packaging/copyright.py
}

version_checks()
{
	! files 'kmod/*' 'uapi/*' | grep -v '^kmod/compat.h$' |
		xargs grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION'
}

# said WHAT FILE TEXT: is it there?
said()
{
	grep -qF -- "$3" "$2" && return
	echo "$2 does not name $1 as dkms.conf does: '$3'"
	return 1
}

# of_dkms KEY: what dkms.conf says
of_dkms()
{
	# shellcheck source=/dev/null
	(set +u && . ./dkms.conf && printf '%s' "${!1}")
}

# dkms.conf says what the oldest kernel is; the regular expression, for those that know no
# other word, says the same.
oldest_kernel()
{
	local min text code regex file k fits wanted bad=0

	min=$(of_dkms BUILD_EXCLUSIVE_KERNEL_MIN) regex=$(of_dkms BUILD_EXCLUSIVE_KERNEL)
	text="Linux $min " code="KERNEL_VERSION(${min/./, }, 0)"
	said "the oldest kernel" kmod/compat.h "#if LINUX_VERSION_CODE < $code" || bad=1
	said "the oldest kernel" kmod/compat.h "#error \"zc needs ${text}or later\"" || bad=1
	for file in README.md packaging/debian/control packaging/zc.spec \
			Documentation/ABI/testing/sysfs-module-zc; do
		said "the oldest kernel" "$file" "$text" || bad=1
	done
	for k in 2.6.32 3.16.0 4.19.0-9 5.{0..19}.0-1 6.{0..30}.7-1 7.{0..30}.1+deb14 10.0.0; do
		[[ $k =~ $regex ]] && fits=y || fits=n
		[ "$(printf '%s\n' "$min" "$k" | sort -V | head -n 1)" = "$min" ] && wanted=y || wanted=n
		[ $fits = $wanted ] && continue
		echo "dkms.conf: BUILD_EXCLUSIVE_KERNEL and $min do not agree about $k"
		bad=1
	done
	return $bad
}

# The same of the version. A package's may have a revision more.
one_version()
{
	local version bad=0

	version=$(of_dkms PACKAGE_VERSION)
	said "the version" kmod/zc.h "ZC_MODULE_VERSION	\"$version\"" || bad=1
	said "the version" user/Makefile "VERSION	:= $version" || bad=1
	said "the version" NEWS.md "## $version" || bad=1
	said "the version" packaging/zc.spec "Version:	$version" || bad=1
	[[ $(head -n 1 packaging/debian/changelog) == "zc ($version-"* ]] || {
		echo "packaging/debian/changelog does not begin with $version"
		bad=1
	}
	said "the soname" packaging/debian/control "Package: libzc$(
		sed -n 's/^SOMAJOR.*= //p' user/Makefile)" || bad=1
	return $bad
}

# What a program may call is what the package says that it may.
library_symbols()
{
	diff <(sed -nE 's/^\t(zc_[a-z_]+);/\1/p' user/lib/libzc.map | sort) \
		<(sed -nE 's/^ (zc_[a-z_]+)@.*/\1/p' packaging/debian/libzc[0-9].symbols | sort)
}

file_sizes()
{
	! files '*.[ch]' '*.sh' | xargs wc -l | awk '$2 != "total" && $1 > 600' |
		grep .
}

# What sysfs has of the module, and its uevents, is what Documentation/ABI says: no more, no
# less.
sysfs_abi()
{
	local params='/sys/module/zc/parameters' abi=Documentation/ABI/testing key bad=0

	diff <(sed -nE "s,^What:[[:space:]]*$params/(.*),\1,p" "$abi/sysfs-module-zc" | sort) \
		<(sed -nE 's/^module_param[a-z_]*\(([a-z_]+),.*/\1/p' kmod/*.c | sort) || bad=1
	for key in $(grep -ohE '"ZC_[A-Z]+=' kmod/guard.c | tr -d '"='); do
		grep -qE "^[[:space:]]+$key " "$abi/sysfs-class-misc-zc" && continue
		echo "$key is not in $abi/sysfs-class-misc-zc"
		bad=1
	done
	return $bad
}

# user_space COMPILER
user_space()
{
	make -s -C user CC="$1" BUILD="$ZC_TOP/$out/user-$1" WERROR=1
}

# uapi_alone COMPILER [FLAG...]
uapi_alone()
{
	echo '#include <linux/zc.h>' |
		"$1" "${@:2}" -Wall -Wextra -Wpedantic -Wno-long-long -Werror \
			-Iuapi -fsyntax-only -
}

documentation()
{
	ZC_KERNEL_DOC=$ZC_LAB/ksft sphinx-build -q -W --keep-going -d "$out/doctrees" \
		-b html Documentation "$out/htmldocs"
}

# By the kernel's own Makefile, in a tree of what ksft.sh has of it
kernel_tree()
{
	local linux=$ZC_TOP/$out/linux

	rm -rf "$linux"
	cp -r "$ZC_LAB/ksft" "$linux"
	make -s -C selftests drop-in LINUX="$linux" &&
		TOPICS="abi load" make -s -C "$linux/tools/testing/selftests" TARGETS=zc install \
			KSFT_INSTALL_PATH="$linux/install" &&
		"$linux/install/run_kselftest.sh" -l | tr '\n' ' ' |
		grep -x 'zc/abi:abi zc/abi:abi32 zc/abi:confined zc/abi:full32 zc/load:load.sh '
}

netlink_generated()
{
	"$ZC_QEMU/ynl.sh" --check
}

"$ZC_QEMU/ksft.sh"
"$ZC_QEMU/promtool.sh"
export PROMTOOL=$ZC_LAB/promtool
kernel 6.1
kernel 6.12
gate "checkpatch: module and uapi" checkpatch_kernel
gate "checkpatch: user space and selftests" checkpatch_user
gate "W=1 -Werror on 6.1" warnings_61
gate "sparse, W=1 -Werror on 6.12" sparse_612
gate "the module installed, and removed" install_and_remove
gate "shellcheck" shell_scripts
gate "kernel-doc" kernel_doc
gate "codespell" spelling
gate "SPDX lines" spdx
gate "debian/copyright has them" licenses
gate "version checks only in kmod/compat.h" version_checks
gate "files under 600 lines" file_sizes
gate "one oldest kernel" oldest_kernel
gate "one version" one_version
gate "the library's symbols are those of its package" library_symbols
gate "sysfs is what Documentation/ABI says" sysfs_abi
gate "netlink: generated files are those of the spec" netlink_generated
gate "commands in the documentation have a test" python3 user/tests/commands.py check
gate "tests that the documentation names are there" python3 selftests/named.py
gate "documentation by Sphinx, without a warning" documentation
gate "the selftests in a kernel tree" kernel_tree
gate "user space by gcc, -Werror" user_space gcc
gate "user space by clang, -Werror" user_space clang
gate "the model of a TLB" make -s -C selftests/qemu/tlb BUILD="$ZC_TOP/$out/tlb" WERROR=1 test
gate "fuzzers know all of the interface" python3 selftests/fuzz/dev_zc.py
gate "parsers by libFuzzer" make -s -C user fuzz SECONDS=5
gate "zcctl without the module" make -s -C user test
gate "zcctl report in a browser" make -s -C user test-browser
gate "uapi header alone: C" uapi_alone gcc -x c
gate "uapi header alone: C, 32 bit" uapi_alone gcc -m32 -x c
gate "uapi header alone: C++" uapi_alone g++ -x c++
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
