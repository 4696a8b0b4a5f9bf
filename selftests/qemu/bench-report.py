#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""bench-report.py OUT DIR...: merge the rows that `zcctl bench` gave in the guests
(each test in DIR/TEST.json or DIR/TEST-MORE.json) into OUT (schema zc-bench/1), which
`zcctl bench compare` and `zcctl report` read,
print them as tables, and hold them against the targets. Exits with 1 if a target is
missed or something could not be measured."""

import pathlib
import sys

from bench_merge import Merged
from bench_tables import TABLES, dma_mode, size
from bench_targets import TARGETS

# Every row has these in OUT, null where it had none
FIELDS = ("kernel", "test", "path", "cache", "bytes", "kinsn_per_mib",
          "copied_bytes", "syscalls", "page_cache_bytes")


def load(merged, dirs):
    """(rows, rows that were not measured, reports that are no JSON)"""
    rows, failed, broken = [], [], []
    for path in sorted(p for d in dirs for p in pathlib.Path(d).glob("*.json")):
        try:
            got = merged.read(path)
        except (ValueError, KeyError):
            broken.append(path)
            continue
        for r in got:
            r["test"] = path.stem.split("-")[0]
            (failed if "error" in r else rows).append(r)
    return rows, failed, broken


def kept(row):
    """A row as it goes into OUT"""
    return {name: row.get(name) for name in FIELDS} | row


def missed(test, rows):
    """Print each target with its figure; return how many are missed"""
    count = 0
    for what, figure, most in TARGETS[test](rows):
        good = figure is not None and figure <= most
        text = "no figure" if figure is None else f"{figure:.3f}"
        print(f"  {'ok' if good else 'not ok'}: {what}: {text} (at most {most:.4g})")
        count += not good
    return count


def report(kernel, rows, failed):
    """One kernel; return how much is wrong"""
    bad = 0
    print(f"\nLinux {kernel}")
    for test, table in TABLES.items():
        some = [r for r in rows if r["test"] == test]
        if some:
            table(some)
        else:
            print(f"\n{test}: nothing was measured")
        for r in (r for r in failed if r["test"] == test):
            what = " ".join(str(r[name]) for name in
                            ("path", "cache", "file_bytes", "concurrency", "per_call",
                             "processes")
                            if name in r)
            if test == "dma":
                what += f" {size(r['bytes'])}, {dma_mode(r)}"
            print(f"  not ok: {what}: not measured: {r['error']}")
            bad += 1
        bad += missed(test, some)
    return bad


def main():
    """See above"""
    out, *dirs = sys.argv[1:]
    merged = Merged()
    rows, failed, broken = load(merged, dirs)
    merged.rows = [kept(r) for r in rows]
    merged.write(out)
    bad = len(broken)
    for path in broken:
        print(f"not ok: {path} is no report")
    for kernel in dict.fromkeys(r["kernel"] for r in rows + failed):
        bad += report(kernel, [r for r in rows if r["kernel"] == kernel],
                      [r for r in failed if r["kernel"] == kernel])
    print(f"\nAll figures: {out}. Targets missed, or not measured: {bad}")
    sys.exit(1 if bad or not rows else 0)


main()
