#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# guest-secure-boot.sh: in a guest that was booted with Secure Boot: a module that is not
# signed, and one that was changed since, are refused, with words that help; the one that dkms
# signed, by a key that the firmware knows, is loaded.
set -eux
dpkg -i /zc/debs/*.deb
mount -t securityfs none /sys/kernel/security
mount -t efivarfs none /sys/firmware/efi/efivars
zcctl doctor >/tmp/doctor || true
cat /tmp/doctor
grep -E '^note +secure-boot +it is on' /tmp/doctor
grep -E '^note +lockdown +this kernel is locked down \(integrity\)' /tmp/doctor

# refused FILE CAUSE WORDS: zcctl load says so
refused()
{
	local status=0

	zcctl -j load --path "$1" 2>/tmp/json || status=$?
	[ $status -ne 0 ]
	grep -q "\"cause\":\"$2\"" /tmp/json
	zcctl load --path "$1" 2>/tmp/err || status=$?
	cat /tmp/err
	grep -q "$3" /tmp/err
	[ ! -e /dev/zc ]
}

# A signature ends with its size, as the last of 12 bytes before a line of 28.
cp /zc/dkms.ko /tmp/unsigned.ko
size=$(stat -c %s /tmp/unsigned.ko)
[ "$(tail -c 28 /tmp/unsigned.ko)" = "~Module signature appended~" ]
signature=$((16#$(tail -c 32 /tmp/unsigned.ko | head -c 4 | od -An -tx1 | tr -d ' ')))
truncate -s $((size - 28 - 12 - signature)) /tmp/unsigned.ko
refused /tmp/unsigned.ko unsigned "it is not signed, and this kernel takes only signed modules"

# Two letters of its author are others.
LC_ALL=C sed 's/The zc project/The xx project/' /zc/dkms.ko >/tmp/changed.ko
[ "$(cmp -l /zc/dkms.ko /tmp/changed.ko | wc -l)" -eq 2 ]
refused /tmp/changed.ko signature "not valid: changed since it was signed"

zcctl load --path /zc/dkms.ko
zcctl status
zcctl doctor | grep -E '^ok +signature'
