#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""bench-report.py OUT REPORT...: merge the rows that `zcctl bench io` gave in
each guest into OUT (schema zc-bench/1), print them as a table, and hold them
against the targets. Exits with 1 if a target is missed."""

import json
import sys

MIB = 1 << 20
# The best zc path at most this part of what the other costs, file not cached
TARGETS = {"sendfile": 0.15, "rw-32k": 0.08}
COLUMNS = ("path", "cache", "kinsn/MiB", "vs sendfile", "copied", "syscalls",
           "page cache")


FIELDS = ("kernel", "path", "cache", "bytes", "kinsn_per_mib", "copied_bytes",
          "syscalls", "page_cache_bytes")


def mib(count):
    """Bytes as text; not every path can count its copies"""
    return "unknown" if count is None else f"{count / MIB:.1f} MiB"


def cost(rows, kernel, path, cache):
    """kinsn per MiB of that row, or None"""
    for r in rows:
        if (r["kernel"], r["path"], r["cache"]) == (kernel, path, cache):
            return r["kinsn_per_mib"]
    return None


def table(rows, kernel):
    """One kernel's rows, cheapest first within each state of the cache"""
    print(f"\nLinux {kernel}: guest instructions per MiB, sender and receiver"
          " together")
    lines = [COLUMNS]
    for r in sorted((r for r in rows if r["kernel"] == kernel),
                    key=lambda r: (r["cache"], r["kinsn_per_mib"])):
        base = cost(rows, kernel, "sendfile", r["cache"])
        ratio = f"{r['kinsn_per_mib'] / base:.3f}" if base else "-"
        lines.append((r["path"], r["cache"], f"{r['kinsn_per_mib']:.1f}", ratio,
                      mib(r["copied_bytes"]), str(r["syscalls"]),
                      mib(r["page_cache_bytes"])))
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    for line in lines:
        print("  " + "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths))))


def missed(rows, kernel):
    """Print each target with its ratio; return how many are missed"""
    count = 0
    zc = [r for r in rows if r["kernel"] == kernel and r["cache"] == "cold" and
          r["path"] in ("zc-direct", "zc-auto")]
    for path, most in TARGETS.items():
        base = cost(rows, kernel, path, "cold")
        if not zc or base is None:
            print(f"  not ok: no figures for zc beside {path}, cold")
            count += 1
            continue
        best = min(zc, key=lambda r: r["kinsn_per_mib"])
        ratio = best["kinsn_per_mib"] / base
        verdict = "ok" if ratio <= most else "not ok"
        print(f"  {verdict}: {best['path']} costs {ratio:.3f} of {path}, cold"
              f" (target: at most {most})")
        count += ratio > most
    return count


def main():
    out, *reports = sys.argv[1:]
    rows = []
    for path in reports:
        with open(path, encoding="utf-8") as f:
            rows += json.load(f)["rows"]
    failed = [r for r in rows if "error" in r]
    rows = [{name: r[name] for name in FIELDS} for r in rows if "error" not in r]
    with open(out, "w", encoding="utf-8") as f:
        json.dump({"schema": "zc-bench/1", "rows": rows}, f, indent=1)
        f.write("\n")
    bad = 0
    for kernel in dict.fromkeys(r["kernel"] for r in rows):
        table(rows, kernel)
        for r in failed:
            if r["kernel"] == kernel:
                print(f"  {r['path']} {r['cache']}: not measured: {r['error']}")
        bad += missed(rows, kernel)
    print(f"\nAll figures: {out}")
    sys.exit(1 if bad or not rows else 0)


main()
