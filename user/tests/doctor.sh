#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# zcctl doctor on machines that are not there: their /proc, /sys, /etc and /lib/modules are
# made up below ZCCTL_ROOT. Neither root nor the module is needed. TAP output.
set -u
build=${BUILD:?}
zcctl=$build/zcctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0 failed=0
release=6.1.0-56-amd64
version=$("$zcctl" --version)
version=${version#zcctl }

# file PATH [LINE...]: of the machine under way
file()
{
	mkdir -p "$root/${1%/*}"
	printf '%s\n' "${@:2}" >"$root/$1"
}

# module PATH RELEASE: a file that says of itself what a module says
module()
{
	mkdir -p "$root/${1%/*}"
	cat >"$dir/module.c" <<-END
	char info[] __attribute__((section(".modinfo"))) =
		"version=$version\0srcversion=ABC\0vermagic=$2 SMP preempt mod_unload ";
	END
	${CC:-cc} -c -o "$root/$1" "$dir/module.c"
}

# machine NAME: one that is as it should be, Debian with the module loaded
machine()
{
	name=$1 root=$dir/$1 args=()
	export ZCCTL_ROOT=$root
	file proc/sys/kernel/osrelease $release
	file proc/version "Linux version $release"
	file proc/modules
	file proc/cmdline "quiet"
	file proc/self/status "Uid:	1000	1000	1000	1000" "Gid:	1000	1000	1000	1000" \
		"Groups:	1000 4242 " "CapEff:	0000000000000000"
	file proc/self/limits "Max locked memory         134217728            134217728            bytes"
	file proc/buddyinfo \
		"Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1      2" \
		"Node 0, zone   Normal    100     50      0      0      0      0      0      0      0     10     60" \
		"Node 1, zone   Normal    100     50      0      0      0      0      0      0      0      1     90"
	file etc/os-release 'ID=debian'
	file etc/group root:x:0: zc:x:4242: users:x:4343:
	file sys/module/zc/version "$version"
	file sys/module/zc/srcversion ABC
	file sys/module/module/parameters/sig_enforce N
	file sys/kernel/security/lsm lockdown
	file sys/kernel/security/lockdown "[none] integrity confidentiality"
	file sys/kernel/mm/transparent_hugepage/enabled "always [madvise] never"
	file sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages 2
	file sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages 1
	file sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages 0
	file sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages 0
	file sys/kernel/iommu_groups/0/type DMA
	file sys/kernel/iommu_groups/1/type DMA
	file lib/modules/$release/build/Makefile
	file lib/modules/$release/modules.dep "kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko" \
		"updates/zc.ko:"
	module lib/modules/$release/updates/zc.ko $release
	file dev/zc
	chmod 666 "$root/dev/zc"
}

unloaded()
{
	rm -r "$root/sys/module/zc" "$root/dev/zc"
}

# result NAME STATUS: of one test; what it printed is in $dir/log
result()
{
	n=$((n + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $n doctor: $1"
	else
		echo "not ok $n doctor: $1"
		sed 's/^/# /' "$dir/log"
		failed=$((failed + 1))
	fi
}

# expect STATUS <GOLDEN: that is how zcctl doctor ends, and these are its findings, as JSON,
# a line each; of the first machine all, and of others those that are not the first one's
expect()
{
	local got

	sed "s/VERSION/$version/g" >"$dir/golden"
	"$zcctl" -j doctor "${args[@]}" >"$dir/json"
	got=$?
	{
		[ "$got" -eq "$1" ] || echo "exit status $got, not $1"
		python3 - "$dir/json" >"$dir/all" <<-'END'
		import json, sys
		o = json.load(open(sys.argv[1]))
		assert list(o) == ["schema", "kind", "findings"], list(o)
		assert o["schema"] == "zcctl/1" and o["kind"] == "doctor", o
		for f in o["findings"]: print(json.dumps(f))
		END
		if [ -e "$dir/first" ]; then
			grep -vxFf "$dir/first" "$dir/all"
		else
			cp "$dir/all" "$dir/first"
			cat "$dir/all"
		fi | diff "$dir/golden" -
	} >"$dir/log" 2>&1
	[ ! -s "$dir/log" ]
	result "$name" $?
}

# states NAME=STATE...: that is what it finds, for what depends on who runs the tests
states()
{
	local want

	"$zcctl" -j doctor "${args[@]}" >"$dir/log"
	for want; do
		grep -q "\"name\":\"${want%=*}\",\"state\":\"${want#*=}\"" "$dir/log" || break
		want=''
	done
	[ -z "$want" ]
	result "$name" $?
}

machine good
expect 0 <<'END'
{"name": "module", "state": "ok", "text": "zc VERSION is loaded", "command": null}
{"name": "headers", "state": "ok", "text": "the headers of kernel 6.1.0-56-amd64 are installed", "command": null}
{"name": "signature", "state": "ok", "text": "this kernel takes modules that are not signed", "command": null}
{"name": "lockdown", "state": "ok", "text": "this kernel is not locked down", "command": null}
{"name": "secure-boot", "state": "ok", "text": "this machine was not booted by EFI", "command": null}
{"name": "device", "state": "ok", "text": "this user may open /dev/zc", "command": null}
{"name": "memory-node0", "state": "ok", "text": "261 MiB free, 260 MiB of it in hugepages (130)", "command": null}
{"name": "memory-node1", "state": "ok", "text": "363 MiB free, 362 MiB of it in hugepages (181)", "command": null}
{"name": "memlock", "state": "ok", "text": "RLIMIT_MEMLOCK is 128 MiB: 64 hugepages for buffers", "command": null}
{"name": "thp", "state": "ok", "text": "madvise; buffers do without", "command": null}
{"name": "hugetlb", "state": "ok", "text": "1 of 2 pages of 1.0 GiB are free", "command": null}
{"name": "iommu", "state": "ok", "text": "strict: devices reach what is mapped for them, and nothing else", "command": null}
END

machine lockdown
unloaded
file sys/kernel/security/lockdown "none [integrity] confidentiality"
expect 1 <<'END'
{"name": "module", "state": "warning", "text": "it is installed for this kernel, but not loaded", "command": "sudo zcctl load"}
{"name": "signature", "state": "problem", "text": "this kernel takes only signed modules (lockdown), and /lib/modules/6.1.0-56-amd64/updates/zc.ko is not signed; the key has to be enrolled once: mokutil --import /var/lib/dkms/mok.pub", "command": "sudo /lib/modules/6.1.0-56-amd64/build/scripts/sign-file sha256 /var/lib/dkms/mok.key /var/lib/dkms/mok.pub /lib/modules/6.1.0-56-amd64/updates/zc.ko"}
{"name": "lockdown", "state": "note", "text": "this kernel is locked down (integrity): see signature", "command": null}
{"name": "device", "state": "note", "text": "there is no /dev/zc before the module is loaded", "command": null}
END

machine lockdown-signed
unloaded
file sys/kernel/security/lockdown "none integrity [confidentiality]"
echo '~Module signature appended~' >>"$root/lib/modules/$release/updates/zc.ko"
expect 0 <<'END'
{"name": "module", "state": "warning", "text": "it is installed for this kernel, but not loaded", "command": "sudo zcctl load"}
{"name": "signature", "state": "note", "text": "this kernel takes only signed modules (lockdown), and /lib/modules/6.1.0-56-amd64/updates/zc.ko is one; whether its key is enrolled cannot be seen", "command": null}
{"name": "lockdown", "state": "note", "text": "this kernel is locked down (confidentiality): see signature", "command": null}
{"name": "device", "state": "note", "text": "there is no /dev/zc before the module is loaded", "command": null}
END

machine lockdown-loaded
file sys/kernel/security/lockdown "none [integrity] confidentiality"
expect 0 <<'END'
{"name": "signature", "state": "ok", "text": "this kernel takes only signed modules (lockdown), and has taken zc", "command": null}
{"name": "lockdown", "state": "note", "text": "this kernel is locked down (integrity): see signature", "command": null}
END

machine sig_enforce
unloaded
file sys/module/module/parameters/sig_enforce Y
rm -r "$root/lib/modules/$release/updates" "$root/lib/modules/$release/modules.dep"
expect 1 <<'END'
{"name": "module", "state": "problem", "text": "it is neither loaded, nor installed for kernel 6.1.0-56-amd64", "command": "make && sudo zcctl load --path ./zc.ko"}
{"name": "signature", "state": "warning", "text": "this kernel takes only signed modules (module.sig_enforce): one built by hand is not, dkms signs those that it builds", "command": "sudo make dkms-install"}
{"name": "device", "state": "note", "text": "there is no /dev/zc before the module is loaded", "command": null}
END

machine no-efivarfs
mkdir -p "$root/sys/firmware/efi/efivars"
expect 0 <<'END'
{"name": "secure-boot", "state": "note", "text": "it cannot be seen: efivarfs is not mounted", "command": "sudo mount -t efivarfs none /sys/firmware/efi/efivars"}
END
file sys/firmware/efi/efivars/BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c 1
expect 0 <<'END'
{"name": "secure-boot", "state": "ok", "text": "it is off", "command": null}
END

machine no-securityfs-secure-boot
unloaded
rm "$root"/sys/kernel/security/*
mkdir -p "$root/sys/firmware/efi/efivars"
printf '\6\0\0\0\1' \
	>"$root/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
expect 0 <<'END'
{"name": "module", "state": "warning", "text": "it is installed for this kernel, but not loaded", "command": "sudo zcctl load"}
{"name": "signature", "state": "note", "text": "with Secure Boot modules have to be signed, unless it was told otherwise; see lockdown", "command": null}
{"name": "lockdown", "state": "note", "text": "it cannot be seen: securityfs is not mounted", "command": "sudo mount -t securityfs none /sys/kernel/security"}
{"name": "secure-boot", "state": "note", "text": "it is on: most kernels lock themselves down then, see signature", "command": null}
{"name": "device", "state": "note", "text": "there is no /dev/zc before the module is loaded", "command": null}
END

machine no-lockdown
rm -r "$root/sys/kernel/security"
expect 0 <<'END'
{"name": "lockdown", "state": "ok", "text": "this kernel has none", "command": null}
END

machine fragments
file proc/buddyinfo \
	"Node 0, zone   Normal  99999  50000    100     10      0      0      0      0      0      3      1" \
	"Node 0, zone  Movable      0      0      0      0      0      0      0      0      0      0   4000" \
	"Node 1, zone   Normal  99999      0      0      0      0      0      0      0      0      0      0" \
	"Node 3, zone   Normal    900      0      0      0      0      0      0      0      0      0      0"
expect 0 <<'END'
{"name": "memory-node0", "state": "warning", "text": "793 MiB free, 10.0 MiB of it in hugepages (5): much is in pieces", "command": "echo 1 | sudo tee /proc/sys/vm/compact_memory"}
{"name": "memory-node1", "state": "warning", "text": "391 MiB free, 0 B of it in hugepages (0): it is all in pieces", "command": "echo 1 | sudo tee /proc/sys/vm/compact_memory"}
{"name": "memory-node3", "state": "warning", "text": "3.5 MiB free, 0 B of it in hugepages (0): little memory", "command": "echo 3 | sudo tee /proc/sys/vm/drop_caches"}
END

machine no-buddyinfo
rm "$root/proc/buddyinfo"
expect 0 <<'END'
{"name": "memory", "state": "note", "text": "free hugepages cannot be seen: /proc/buddyinfo: No such file or directory", "command": null}
END

machine never
file sys/kernel/mm/transparent_hugepage/enabled "always madvise [never]"
rm -r "$root/sys/kernel/mm/hugepages/hugepages-1048576kB"
expect 0 <<'END'
{"name": "thp", "state": "note", "text": "never: buffers do without; but the kernel keeps less memory free against fragments then", "command": "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"}
{"name": "hugetlb", "state": "note", "text": "there are none, and only 'zcctl alloc --page-size' wants them; this machine shows none of 1 GiB", "command": null}
END

machine no-gigabytes
file sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages 0
expect 0 <<'END'
{"name": "hugetlb", "state": "note", "text": "there are none, and only 'zcctl alloc --page-size' wants them; of 1 GiB they are best had at boot: hugepagesz=1G hugepages=1", "command": "echo 1 | sudo tee /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages"}
END

machine left-by-bench
file run/zcctl-bench 4242 "/sys/module/zc/parameters/reserve 0:3,1:1" \
	"/sys/module/zc/parameters/copybreak 512"
file sys/module/zc/parameters/reserve 0:0,1:0
file sys/module/zc/parameters/copybreak 512
expect 0 <<'END'
{"name": "bench", "state": "warning", "text": "zcctl bench was killed, and left /sys/module/zc/parameters/reserve at 0:0,1:0; the next one that changes settings puts it back", "command": "echo 0:3,1:1 | sudo tee /sys/module/zc/parameters/reserve"}
END

machine iommu-lazy
file sys/kernel/iommu_groups/1/type DMA-FQ
expect 0 <<'END'
{"name": "iommu", "state": "note", "text": "lazy: devices reach what was unmapped for some milliseconds: boot with iommu.strict=1 for those that are not trusted", "command": null}
END

machine iommu-off
rm -r "$root/sys/kernel/iommu_groups"
expect 0 <<'END'
{"name": "iommu", "state": "note", "text": "there is none, or it is off (in the firmware, or without intel_iommu=on): devices use physical addresses, and reach all memory", "command": null}
END

machine iommu-off-by-name
rm -r "$root/sys/kernel/iommu_groups"
file proc/cmdline "quiet intel_iommu=off"
expect 0 <<'END'
{"name": "iommu", "state": "note", "text": "there is none, or it is off (iommu=off on the kernel's command line): devices use physical addresses, and reach all memory", "command": null}
END

machine iommu-passthrough
file sys/kernel/iommu_groups/1/type identity
expect 0 <<'END'
{"name": "iommu", "state": "note", "text": "passthrough: 1 of 2 groups of devices use physical addresses: boot with iommu.passthrough=0 to have all translated", "command": null}
END

machine no-headers
rm -r "$root/lib/modules/$release/build"
expect 0 <<'END'
{"name": "headers", "state": "note", "text": "there are no headers of kernel 6.1.0-56-amd64 in /lib/modules: the module cannot be built here, and need not be", "command": "sudo apt-get install linux-headers-6.1.0-56-amd64"}
END

machine no-headers-no-module
unloaded
rm -r "${root:?}/lib"
file etc/os-release 'ID=rocky' 'ID_LIKE="rhel centos fedora"'
expect 1 <<'END'
{"name": "module", "state": "problem", "text": "it is neither loaded, nor installed for kernel 6.1.0-56-amd64", "command": "make && sudo zcctl load --path ./zc.ko"}
{"name": "headers", "state": "warning", "text": "there are no headers of kernel 6.1.0-56-amd64 in /lib/modules: the module cannot be built here", "command": "sudo dnf install kernel-devel-6.1.0-56-amd64"}
{"name": "device", "state": "note", "text": "there is no /dev/zc before the module is loaded", "command": null}
END

machine no-index
unloaded
file lib/modules/$release/modules.dep
expect 1 <<'END'
{"name": "module", "state": "problem", "text": "it is in /lib/modules/6.1.0-56-amd64, but not in the index there", "command": "sudo depmod -a"}
{"name": "device", "state": "note", "text": "there is no /dev/zc before the module is loaded", "command": null}
END

machine other-kernel
unloaded
module lib/modules/$release/updates/zc.ko 6.1.0-55-amd64
expect 1 <<'END'
{"name": "module", "state": "problem", "text": "the one installed, /lib/modules/6.1.0-56-amd64/updates/zc.ko, was built for kernel 6.1.0-55-amd64, and this one is 6.1.0-56-amd64", "command": "make clean all && sudo make install"}
{"name": "device", "state": "note", "text": "there is no /dev/zc before the module is loaded", "command": null}
END

machine other-build
file sys/module/zc/srcversion DEF
expect 0 <<'END'
{"name": "module", "state": "note", "text": "zc VERSION is loaded, but of another build than the one installed", "command": "sudo zcctl unload && sudo zcctl load"}
END

machine other-version
file sys/module/zc/version 0.0.9
expect 0 <<'END'
{"name": "module", "state": "warning", "text": "zc 0.0.9 is loaded, and this is zcctl VERSION: install both of one version", "command": "sudo zcctl unload && sudo zcctl load"}
END

machine no-modules
unloaded
rm "$root/proc/modules"
expect 1 <<'END'
{"name": "module", "state": "problem", "text": "this kernel has no loadable modules: boot one that has (CONFIG_MODULES), or see zc in a guest (make demo)", "command": null}
{"name": "device", "state": "note", "text": "there is no /dev/zc before the module is loaded", "command": null}
END

machine modules-disabled
unloaded
file proc/sys/kernel/modules_disabled 1
expect 1 <<'END'
{"name": "module", "state": "warning", "text": "it is installed for this kernel, but not loaded", "command": "sudo zcctl load"}
{"name": "modules", "state": "problem", "text": "none can be loaded until the next boot (kernel.modules_disabled=1)", "command": null}
{"name": "device", "state": "note", "text": "there is no /dev/zc before the module is loaded", "command": null}
END

machine memlock
file proc/self/limits "Max locked memory         8388608              unlimited            bytes"
expect 0 <<'END'
{"name": "memlock", "state": "warning", "text": "RLIMIT_MEMLOCK is 8.0 MiB: 4 hugepages for buffers", "command": "ulimit -l unlimited"}
END

machine memlock-hard
file proc/self/limits "Max locked memory         65536                65536                bytes"
expect 1 <<'END'
{"name": "memlock", "state": "problem", "text": "RLIMIT_MEMLOCK is 64.0 KiB: 0 hugepages for buffers; a new limit counts when you log in again; of a service it is LimitMEMLOCK=infinity", "command": "echo \"$USER - memlock unlimited\" | sudo tee -a /etc/security/limits.d/zc.conf"}
END

machine memlock-capable
file proc/self/limits "Max locked memory         65536                65536                bytes"
file proc/self/status "Uid:	1000	1000	1000	1000" "CapEff:	0000000000004000"
expect 0 <<'END'
{"name": "memlock", "state": "ok", "text": "buffers are not limited: CAP_IPC_LOCK, which others may lack", "command": null}
END

machine no-node
rm "$root/dev/zc"
expect 1 <<'END'
{"name": "device", "state": "problem", "text": "there is no /dev/zc, though the module is loaded: a container has to be given it", "command": null}
END

# Whose the file is depends on who runs the tests: a user whom it does not belong to is
# in its group, or not.
machine node-closed
file proc/self/status "Uid:	77777	77777	77777	77777" "Groups:	1 2 " "CapEff:	0000000000000000"
chmod 660 "$root/dev/zc"
states device=warning module=ok
machine node-open-to-group
file proc/self/status "Uid:	77777	77777	77777	77777" \
	"Groups:	1 $(stat -c %g "$root/dev/zc") " "CapEff:	0000000000000000"
chmod 660 "$root/dev/zc"
states device=ok

machine file-missing
args=("$dir/none")
states file=problem
machine file-directory
args=("$dir")
states file=problem
machine file-proc
args=(/proc/self/status)
states file=warning
machine route-loopback
args=(--to localhost)
states route=ok
machine route-loopback-port
args=(--to '[127.0.0.1]:4000')
states route=ok
machine route-nowhere
args=(--to 255.255.255.255)
states route=problem

machine for-people
file proc/buddyinfo "Node 0, zone   Normal    900      0      0      0      0      0      0      0      0      0      0"
sed "s/VERSION/$version/" >"$dir/golden" <<'END'
ok       module        zc VERSION is loaded
ok       headers       the headers of kernel 6.1.0-56-amd64 are installed
ok       signature     this kernel takes modules that are not signed
ok       lockdown      this kernel is not locked down
ok       secure-boot   this machine was not booted by EFI
ok       device        this user may open /dev/zc
warning  memory-node0  3.5 MiB free, 0 B of it in hugepages (0): little memory
                       > echo 3 | sudo tee /proc/sys/vm/drop_caches
ok       memlock       RLIMIT_MEMLOCK is 128 MiB: 64 hugepages for buffers
ok       thp           madvise; buffers do without
ok       hugetlb       1 of 2 pages of 1.0 GiB are free
ok       iommu         strict: devices reach what is mapped for them, and
                       nothing else

1 warning
END
"$zcctl" doctor 2>&1 | diff "$dir/golden" - >"$dir/log"
[ ! -s "$dir/log" ]
result "$name" $?
# A terminal is where colours are, unless somebody does not want them.
if command -v script >/dev/null; then
	TERM=xterm script -qec "'$zcctl' doctor" /dev/null >"$dir/log" 2>&1 </dev/null
	grep -q $'^\033\[33mwarning' "$dir/log"
	result "colours on a terminal" $?
	TERM=xterm NO_COLOR=1 script -qec "'$zcctl' doctor" /dev/null >"$dir/log" 2>&1 </dev/null
	! grep -q $'\033' "$dir/log" && grep -q '^warning' "$dir/log"
	result "NO_COLOR" $?
fi

echo "1..$n"
[ "$failed" -eq 0 ]
