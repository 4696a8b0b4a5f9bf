#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# libzc-sendfile.so and zcctl run, without root and without the module: programs notice
# nothing, whether there is a device (a made-up one, device.c) or none. TAP output.
# shellcheck disable=SC2317 # by tap_check
set -u
# shellcheck source=tap.sh
. "${0%/*}/tap.sh"
build=${BUILD:?}
zcctl=$build/zcctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
unset ZC_SENDFILE ZC_SENDFILE_MIN ZC_SENDFILE_LOG LD_PRELOAD

# fake ASSIGNMENT... COMMAND...: with the made-up device
fake()
{
	env LD_PRELOAD="$build/test-device.so:$build/libzc-sendfile.so" "$@"
}

# logged CONDITION: is it true of the sums?
logged()
{
	cat "$dir/log"
	python3 - "$dir/log" "$1" <<-'END'
		import json, sys
		rows = [json.loads(line) for line in open(sys.argv[1])]
		assert rows, "nobody has written a line"
		keys = [k for k in rows[0] if k not in ("pid", "program")]
		assert eval(sys.argv[2], {k: sum(row[k] for row in rows) for k in keys})
	END
}

# promises [ASSIGNMENT...]: does sendfile() what it promises, with that?
promises()
{
	rm -f "$dir/log"
	"$@" "$build/test-sendfile" "$dir"
}

# The same program with the library in it
races()
{
	rm -f "$dir/log"
	LD_PRELOAD="$build/test-device.so" ZC_SENDFILE_LOG="$dir/log" \
		TSAN_OPTIONS="halt_on_error=1 exitcode=66" "$build/test-sendfile-tsan" "$dir"
}

# By the file itself: what it exports is what others get.
exports()
{
	[ "$(nm -D --defined-only "$build/libzc-sendfile.so" | cut -d' ' -f3 | xargs)" = \
		"sendfile sendfile64" ]
}

# needs: no library but the C library, which each program has
needs()
{
	! readelf -d "$build/libzc-sendfile.so" | grep NEEDED | grep -v 'lib[cmp][a-z]*\.so\|libdl'
}

# quiet COMMAND...: is what it prints the same, with the library?
quiet()
{
	"$@" >"$dir/plain" 2>&1
	"$zcctl" run -- "$@" >"$dir/run" 2>&1
	cmp "$dir/plain" "$dir/run"
}

# fails TEXT COMMAND...: does zcctl run fail, and say that?
fails()
{
	local text=$1 status

	shift
	"$zcctl" run "$@" >"$dir/out" 2>&1
	status=$?
	cat "$dir/out"
	[ "$status" -ne 0 ] && grep -q -- "$text" "$dir/out"
}

run_sets()
{
	LD_PRELOAD="$build/test-device.so" "$zcctl" run --mode direct --min 1M --log "$dir/set" -- \
		env >"$dir/out" &&
		grep -qx "LD_PRELOAD=$build/libzc-sendfile.so:$build/test-device.so" "$dir/out" &&
		grep -qx "ZC_SENDFILE=direct" "$dir/out" &&
		grep -qx "ZC_SENDFILE_MIN=1048576" "$dir/out" &&
		grep -qx "ZC_SENDFILE_LOG=$dir/set" "$dir/out"
}

# As nginx does it: by pieces of 1 MiB, and then by what is left of each
run_pieces()
{
	rm -f "$dir/log"
	head -c 3M /dev/zero >"$dir/zeroes"
	FAKE_MOST=1040000 fake ZC_SENDFILE_LOG="$dir/log" python3 - "$dir/zeroes" <<-'END'
		import os, socket, sys
		a, b = socket.create_server(("127.0.0.1", 0)), socket.socket()
		b.connect(a.getsockname())
		c, pos = a.accept()[0], 0
		with open(sys.argv[1], "rb") as f:
		    while pos < 3 << 20:
		        n = os.sendfile(c.fileno(), f.fileno(), pos, (1 << 20) - pos % (1 << 20))
		        pos += n
		        while n > 0:
		            n -= len(b.recv(n))
	END
}

# run_python TIMES: one file, from its beginning, so often
run_python()
{
	rm -f "$dir/log"
	LD_PRELOAD="$build/test-device.so" "$zcctl" run --log "$dir/log" -- python3 - "$1" <<-'END'
		import os, socket, sys, tempfile, threading
		body = os.urandom(3 << 20)
		a, b = socket.create_server(("127.0.0.1", 0)), socket.socket()
		b.connect(a.getsockname())
		c, got = a.accept()[0], bytearray()
		def take():
		    while part := b.recv(65536):
		        got.extend(part)
		thread = threading.Thread(target=take)
		thread.start()
		with tempfile.TemporaryFile() as f:
		    f.write(body)
		    f.flush()
		    for i in range(int(sys.argv[1])):
		        f.seek(0)
		        assert c.sendfile(f) == len(body)
		c.close()
		thread.join()
		assert got == body * int(sys.argv[1])
	END
}

# told ERRNO: is it what a program is told, where zc has found it at the socket?
told()
{
	FAKE_ERRNO=$1 fake python3 - "$1" <<-'END'
		import os, socket, sys, tempfile
		a, b = socket.create_server(("127.0.0.1", 0)), socket.socket()
		b.connect(a.getsockname())
		c = a.accept()[0]
		with tempfile.TemporaryFile() as f:
		    f.truncate(1 << 20)
		    try:
		        os.sendfile(c.fileno(), f.fileno(), 0, 1 << 20)
		    except OSError as exc:
		        sys.exit(exc.errno != int(sys.argv[1]))
		sys.exit("it was sent")
	END
}

# Whose exit status is the program's, and who is asked for by a path or by a name
run_status()
{
	printf '#!/bin/sh\nexit 7\n' >"$dir/seven" && chmod +x "$dir/seven"
	"$zcctl" run -- "$dir/seven"
	[ $? -eq 7 ] || return
	mkdir -p "$dir/folder/seven"
	PATH=$dir/folder:$dir:$PATH "$zcctl" run -- seven
	[ $? -eq 7 ] || return
	# Without "#!" it is one of sh.
	echo 'exit 7' >"$dir/seven"
	"$zcctl" run -- "$dir/seven"
	[ $? -eq 7 ]
}

# For a library whose path LD_PRELOAD would read as something else
odd_library()
{
	local name

	# shellcheck disable=SC2016 # as it is
	for name in 'a b' a:b 'a$LIB'; do
		mkdir -p "$dir/$name" && cp "$build/libzc-sendfile.so" "$dir/$name" &&
			fails "takes no path" --library "$dir/$name/libzc-sendfile.so" -- true || return
	done
}

# What zcctl ignores for itself the program does not.
run_sigpipe()
{
	# shellcheck disable=SC2016 # for the inner shell
	"$zcctl" run -- sh -c 'kill -PIPE $$'
	[ $? -eq 141 ]
}

installed()
{
	# shellcheck disable=SC2016 # for the inner shell
	cp "$zcctl" "$dir" && mkdir -p "$dir/usr/sbin" "$dir/usr/lib" &&
		cp "$zcctl" "$dir/usr/sbin" && cp "$build/libzc-sendfile.so" "$dir/usr/lib" &&
		[ "$("$dir/usr/sbin/zcctl" run -- sh -c 'echo $LD_PRELOAD')" = \
			"$dir/usr/lib/libzc-sendfile.so" ] &&
		! "$dir/zcctl" run -- true
}

json_errors()
{
	"$zcctl" -j run -- "$dir/none" 2>"$dir/err"
	python3 -c 'import json, sys; e = json.load(open(sys.argv[1]))["error"]
assert e["errno"] == 2 and e["exit"] == 1' "$dir/err"
}

static_program()
{
	echo 'int main(void) { return 0; }' | ${CC:-cc} -static -x c -o "$dir/static" - &&
		fails "linked statically" -- "$dir/static"
}

privileged()
{
	cp /bin/true "$dir/setuid" && chown 65534 "$dir/setuid" && chmod 4755 "$dir/setuid" &&
		fails "gains rights" -- "$dir/setuid" || return
	# The kernel gives no rights to scripts.
	printf '#!/bin/sh\nexit 0\n' >"$dir/script" && chown 65534 "$dir/script" &&
		chmod 4755 "$dir/script" && "$zcctl" run -- "$dir/script"
}

# few LIMIT: with so few descriptors, and without a standard input, whose number is the
# program's all the same, are the library's out of the way?
few()
{
	(ulimit -n "$1" && fake ZC_SENDFILE_LOG="$dir/few" \
		find /proc/self/fd \( -lname '*memfd:zc*' -o -lname "$dir/few" \) -printf '%f\n' <&-) \
		>"$dir/out"
	cat "$dir/out"
	[ "$(wc -l <"$dir/out")" -eq 2 ] && awk -v limit="$1" '$1 < limit / 2 { exit 1 }' "$dir/out"
}

# A program that closes all, and then forbids itself to ask for limits: the device is opened anew.
no_limits()
{
	${CC:-cc} -x c -o "$dir/limits" - <<-'END' &&
		#define _GNU_SOURCE
		#include <fcntl.h>
		#include <linux/filter.h>
		#include <linux/seccomp.h>
		#include <netinet/in.h>
		#include <stddef.h>
		#include <sys/prctl.h>
		#include <sys/sendfile.h>
		#include <sys/socket.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		int main(void)
		{
			struct sock_filter code[] = {
				BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
				BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prlimit64, 0, 1),
				BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
				BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
			};
			struct sock_fprog prog = { .len = 4, .filter = code };
			struct sockaddr_in addr = { .sin_family = AF_INET };
			socklen_t len = sizeof(addr);
			int fd, file, in, out;

			for (fd = 3; fd < 64; fd++)
				close(fd);
			if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
			    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
				return 1;
			file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
			in = socket(AF_INET, SOCK_STREAM, 0);
			out = socket(AF_INET, SOCK_STREAM, 0);
			if (ftruncate(file, 100000) || bind(in, (void *)&addr, len) ||
			    listen(in, 1) || getsockname(in, (void *)&addr, &len) ||
			    connect(out, (void *)&addr, len) || sendfile(out, file, 0, 100000) <= 0)
				return 1;
			for (fd = 64 - 64 / 8; fd < 64; fd++)
				if (fcntl(fd, F_GETFD) >= 0)
					return 0;
			return 1;
		}
	END
		(ulimit -n 64 && fake "$dir/limits")
}

# A thread that the constructor of a library starts, and waits for: the loader is busy.
busy_loader()
{
	${CC:-cc} -shared -fPIC -x c -o "$dir/busy.so" - -lpthread <<-'END' &&
		#include <pthread.h>
		#include <sys/sendfile.h>
		static void *use(void *arg)
		{
			sendfile(-1, -1, 0, 1);
			return arg;
		}
		__attribute__((constructor)) static void begin(void)
		{
			pthread_t thread;
			pthread_create(&thread, 0, use, 0);
			pthread_join(thread, 0);
		}
	END
		fake timeout 100 python3 -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$dir/busy.so"
}

# Of a program that gains rights, to which /etc/ld.so.preload may give the library: its files
# are not where the user's environment says.
secure()
{
	chmod 755 "$dir" && mkdir -m 777 "$dir/any" && cp "$build/libzc-sendfile.so" "$dir" &&
		${CC:-cc} -x c -o "$dir/secure" - -x none -Wl,--no-as-needed "-Wl,-rpath,$dir" \
			"$dir/libzc-sendfile.so" <<-'END' &&
			#include <sys/auxv.h>
			int main(void) { return !getauxval(AT_SECURE); }
		END
		chown 65534 "$dir/secure" && chmod 4755 "$dir/secure" &&
		ZC_SENDFILE_LOG=$dir/any/log "$dir/secure" && [ ! -e "$dir/any/log" ]
}

tap_check "the C library keeps its promises" promises env
tap_check "the library exports sendfile, and no more" exports
tap_check "it needs no other library" needs
tap_check "it keeps them without a device" promises \
	env LD_PRELOAD="$build/libzc-sendfile.so" ZC_SENDFILE_LOG="$dir/log"
[ -e /dev/zc ] || tap_check "which is what the log says" \
	logged "zc_calls == 0 and no_device > 100 and device_errno"
for mode in auto direct cached; do
	tap_check "it keeps them with one, $mode" promises \
		fake ZC_SENDFILE=$mode ZC_SENDFILE_LOG="$dir/log"
	tap_check "which has done it, $mode" logged "zc_calls > 100 and no_device == 0 and refused < 3"
done
tap_check "it keeps them, off" promises fake ZC_SENDFILE=off ZC_SENDFILE_LOG="$dir/log"
tap_check "and the kernel has done it" logged "zc_calls == 0 and kernel_calls > 100"
tap_check "it keeps them, with no smallest size" promises \
	fake ZC_SENDFILE_MIN=0 ZC_SENDFILE_LOG="$dir/log"
tap_check "and pieces are zc's, too" logged "zc_calls > 130"
tap_check "it keeps them where zc refuses" promises \
	fake FAKE_ERRNO=95 ZC_SENDFILE_LOG="$dir/log"
tap_check "and the kernel has done it" logged "zc_calls == 0 and refused > 100"
# A firewall's, and of a route with smaller packets: the socket tells them once.
tap_check "a socket's error is not asked for again: EACCES" told 13
tap_check "and EMSGSIZE" told 90
if nm -a "$build/test-sendfile-tsan" | grep -q __tsan; then
	tap_check "it keeps them without a race, says the sanitizer of threads" races
	tap_check "and it was zc that did it" logged "zc_calls > 100 and refused < 3"
else
	tap_skip "it keeps them without a race" "the compiler has no sanitizer of threads"
fi
tap_check "a program of others, in Python" run_python 1
tap_check "went through zc, around the cache" \
	logged "zc_bytes == 3 << 20 and zc_cached == 0 and kernel_calls <= 1"
tap_check "the same file three times" run_python 3
tap_check "from the second time on by way of the cache" \
	logged "zc_bytes == 9 << 20 and zc_cached == 6 << 20"
tap_check "a program that sends by pieces, and what is left of them" run_pieces
tap_check "all of it went through zc" logged "zc_bytes == 3 << 20 and kernel_calls == 0"
tap_check "nothing is printed" quiet ls /
tap_check "the loader may be busy" busy_loader
tap_check "its descriptors are high, where there may be 64" few 64
tap_check "and where there may be 900" few 900
tap_check "nor is the limit asked for later" no_limits
tap_check "zcctl run: the environment" run_sets
tap_check "zcctl run: exit status, and scripts" run_status
tap_check "zcctl run: signals" run_sigpipe
tap_check "zcctl run: finds the library of its installation" installed
tap_check "zcctl run: errors as JSON" json_errors
tap_check "zcctl run: no program" fails "after --" true
tap_check "zcctl run: no such program" fails "No such file" -- no-such-program
tap_check "zcctl run: no such library" fails "No such file" --library "$dir/none.so" -- true
tap_check "zcctl run: a library that LD_PRELOAD cannot name" odd_library
tap_check "zcctl run: no such mode" fails "mode auto, direct" --mode fast -- true
tap_check "zcctl run: no size" fails "'x' is no size" --min x -- true
tap_check "zcctl run: a static program" static_program
if [ "$(id -u)" -eq 0 ]; then
	tap_check "zcctl run: a program that gains rights" privileged
	tap_check "the library in such a one does not open what the user wants" secure
else
	tap_skip "zcctl run: a program that gains rights" "only root can make one"
	tap_skip "the library in such a one" "only root can make one"
fi
tap_end
