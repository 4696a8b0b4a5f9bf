# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Servers of others, as they are, and what they and the module say of it. Sourced.
# shellcheck disable=SC1091,SC2034,SC2154 # what others use, and set
. ./ktap.sh
# shellcheck source=../zcctl/zcctl-lib.sh
. ./zcctl-lib.sh
set -u

# Who may read it is a server's worker, too.
adopt_begin()
{
	ktap_needs_zcctl
	dir=$(mktemp -d /mnt/ext4/adopt-XXXXXX)
	chmod 755 "$dir"
	trap 'adopt_end' EXIT
	server=''
	rmmod zc 2>/dev/null
	zc_load || exit 1
}

adopt_end()
{
	[ -z "$server" ] || end "$server"
	rm -rf "$dir"
	rmmod zc 2>/dev/null
}

# logged CONDITION: is it true of the sums of what ended processes have written to the log?
logged()
{
	python3 - "$dir/log" "$1" <<-'END' && return
		import json, sys
		rows = [json.loads(line) for line in open(sys.argv[1])]
		assert rows, "nobody has written a line"
		keys = [k for k in rows[0] if k not in ("pid", "program")]
		assert eval(sys.argv[2], {k: sum(row[k] for row in rows) for k in keys})
	END
	sed 's/^/# /' "$dir/log"
	return 1
}

# make_files: to be served
make_files()
{
	mkdir -p "$dir/www"
	head -c 24M /dev/urandom >"$dir/www/large"
	head -c 100001 /dev/urandom >"$dir/www/middle"
	head -c 1000 /dev/urandom >"$dir/www/small"
	sum_files
}

# sum_files: what they are is known without a look at them, which would put them into the cache
sum_files()
{
	(cd "$dir/www" && sha256sum -- *) >"$dir/sums"
	sync
}

# Each processor receives a packet, and frees with it what others have left to it.
receive_everywhere()
{
	python3 - <<-'END'
		import os, socket
		listener = socket.create_server(("127.0.0.1", 0))
		for cpu in os.sched_getaffinity(0):
		    os.sched_setaffinity(0, {cpu})
		    with socket.create_connection(listener.getsockname()) as one, listener.accept()[0] as two:
		        one.sendall(b"x")
		        two.recv(1)
	END
}

# cold FILE: the page cache has nothing of it, nor of others; packets may hold pages for a moment
cold()
{
	local _

	for _ in {1..20}; do
		sync
		echo 1 >/proc/sys/vm/drop_caches
		[ "$(in_cache "$1")" -ne 0 ] || return 0
		receive_everywhere
		sleep 0.2
	done
}

# in_cache FILE: bytes of it in the page cache
in_cache()
{
	fincore -nb -o RES "$dir/www/$1"
}

# sent: bytes that the module has sent until now
sent()
{
	zcctl -j stats >"$dir/stats" && field stats sent_bytes
}

listens()
{
	ss -ltnH "sport = :$port" | grep -q .
}

# serve PORT OPTION... -- COMMAND...: zcctl run, and wait until it listens
serve()
{
	port=$1
	shift
	zcctl run --log "$dir/log" "$@" >"$dir/server.out" 2>&1 &
	server=$!
	wait_for 30 listens && return
	sed 's/^/# /' "$dir/server.out"
	return 1
}

# stop SIGNAL: end it, and wait: then it has written to the log
stop()
{
	kill -s "$1" "$server"
	wait "$server"
	server=''
}

# same FILE: is what the server has of it the file?
same()
{
	curl -sS "http://127.0.0.1:$port/$1" | sha256sum | cut -d' ' -f1 >"$dir/sum" &&
		grep -q "^$(cat "$dir/sum")  $1\$" "$dir/sums"
}

# nginx_conf WORKERS: the file, for workers that are not root, as ever
nginx_conf()
{
	cat >"$dir/nginx.conf" <<-END
		user www-data;
		worker_processes $1;
		daemon off;
		pid $dir/nginx.pid;
		error_log $dir/nginx.log;
		events { worker_connections 2048; }
		http {
			access_log off;
			sendfile on;
			tcp_nopush on;
			keepalive_timeout 300;
			send_timeout 300;
			client_header_timeout 300;
			client_body_temp_path $dir/tmp;
			proxy_temp_path $dir/tmp;
			fastcgi_temp_path $dir/tmp;
			uwsgi_temp_path $dir/tmp;
			scgi_temp_path $dir/tmp;
			server {
				listen 127.0.0.1:8080 backlog=1024;
				root $dir/www;
			}
		}
	END
}

# nginx_start OPTION...: of zcctl run
nginx_start()
{
	rm -f "$dir/log"
	serve 8080 "$@" -- nginx -c "$dir/nginx.conf" -e "$dir/nginx.log"
}
