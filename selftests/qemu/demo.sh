#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The demonstration: in a QEMU guest, send a real file of 145 MiB from hugepage
# buffers to a TCP client in the guest, and over an emulated network card to one
# outside of it; compare what arrived; print what it cost beside the usual ways.
# The guest's half is guest-demo.sh.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

k=6.12
file=$ZC_LAB/linux-source-6.12.tar.xz
staging=$(mktemp -d "${TMPDIR:-/tmp}/zc-demo-XXXXXX")
client=''
trap '[ -z "$client" ] || kill "$client" 2>/dev/null; rm -rf "$staging"' EXIT

# The client outside of the guest, on the first free port of ours; 10.0.2.2 in
# the guest is this machine's loopback.
start_client()
{
	for port in $(shuf -i 20000-32000 -n 20); do
		socat -u "TCP-LISTEN:$port,bind=127.0.0.1" \
			"CREATE:$staging/received" 2>/dev/null &
		client=$!
		sleep 0.3
		! kill -0 "$client" 2>/dev/null || return 0
	done
	die "no free port found"
}

say "preparing; what is downloaded is kept in build/lab"
say "  a file to send: linux-source-6.12.tar.xz"
"$ZC_QEMU/source.sh"
say "  kernel $k, and the module for it"
payload "$k" "$staging/zc"
say "  the guest's root filesystem"
"$ZC_QEMU/rootfs.sh"
say "  a client that waits outside of the guest"
cp "$ZC_QEMU/guest-demo.sh" "$staging/zc"
mkdir "$staging/ext4"
ln "$file" "$staging/ext4/" 2>/dev/null || cp "$file" "$staging/ext4/"
sum=$(sha256sum <"$file")
start_client

say "booting the guest: half a minute and more, as its processor is emulated"
"$ZC_QEMU/guest.sh" -k "$k" --net --name demo --time-limit 240 \
	--payload "$staging/zc" --ext4-from "$staging/ext4" -- \
	bash /zc/guest-demo.sh "/mnt/ext4/${file##*/}" "${sum%% *}" "$port"

wait "$client"
client=''
got=$(sha256sum <"$staging/received")
echo
echo "Received outside of the guest: SHA-256 ${got%% *}"
[ "$got" = "$sum" ] || die "that differs from what was sent"
echo "The same, at both clients, as the file that was downloaded."
