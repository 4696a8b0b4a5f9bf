#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run a command in a QEMU guest (TCG, so no KVM is needed), as root on a small
# Debian, and return its exit status. See usage() below. In the guest:
#   /zc         the payload, writable: zc.ko, bin/, lib/ and, for tests, kselftest/
#   /zc/out     what is put here comes back to build/run/NAME/out
#   /mnt/ext4   a scratch ext4 on a virtio disk
#   /dev/disk/by-id/virtio-spare   a raw spare disk
# The console's log is build/run/NAME/console.log. Status 125: the guest died.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

usage()
{
	cat <<-'END'
	usage: guest.sh [OPTION...] -- COMMAND [ARG...]
	  -k K             kernel: 6.1, 6.12, 7.3, debug, kcsan, gcov, own (default 6.12)
	  -m MIB           memory (default 3072; debug and kcsan 4096), on two NUMA nodes
	  -s N             processors (default 2; with --icount 1)
	  --icount         clocks that count instructions; processors take turns
	  --net            e1000e network card; the host is 10.0.2.2
	  --edu            two devices with a DMA engine, 1234:11e8 (QEMU's edu), in slots
	                   10 and 11: of 64 address bits, and of 28; and a graphics card
	  --iommu          Intel's IOMMU, which forgets at once what was unmapped; with
	                   --append "iommu.strict=0" in its own time
	  --efi DIR        boot by EFI with Secure Boot on: DIR has its variables, vars.fd, and a
	                   vmlinuz that is signed by a key of these; see secure-boot.sh
	  --cpu FLAGS      the processor's flags, as for -cpu max,FLAGS (default
	                   erms=off,fsrm=off; with --icount none)
	  --tlb MODEL      count what a TLB would miss between the marks of "zcctl bench
	                   tlb", into build/run/NAME/tlb.json: skylake, zen3, zen4. One
	                   processor, and a QEMU of its own, see tlb/plugin.c
	  --append "…"     more of the kernel's command line
	  --time-limit S   seconds until the guest is killed (default 600)
	  --payload DIR    becomes /zc (default: zc.ko, built for K, and of "make user"
	                   zcctl in bin/ and libzc in lib/)
	  --ext4-from DIR  files for /mnt/ext4
	  --ext4-size MIB  size of /mnt/ext4 (default 2048)
	  --name NAME      name below build/run (default K and a number)
	The command's input is /dev/null. What it leaves in /zc/out comes back to
	build/run/NAME/out.
	END
}

# bad MESSAGE...: of an argument
bad()
{
	say "guest.sh: $*"
	usage >&2
	exit 2
}

# number OPTION VALUE, folder OPTION VALUE: is it one?
number()
{
	[[ $2 =~ ^[1-9][0-9]*$ ]] || bad "$1 takes a number, not '$2'"
}

folder()
{
	[ -d "$2" ] || bad "$1 takes a folder, which '$2' is not"
}

k=6.12 mem='' smp='' icount='' net='' edu='' iommu='' tlb='' efi='' cpu=${ZC_CPU:-} append=''
limit=600 name='' payload='' ext4_from='' ext4_size=2048
# option NAME VALUE
option()
{
	case $1 in
	-k) k=$2 ;;
	-m) number "$@" && mem=$2 ;;
	-s) number "$@" && smp=$2 ;;
	--cpu) cpu=$2 ;;
	--tlb) tlb=$2 ;;
	--efi) folder "$@" && efi=$2 ;;
	--append) append=$2 ;;
	--time-limit) number "$@" && limit=$2 ;;
	--payload) folder "$@" && payload=$2 ;;
	--ext4-from) folder "$@" && ext4_from=$2 ;;
	--ext4-size) number "$@" && ext4_size=$2 ;;
	--name) name=$2 ;;
	*) bad "'$1' is no option" ;;
	esac
}

while [ $# -gt 0 ]; do
	case $1 in
	--icount) icount=y ;;
	--net) net=y ;;
	--edu) edu=y ;;
	--iommu) iommu=y ;;
	-h | --help) usage && exit ;;
	--) shift && break ;;
	-k | -m | -s | --cpu | --tlb | --efi | --append | --time-limit | --payload | --ext4-* | --name)
		if [ $# -eq 1 ] || [ "$2" = -- ]; then
			bad "$1 lacks its value"
		fi
		option "$1" "$2"
		shift ;;
	*) bad "'$1' is no option; the command comes after --" ;;
	esac
	shift
done
[ $# -gt 0 ] || bad "which command? It comes after --"

kernel=$ZC_LAB/kernel-$k
kernel "$k"
"$ZC_QEMU/rootfs.sh"
! instrumented "$k" || : "${mem:=4096}"
qemu=(qemu-system-x86_64)
if [ -n "$tlb" ]; then
	[ "${smp:=1}" = 1 ] || bad "--tlb has one processor"
	"$ZC_QEMU/tlb/qemu.sh"
	make -s -C "$ZC_QEMU/tlb" QEMU_HEADER="$ZC_LAB/qemu-tlb" BUILD="$ZC_TOP/build/tlb"
	share=$ZC_LAB/qemu-tlb/usr/share
	qemu=("$ZC_LAB/qemu-tlb/usr/bin/qemu-system-x86_64" -L "$share/qemu" -L "$share/seabios")
fi
: "${mem:=3072}" "${name:=$k.$$}"
# QEMU emulates "rep movsb" byte by byte: kernels that do not trust in it copy and
# clear memory several times faster. What --icount counts stays as it was. See also
# ZC_CPU in the environment.
[ -n "$icount" ] || : "${cpu:=erms=off,fsrm=off}" "${smp:=2}"
: "${smp:=1}"

run=$ZC_RUN/$name
qemu_pid=''
# shellcheck disable=SC2317 # by the trap
cleanup()
{
	[ -z "$qemu_pid" ] || kill "$qemu_pid" 2>/dev/null || true
	rm -rf "$run"/{payload,*.ext4,vars.fd,spare.raw,*.cpio,stdout.fifo,out.tar}
}
trap cleanup EXIT
rm -rf "$run"
mkdir -p "$run/payload" "$run/out"

# image NAME SIZE-MIB [DIR]: an ext4 image, with the files of DIR
image()
{
	truncate -s "$2M" "$run/$1.ext4"
	mke2fs -q -F -t ext4 -E root_owner=0:0,lazy_itable_init=1 \
		${3:+-d "$3"} "$run/$1.ext4"
}

prepare()
{
	local size

	if [ -n "$payload" ]; then
		cp -a "$payload/." "$run/payload"
	else
		payload "$k" "$run/payload"
	fi
	printf '%q ' "$@" >"$run/payload/command"
	size=$(du -sm "$run/payload" | cut -f1)
	image payload "$((size * 2 + 256))" "$run/payload"
	image ext4 "$ext4_size" "$ext4_from"
	truncate -s 1024M "$run/spare.raw"
	mkfifo "$run/stdout.fifo"

	# A second cpio adds to the first: the scripts need no cached copy.
	mkdir "$run/init"
	cp "$ZC_QEMU/guest-init.sh" "$run/init/init"
	cp "$ZC_QEMU/guest-main.sh" "$run/init/"
	(cd "$run/init" && find . -type f | cpio -o -H newc --quiet -R 0:0) |
		cat "$kernel/initramfs.cpio" - >"$run/initramfs.cpio"
	rm -r "$run/init"
}

args=()
# disk SERIAL FILE [OPTION]
disk()
{
	args+=(-drive "if=none,id=$1,file=$2,format=raw,cache=unsafe${3:+,$3}"
		-device "virtio-blk-pci,drive=$1,serial=$1")
}

# port NAME FILE: a virtio-serial port that the guest writes to
port()
{
	args+=(-chardev "file,id=$1,path=$2,append=on"
		-device "virtserialport,chardev=$1,name=zc.$1")
}

qemu_args()
{
	local cmdline accel=multi machine=q35

	# An emulated processor on a busy host may stand still for long.
	#
	# QEMU keeps the code that it has translated for each address at which a page of
	# it ran, and goes through all of that for each store to such a page, once it is
	# used for something else: after a few thousand programs at random addresses, to
	# fill memory took minutes (and soft lockups) instead of seconds.
	cmdline="console=ttyS0 log_buf_len=8M nokaslr norandmaps"
	# The kernel itself has data races; guest-look.sh looks for those of the module.
	cmdline+=" panic_on_warn=$([ "$k" = kcsan ] && echo 0 || echo 1) oops=panic panic=-1"
	cmdline+=" watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=180"
	# What is free is written over, and looked at before somebody has it again: devices and
	# mappings of programs are what KASAN does not see.
	[ "$k" != debug ] || cmdline+=" page_poison=1"
	[ -z "$iommu" ] || machine+=,kernel-irqchip=split
	args=(-nodefaults -no-user-config -display none -no-reboot
		-machine "$machine" -cpu "max,la57=off${cpu:+,$cpu}"
		-m "$mem" -kernel "${efi:-$kernel}/vmlinuz" -initrd "$run/initramfs.cpio"
		-chardev "file,id=console,path=$run/console.log"
		-serial chardev:console -device virtio-rng-pci
		-device virtio-serial-pci)
	if [ -n "$icount" ]; then
		accel=single
		cmdline+=" tsc=noirqtime"
		args+=(-icount "shift=0,sleep=off")
	fi
	if [ -n "$net" ]; then
		cmdline+=" zc.net"
		args+=(-netdev "user,id=net" -device "e1000e,netdev=net,romfile=")
	fi
	# Where the page tables are read is known only so.
	if [ -n "$tlb" ]; then
		cmdline+=" pti=off"
		args+=(-plugin "$ZC_TOP/build/tlb/tlb.so,model=$tlb,out=$run/tlb.json")
	fi
	# Of an option that comes twice the last one holds: --append comes last.
	if [ -n "$iommu" ]; then
		cmdline+=" intel_iommu=on iommu.passthrough=0 iommu.strict=1"
		args+=(-device "intel-iommu,intremap=on")
	fi
	# Only what runs in SMM may write the variables: that is what makes it secure.
	if [ -n "$efi" ]; then
		cp "$efi/vars.fd" "$run/vars.fd"
		args+=(-machine smm=on -global "ICH9-LPC.disable_s3=1"
			-global "driver=cfi.pflash01,property=secure,value=on"
			-drive "if=pflash,unit=0,format=raw,readonly=on,file=$ZC_OVMF"
			-drive "if=pflash,unit=1,format=raw,file=$run/vars.fd")
	fi
	if [ -n "$edu" ]; then
		args+=(-device "edu,addr=0x10,dma_mask=0xffffffffffffffff"
			-device "edu,addr=0x11,dma_mask=0xfffffff"
			-device "cirrus-vga,addr=0x12,romfile=")
	fi
	args+=(-accel "tcg,thread=$accel" -smp "$smp,sockets=$smp"
		-object "memory-backend-ram,id=m0,size=$((mem / 2))M"
		-object "memory-backend-ram,id=m1,size=$((mem / 2))M"
		-numa "node,nodeid=0,memdev=m0,cpus=0"
		-append "$cmdline $append")
	if [ "$smp" -gt 1 ]; then
		args+=(-numa "node,nodeid=1,memdev=m1,cpus=1-$((smp - 1))")
	else
		args+=(-numa "node,nodeid=1,memdev=m1")
	fi
	disk root "$ZC_LAB/rootfs.ext4" readonly=on
	disk modules "$kernel/modules.ext4" readonly=on
	disk payload "$run/payload.ext4"
	disk ext4 "$run/ext4.ext4"
	disk spare "$run/spare.raw"
	port ctl "$run/ctl.log"
	port stdout "$run/stdout.fifo"
	port out "$run/out.tar"
}

# boot: one run of the guest; its marks are in ctl.log afterwards
boot()
{
	local keep cat_pid status=0

	rm -f "$run/ctl.log" "$run/out.tar"
	# Hold the FIFO open: cat must end with QEMU, not before or after.
	exec {keep}<>"$run/stdout.fifo"
	cat <"$run/stdout.fifo" {keep}>&- &
	cat_pid=$!
	timeout -k 5 "$limit" "${qemu[@]}" "${args[@]}" \
		</dev/null >"$run/qemu.log" 2>&1 {keep}>&- &
	qemu_pid=$!
	wait "$qemu_pid" || status=$?
	qemu_pid=''
	exec {keep}>&-
	wait "$cat_pid"
	[ "$status" -ne 124 ] || say "guest.sh: time limit of $limit s reached"
}

marked()
{
	[ -s "$run/ctl.log" ] && grep -q "^$1" "$run/ctl.log"
}

prepare "$@"
qemu_args
boot
if ! marked up; then
	say "guest.sh: the guest died before it was up; trying once more"
	mv "$run/console.log" "$run/console-1.log" 2>/dev/null || true
	boot
fi
if ! marked 'end [0-9]'; then
	say "guest.sh: the guest ($k) ended without a result; its console's last lines:"
	tail -n 60 "$run/console.log" >&2 || true
	cat "$run/qemu.log" >&2
	exit 125
fi
[ ! -s "$run/out.tar" ] || tar -xf "$run/out.tar" --no-same-owner -C "$run/out"
exit "$(sed -n 's/^end //p' "$run/ctl.log")"
