#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""receiver.py PORT FILE SIZE CONNECTIONS [REQUEST]: take connections, many at once, until
SIGTERM; then fail if none of them brought anything, or one something else than the part
of the first SIZE bytes of FILE that one of CONNECTIONS has by `zcctl bench io`."""

import hashlib
import signal
import socket
import sys
import threading

got = {}


def receive(conn):
    """One connection to its end"""
    digest, size = hashlib.sha256(), 0
    while data := conn.recv(1 << 20):
        digest.update(data)
        size += len(data)
    conn.close()
    if size:
        key = (size, digest.hexdigest())
        got[key] = got.get(key, 0) + 1


def parts(path, size, lanes, request):
    """What each connection is to bring"""
    with open(path, "rb") as f:
        data = f.read(size)
    share = size if lanes == 1 else -(-(size // lanes) // request) * request
    return [(len(part), hashlib.sha256(part).hexdigest())
            for part in (data[i * share:] if i == lanes - 1 else
                         data[i * share:(i + 1) * share] for i in range(lanes))]


def stop(*_):
    """At SIGTERM"""
    raise SystemExit


def main():
    """See above"""
    port, path, size, lanes = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    want = parts(path, size, lanes, int(sys.argv[5]) if len(sys.argv) > 5 else 4096)
    signal.signal(signal.SIGTERM, stop)
    server = socket.create_server(("127.0.0.1", port), backlog=64)
    threads = []
    try:
        while True:
            thread = threading.Thread(target=receive, args=(server.accept()[0],))
            thread.start()
            threads.append(thread)
    except SystemExit:
        pass
    for thread in threads:
        thread.join(10)
    wrong = {key: nr for key, nr in got.items() if key not in want}
    print(f"{sum(got.values())} connections, wrong: {wrong}, wanted: {want}")
    if wrong or set(got) != set(want) or len(set(got[key] for key in set(want))) != 1:
        sys.exit(1)


main()
