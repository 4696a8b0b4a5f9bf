#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# nginx, lighttpd and a server in Python, as Debian has them, with zcctl run: clients get the
# same bytes, large files leave nothing in the page cache, and it was zc that sent them.
# shellcheck disable=SC1091,SC2317
# shellcheck source=adopt-lib.sh
. ./adopt-lib.sh
adopt_begin

# A range from the middle of a file
range()
{
	curl -sS -r 1000001-4000000 -o "$dir/got" "http://127.0.0.1:$port/large" &&
		dd if="$dir/www/large" bs=1M iflag=skip_bytes,count_bytes skip=1000001 \
			count=3000000 status=none | cmp - "$dir/got"
}

# Several files by one connection
keeps_alive()
{
	local url=http://127.0.0.1:$port

	curl -sS -w '%{num_connects}\n' -o "$dir/a" "$url/middle" -o "$dir/b" "$url/small" \
		-o "$dir/c" "$url/middle" >"$dir/connects" &&
		cmp "$dir/a" "$dir/www/middle" && cmp "$dir/b" "$dir/www/small" &&
		cmp "$dir/c" "$dir/www/middle" && [ "$(xargs <"$dir/connects")" = "1 0 0" ]
}

# cold_large: the file as it is, by zc, and no more of it in the cache than before: a little may
# have been in use when the cache was dropped
cold_large()
{
	local before was

	cold large
	was=$(in_cache large)
	before=$(sent) && same large || return
	echo "# in the cache before and after: $was $(in_cache large), $(($(sent) - before)) by zc"
	[ "$was" -eq 0 ] && [ "$(in_cache large)" -eq 0 ] &&
		[ $(($(sent) - before)) -ge $((24 << 20)) ]
}

# As many requests as it can: it does not look at bytes, but at statuses and connections.
wrk_500()
{
	# shellcheck disable=SC2154 # of adopt-lib.sh
	command -v wrk >/dev/null || { echo "# no wrk"; return 1; }
	wrk -t 2 -c 500 -d 5 --timeout 60s "http://127.0.0.1:$port/middle" >"$dir/wrk" 2>&1
	sed -n 's/^/# /; /requests in\|Latency\|errors\|Non-2xx/p' "$dir/wrk"
	grep -q ' [1-9][0-9]* requests in ' "$dir/wrk" &&
		! grep -q 'Socket errors\|Non-2xx' "$dir/wrk"
}

ended()
{
	! kill -0 "$1" 2>/dev/null
}

# Workers are forked anew, from a master that has the device.
reloads()
{
	local before old

	old=$(pgrep -P "$server") && kill -HUP "$server" && wait_for 20 ended "$old" &&
		before=$(sent) &&
		same large && [ $(($(sent) - before)) -ge $((24 << 20)) ]
}

worker_is_nobody()
{
	[ "$(ps -o user= -p "$(pgrep -P "$server" | head -n 1)")" = www-data ] &&
		[ "$(stat -c %a /dev/zc)" = 600 ]
}

make_files
nginx_conf 1
ktap_plan 23

chmod 600 /dev/zc
nginx_start
ktap_test "nginx starts" $?
worker_is_nobody
ktap_test "nginx: its worker may not open the device" $?
cold_large
ktap_test "nginx: a large file, cold: zc, and nothing stays in the cache" $?
same large && [ "$(in_cache large)" -gt $((20 << 20)) ]
ktap_test "nginx: what is asked for again is put there" $?
same small && same middle
ktap_test "nginx: small files" $?
cold large
range
ktap_test "nginx: a range" $?
keeps_alive
ktap_test "nginx: connections that are kept" $?
python3 client.py 8080 middle "$dir/www/middle" 500 2
ktap_test "nginx: 500 connections, two requests each" $?
wrk_500
ktap_test "nginx: 500 connections by wrk, none of which fails" $?
reloads
ktap_test "nginx: new workers have the device" $?
lsmod | grep -q '^zc .* [1-9]' && ! rmmod zc 2>/dev/null
ktap_test "nginx: the module is in use" $?
stop QUIT
logged "zc_bytes > 1000 * 100001 + 3 * (24 << 20) and no_device == refused == zc_copied == 0 < small"
ktap_test "nginx: what it says of it: all but the small by zc, nothing copied" $?
[ ! -s "$dir/server.out" ] && ! grep -v '\[notice\]' "$dir/nginx.log" | grep .
ktap_test "nginx: it has nothing to complain of" $?
nginx_conf 2
nginx_start --mode direct && cold_large && cold_large
ktap_test "nginx: in mode direct nothing stays in the cache, ever" $?
stop QUIT

cat >"$dir/lighttpd.conf" <<-END
	server.document-root = "$dir/www"
	server.port = 8081
	server.bind = "127.0.0.1"
	server.errorlog = "$dir/lighttpd.log"
	server.network-backend = "sendfile"
	server.max-connections = 1024
	server.max-fds = 4096
	server.max-keep-alive-idle = 300
	server.max-read-idle = 300
	server.username = "www-data"
END
touch "$dir/lighttpd.log" && chown www-data "$dir/lighttpd.log"
rm -f "$dir/log"
if command -v lighttpd >/dev/null; then
	serve 8081 -- lighttpd -D -f "$dir/lighttpd.conf"
	ktap_test "lighttpd starts" $?
	cold_large
	ktap_test "lighttpd: a large file, cold" $?
	same small && same middle && range && keeps_alive
	ktap_test "lighttpd: small files, a range, connections that are kept" $?
	python3 client.py 8081 middle "$dir/www/middle" 200 2
	ktap_test "lighttpd: 200 connections" $?
	stop INT
	# The end of a file, if it is small, is copied.
	logged "zc_bytes > (24 << 20) and no_device == refused == 0 and zc_copied < 400 * 512"
	ktap_test "lighttpd: what it says of it" $?
else
	for what in starts "a large file" "small files" connections "what it says"; do
		ktap_skip "lighttpd: $what" "there is none"
	done
fi

# One that runs as root, for which the module may come later
cat >"$dir/server.py" <<-'END'
	import os, socket, sys, threading
	listener = socket.create_server(("127.0.0.1", 8082))
	def answer(conn):
	    name = conn.recv(4096).split()[1].decode()
	    with open(sys.argv[1] + name, "rb") as f, conn:
	        size = os.fstat(f.fileno()).st_size
	        conn.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
	        assert conn.sendfile(f) == size
	while True:
	    conn = listener.accept()[0]
	    if os.path.exists(sys.argv[1] + "/end"):
	        break
	    threading.Thread(target=answer, args=(conn,)).start()
END
rm -f "$dir/log"
rmmod zc && serve 8082 -- python3 "$dir/server.py" "$dir/www" && same large
ktap_test "Python: without the module it serves all the same" $?
zc_load && sleep 2 && cold_large
ktap_test "Python: the module comes, and is used" $?
touch "$dir/www/end"
curl -s http://127.0.0.1:8082/none
wait "$server" && server='' && logged "zc_bytes == 24 << 20 and no_device == kernel_calls >= 1"
ktap_test "Python: what it says of it" $?
rmmod zc
ktap_test "nobody has the device any more" $?
ktap_end
