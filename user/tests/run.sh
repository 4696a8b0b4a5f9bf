#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests of zcctl that need neither root nor the module. TAP output.
set -u
. "${0%/*}/check.sh"

check "help" 0 "$zcctl" --help
check "help teaches" 0 says "A first walk" out
check "version" 0 "$zcctl" --version
check "no command" 2 "$zcctl"
check "unknown command" 2 "$zcctl" frobnicate
# full COMMAND...: with output for which there is no room
full()
{
	"$@" >/dev/full 2>"$dir/full"
}

# unread COMMAND...: to somebody who reads one line; its exit status
unread()
{
	{ "$@" 2>"$dir/unread"; echo $? >"$dir/status"; } | head -n 1 >/dev/null
	[ ! -s "$dir/unread" ] && return "$(cat "$dir/status")"
}

# closed COMMAND...: without standard output
closed()
{
	"$@" >&-
}

if [ -e /dev/full ]; then
	check "output that cannot be written" 1 full "$zcctl" --help
	check "output that cannot be written: why" 0 says "No space left on device" full
fi
if [ -e /dev/full ] && command -v stdbuf >/dev/null; then
	check "output by lines that cannot be written" 1 full stdbuf -oL "$zcctl" --help
	check "output by lines that cannot be written: why" 0 says "No space left on device" full
	check "a reader of lines who goes away is no error" 0 unread stdbuf -oL "$zcctl" --help
fi
# Valgrind opens what it needs in its place.
[ -n "${ZC_VALGRIND-}" ] || check "no standard output" 1 closed "$zcctl" --version
check "an unknown option before the command" 2 "$zcctl" -x status
check "an unknown option before the command: it is named" 0 says "'-x' is no option" err
check "-jp is -j -p" 2 "$zcctl" -jp stats frobnicate
check "-jp is -j -p: pretty JSON" 0 says '^  "schema": "zcctl/1"' err
for cmd in load unload doctor status alloc pool buffer leaks transfer stats top monitor dma send recv \
	run report; do
	check "$cmd --help" 0 "$zcctl" "$cmd" --help
	check "$cmd --help says usage" 0 says "^usage: zcctl $cmd" out
done

check "help send" 0 "$zcctl" help send
check "help send is send --help" 0 says "^usage: zcctl send" out
check "help bench io" 0 "$zcctl" help bench io
check "help bench io is bench io --help" 0 says "^usage: zcctl bench io" out
check "--help" 0 "$zcctl" --help
check "--help tells of help" 0 says "^  help " out
check "bad option" 2 "$zcctl" alloc --frobnicate
check "bad option: it is named" 0 says "alloc: '--frobnicate' is no option" err
check "bad option: what helps" 0 says "zcctl alloc --help" err
check "bad short option" 2 "$zcctl" send -x
check "bad short option: it is named" 0 says "send: '-x' is no option" err
check "option without its value" 2 "$zcctl" alloc 2M --node
check "option without its value: it is named" 0 says "'--node' lacks its value" err
check "short option without its value" 2 "$zcctl" recv 4000 -o
check "short option without its value: it is named" 0 says "'-o' lacks its value" err
check "option with a value that it does not take" 2 "$zcctl" alloc 2M --strict=1
check "option with a value: it is named" 0 says "'--strict=1'.* takes no value" err
check "bench: bad option" 2 "$zcctl" bench io --frobnicate
check "bench: bad option: what helps" 0 says "zcctl bench io --help" err
check "bench files: option without its value" 2 "$zcctl" bench files --sizes
check "bench files: it is named" 0 says "'--sizes' lacks its value" err
check "bad option as JSON" 2 "$zcctl" -j send --frobnicate
check "bad option: valid JSON" 0 json_valid "$dir/err" zcctl/1 error
check "load: no PARAMETER=VALUE" 2 "$zcctl" load max_bytes
check "load: no name" 2 "$zcctl" load =5
check "load: bad size" 2 "$zcctl" load max_bytes=64X
check "load: bad size is named" 0 says "'64X'" err
check "load: a directory" 1 "$zcctl" load --path "$dir"
check "load: a directory: what is wrong" 0 says "is a directory" err
check "doctor: two files" 2 "$zcctl" doctor a b
for to in "" localhost: localhost:x localhost:0 "[::1]"; do
	check "doctor: to '$to'" 2 "$zcctl" doctor --to "$to"
done
check "doctor: how to write it" 0 says "\[::1\]:4000" err
check "doctor: --to without a host" 2 "$zcctl" doctor --to
check "alloc: no size" 2 "$zcctl" alloc
check "alloc: zero" 2 "$zcctl" alloc 0
check "alloc: bad size" 2 "$zcctl" alloc 12x
check "alloc: bad size is named" 0 says "'12x'" err
check "alloc: negative size" 2 "$zcctl" alloc -- -1
check "alloc: too large a size" 2 "$zcctl" alloc 99999999999999999999G
check "alloc: --strict without --node" 2 "$zcctl" alloc 2M --strict
check "alloc: bad node" 2 "$zcctl" alloc 2M --node x
check "buffer: neither list nor show" 2 "$zcctl" buffer frobnicate
check "buffer show: no ID" 2 "$zcctl" buffer show
check "buffer show: bad ID" 2 "$zcctl" buffer show 0
check "buffer list: an argument" 2 "$zcctl" buffer list 1
check "buffer show: an option" 2 "$zcctl" buffer show 1 --sealed
for option in --uid --pid --target; do
	check "buffer list: bad $option" 2 "$zcctl" buffer list $option x
	check "buffer list: bad $option is named" 0 says "'x' is no" err
done
check "buffer list: too large an ID" 2 "$zcctl" buffer show 4294967296
check "transfer: neither list nor show" 2 "$zcctl" transfer frobnicate
check "transfer show: no ID" 2 "$zcctl" transfer show
check "transfer show: bad ID" 2 "$zcctl" transfer show 0
check "transfer list: an argument" 2 "$zcctl" transfer list 1
for option in --uid --pid --socket --buffer; do
	check "transfer list: bad $option" 2 "$zcctl" transfer list $option -1
	check "transfer list: bad $option is named" 0 says "'-1' is no" err
done
check "status: an argument" 2 "$zcctl" status 1
check "stats: bad interval" 2 "$zcctl" stats --interval 0
check "stats: --count alone" 2 "$zcctl" stats --count 2
check "stats: --count alone: what it goes with" 0 says "goes with --interval" err
check "monitor: no such group" 2 "$zcctl" monitor buffers frobnicate
check "monitor: no such group: which there are" 0 \
	says "'frobnicate' is neither buffers, transfers nor alerts" err
check "monitor: bad count" 2 "$zcctl" monitor --count 0
check "monitor: bad time" 2 "$zcctl" monitor --timeout 1.5
check "top: not on a terminal" 2 "$zcctl" top
check "top as JSON" 2 "$zcctl" -j top
check "exit codes are told of" 0 "$zcctl" --help
check "exit codes: leaks, too" 0 says "5 'leaks' found some" out
check "leaks: an argument" 2 "$zcctl" leaks 1
check "leaks: bad option" 2 "$zcctl" leaks --all
check "dma: no such part" 2 "$zcctl" dma frobnicate
check "dma show: an argument" 2 "$zcctl" dma show 1
check "help dma map" 0 "$zcctl" help dma map
check "help dma map is dma --help" 0 says "^  --bounce " out
check "dma attach: no device" 2 "$zcctl" dma attach
for device in 0 00:04 00:04.8 00:20.0 00:04.0x pci: platform: platform:a/b; do
	check "dma attach: $device" 2 "$zcctl" dma attach "$device"
done
check "dma attach: how to write it" 0 says "pci:0000:00:04.0" err
for bits in 11 65 x; do
	check "dma attach: $bits bits" 2 "$zcctl" dma attach 00:04.0 --bits "$bits"
done
check "dma detach: no target" 2 "$zcctl" dma detach
check "dma detach: bad target" 2 "$zcctl" dma detach -- -1
check "dma detach: bad target: what helps" 0 says "zcctl dma detach --help" err
check "dma map: no size" 2 "$zcctl" dma map 0
check "dma map: bad size" 2 "$zcctl" dma map 0 12x
check "dma map: bad target" 2 "$zcctl" dma map frobnicate 2M
check "dma map: bad time" 2 "$zcctl" dma map 0 2M --hold x
check "dma map: a slice of large pages" 2 "$zcctl" dma map 0 2M --slice --page-size 1G
check "pool: neither show nor set" 2 "$zcctl" pool frobnicate
check "pool set: no count" 2 "$zcctl" pool set
check "pool set: bad count" 2 "$zcctl" pool set -- -1
check "pool set: bad count is named" 0 says "'-1' is no count" err
check "pool set: too many" 2 "$zcctl" pool set 1 2
check "pool set: bad node" 2 "$zcctl" pool set 1 --node x
check "pool show: no node" 2 "$zcctl" pool show --node 1
check "send: one argument" 2 "$zcctl" send file
for to in localhost localhost: :4000 localhost:x localhost:0 localhost:65536 ::1:4000; do
	check "send: to $to" 2 "$zcctl" send "$0" "$to"
done
check "send: how to write it" 0 says "\[::1\]:4000" err
check "send: bad time-out" 2 "$zcctl" send "$0" localhost:1 --timeout 0
check "send: a directory" 1 "$zcctl" send "$dir" localhost:1
check "send: a directory: what can be sent" 0 \
	says "is a directory: only regular files and block devices" err
mkfifo "$dir/fifo"
check "send: a FIFO that nobody writes to" 1 timeout 10 "$zcctl" send "$dir/fifo" localhost:1
check "send: no file" 1 "$zcctl" send "$dir/none" localhost:1
check "recv: bad port" 2 "$zcctl" recv 65536
check "recv: --discard and -o" 2 "$zcctl" recv 4000 --discard -o x
check "recv --serve without --discard" 2 "$zcctl" recv 4000 --serve

# completes REPLY WORD...: is that all that completion offers for the last word?
completes()
{
	# shellcheck disable=SC2016 # for the inner shell
	bash -c '. "$1"
		compopt() { :; }
		want=$2 COMP_WORDS=("${@:3}") COMP_CWORD=$(($# - 3))
		_zcctl
		[ "${COMPREPLY[*]}" = "$want" ]' sh "${0%/*}/../completion/zcctl" "$@"
}

check "completion: commands" 0 completes "send" zcctl --json se
check "completion: benchmarks alone" 0 \
	completes "io files many serve nic copybreak compare alloc fault numa write tlb dma --help" zcctl bench ""
check "completion: states of the cache" 0 \
	completes "cold hot both" zcctl bench io FILE --cache ""
check "completion: options of recv" 0 completes "--serve" zcctl recv 4000 --s
check "completion: options of bench io" 0 \
	completes "--neighbour --neighbour-reads --neighbour-dir" zcctl bench io FILE --ne
check "completion: in a list of paths" 0 \
	completes "rw-4k,zc-buffer" zcctl bench io FILE --paths rw-4k,zc-b
check "completion: options of bench dma" 0 \
	completes "--repeat" zcctl bench dma --target 0 --r
check "completion: patterns of bench tlb" 0 \
	completes "random,chase" zcctl bench tlb --patterns random,c
check "completion: options of doctor" 0 completes "--to" zcctl doctor --t
check "completion: doctor: files are readline's" 0 completes "" zcctl doctor ""
check "completion: parameters" 0 completes "uring_life=" zcctl load u
check "completion: options of status" 0 completes "--json --pretty --help" zcctl status --
check "completion: groups of monitor" 0 completes "transfers" zcctl monitor alerts t
check "completion: options of monitor" 0 completes "--timeout" zcctl monitor --t
check "completion: options of transfer list" 0 completes "--socket" zcctl transfer list --s
check "completion: options of stats" 0 completes "--interval" zcctl stats --i
check "completion: stats for Prometheus" 0 completes "--prometheus" zcctl stats --pro
check "completion: options of buffer" 0 completes "--sealed" zcctl buffer list --uid 0 --s
check "completion: parts of dma" 0 completes "show attach detach map --json --pretty --help" \
	zcctl dma ""
check "completion: options of dma attach" 0 completes "--bits" zcctl dma attach 00:04.0 --b
check "completion: options of dma map" 0 completes "--bounce" zcctl dma map 0 2M --hold 3 --b
check "completion: options of report" 0 completes "--output" zcctl report a b --o
check "completion: report: files are readline's" 0 completes "" zcctl report a ""
check "completion: files are readline's" 0 completes "" zcctl send ""

echo precious >"$dir/kept"
check "recv where it cannot listen" 1 "$zcctl" recv 4000 --bind 192.0.2.1 -o "$dir/kept"
check "recv that got nothing leaves the file alone" 0 grep -qx precious "$dir/kept"

if [ ! -e /dev/zc ]; then
	check "libzc.so, in a program of its own" 0 env -u LD_LIBRARY_PATH sh -c \
		"'$build/example-send' '$0' localhost 1 2>&1 | grep '^/dev/zc: No such file'"
	for cmd in status pool buffer leaks transfer stats monitor "dma show"; do
		# shellcheck disable=SC2086 # two words
		modular check "$cmd without the module" 3 "$zcctl" $cmd
		check "$cmd says what to do" 0 says "zcctl load" err
	done
	check "send without the module" 3 "$zcctl" send "$0" localhost:1
	check "alloc without the module" 3 "$zcctl" alloc 2M
	for device in 00:04.0 pci:00:04.0 0000:00:04.0 platform:zc; do
		check "dma attach $device without the module" 3 "$zcctl" dma attach "$device"
	done
	check "dma map without the module" 3 "$zcctl" dma map 0 2M
	check "errors as JSON" 3 "$zcctl" --json status
	check "errors are valid JSON" 0 json_valid "$dir/err" zcctl/1 error kind
	check "load of no file" 1 "$zcctl" load --path "$dir/none.ko"
	check "load of no file: what is wrong" 0 says "none.ko: No such file" err
	[ ! -e /proc/modules ] || check "unload without the module" 3 "$zcctl" unload
fi

checked
