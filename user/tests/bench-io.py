#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""bench-io.py REPORT PATHS RUNS [RECEIVER]: what `zcctl --json bench io` of 3000001 bytes
with --request 64K,1M --connections 1,2, of so many paths, must say of each row."""

import json
import sys

SIZE = 3000001


def requests(row):
    """How many it takes, each connection having its part"""
    each, lanes = row["request_bytes"], row["connections"]
    if lanes == 1:
        return -(-SIZE // each)
    part = -(-(SIZE // lanes) // each) * each
    return part // each + -(-(SIZE - part) // each)


def check(row, runs, receiver):
    """What is true of any row"""
    name = [row[key] for key in ("path", "request_bytes", "connections")]
    assert "error" not in row, (name, row)
    assert row["receiver"] == receiver and row["bytes"] == SIZE, name
    latency, first = row["latency"], row["first_byte"]
    assert latency["count"] == runs * requests(row), (name, latency["count"], requests(row))
    order = [latency[key] for key in ("p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns")]
    assert order == sorted(order) and order[0] > 0, (name, order)
    if receiver == "remote":
        assert first is None, name
    else:
        assert first["count"] == latency["count"], name
        assert first["p50_ns"] <= latency["p50_ns"], name
    # The wall-clock time is that of all requests of a connection, one after the other.
    assert row["wall_ns"] >= latency["mean_ns"], name
    assert abs(row["bytes_per_s"] * row["wall_ns"] / 1e9 - SIZE) < 1, name
    assert 0 < row["sender_cpu_ns"] <= row["cpu_ns"], name
    assert (row["sender_cpu_ns"] == row["cpu_ns"]) == (receiver == "remote"), name
    assert row["softirq_ns"] is None or row["softirq_ns"] >= 0, name
    copied = {"rw-32k": 2, "mmap-write": 1}.get(row["path"], 0) * SIZE
    assert row["copied_bytes"] == copied, (name, row["copied_bytes"])
    gib = 1 << 30
    assert abs(row["syscalls_per_gib"] - row["syscalls"] * gib / SIZE) < 1, name
    assert row["syscalls"] >= requests(row), name
    for key in ("cpu_ns", "wall_ns", "user_ns", "system_ns", "voluntary_switches",
                "involuntary_switches", "latency_p50_ns", "latency_p99_ns"):
        assert len(row["samples"][key]) == runs, (name, key)


def main():
    """See above"""
    with open(sys.argv[1], encoding="utf-8") as f:
        rows = json.load(f)["rows"]
    paths, runs = int(sys.argv[2]), int(sys.argv[3])
    assert len(rows) == 4 * paths, len(rows)
    keys = {(r["path"], r["request_bytes"], r["connections"]) for r in rows}
    assert len(keys) == len(rows), keys
    for row in rows:
        check(row, runs, sys.argv[4] if len(sys.argv) > 4 else "loopback")


main()
