#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""report.py OUT COUNTED RUN...: put what the model of a TLB counted (RUN/tlb.json) beside the rows of
`zcctl bench tlb` (RUN/out/tlb-N-NAME.json) as "modelled", into OUT (schema zc-bench/1), print
them, and hold them against targets and against what can be computed. COUNTED, if not empty, is
a report of `zcctl bench tlb` of a machine that counts: what its processor missed is printed
beside. Exits with 1 if a target is missed."""

import json
import pathlib
import statistics
import sys

from bench_merge import Merged

GIB = 1 << 30
# Of the page walks of small pages, at most; the limit is 1/512
TARGET = 1 / 400
LINE = 64
# A stack and some variables have pages, too, and the kernel comes in between
SOME = 24
# Pages that the second level has: a load from anywhere finds its own among them
ENTRIES = {"skylake": 1536, "zen3": 2048, "zen4": 3072}
# (test, model or any, run, what, figure): what the misses of loads should be, as computed.
# Of skylake: 16 sets of 4 and 128 sets of 12; 32 entries of 2 MiB; the others have 64 entries
# and more for any page in the first level, and 128 sets in the second one, too
COMPUTED = (
    ("fits", None, 0, "l2_misses", 1024),
    ("fits", None, 1, "l2_misses", 0),
    ("fits", None, 1, "l1_misses", 1024),
    ("set-of-8", None, 0, "l2_misses", 8),
    ("set-of-8", None, 1, "l2_misses", 0),
    ("set-of-8", "skylake", 1, "l1_misses", 8000),
    ("set-of-8", "zen3", 1, "l1_misses", 0),
    ("set-of-8", "zen4", 1, "l1_misses", 0),
    ("set-of-32", "skylake", 1, "l2_misses", 8000),
    ("set-of-32", "zen3", 1, "l1_misses", 0),
    ("set-of-32", "zen4", 1, "l1_misses", 0),
    ("huge", None, 0, "l2_misses", 64),
    ("huge", None, 1, "l2_misses", 0),
    ("huge", "skylake", 1, "l1_misses", 64),
)


def summed(pages):
    """All page sizes of a mark together, and the loads by size"""
    out = {key: sum(page[key] for page in pages.values())
           for key in ("accesses", "l1_misses", "l2_misses")}
    out["loads"] = out.pop("accesses")
    out["loads_by_page"] = {name: page["accesses"] for name, page in pages.items()}
    return out


def walked(row):
    """Bytes that a run goes over"""
    return row["accesses"] * row.get("stride", LINE)


def modelled(model, row, marks):
    """What goes into a row: the median run, by its page walks, and all of them"""
    runs = [{"user": summed(m["user_loads"]), "kernel": summed(m["kernel_loads"])}
            for m in marks]
    walks = statistics.median_low(r["user"]["l2_misses"] for r in runs)
    run = next(r for r in runs if r["user"]["l2_misses"] == walks)
    return {"model": model, **run, "runs": runs,
            "unknown": sum(m["unknown"] for m in marks),
            "l2_misses_per_access": walks / row["accesses"],
            "l2_misses_per_gib": walks * GIB / walked(row)}


def load(merged, run):
    """The rows of all tests, each with its test's name"""
    run = pathlib.Path(run)
    report = json.loads((run / "tlb.json").read_text(encoding="utf-8"))
    rows = []
    for path in sorted((run / "out").glob("tlb-*.json")):
        _, session, name = path.stem.split("-", 2)
        for row in merged.read(path):
            marks = [m for m in report["marks"] if m["session"] == int(session) and
                     m["mark"] == row["mark"]]
            row["walk"] = name
            if "error" not in row and len(marks) != row["runs"]:
                row["error"] = f"{len(marks)} runs were modelled, not {row['runs']}"
            if "error" not in row:
                row["modelled"] = modelled(report["model"], row, marks)
            rows.append(row)
    return report["model"], rows


def find(rows, **want):
    """The row that was measured with these values, or None"""
    return next((r for r in rows if "modelled" in r and
                 all(r[k] == v for k, v in want.items())), None)


def pages(row):
    """Which are behind it"""
    if row["huge_bytes"] >= row["bytes"]:
        return "2 MiB"
    if row["huge_bytes"]:
        return f"{row['huge_bytes'] / row['bytes']:.0%} 2 MiB"
    return f"{row['page_size'] >> 10} KiB"


def table(rows):
    """The walks through much memory"""
    print(f"{'pattern':<11}{'path':<9}{'pages':<11}{'loads':>9}{'L1 misses':>11}"
          f"{'walks':>9}{'by load':>10}{'by GiB':>11}{'of small':>10}{'kernel':>8}")
    for row in (r for r in rows if r["walk"] == "walk"):
        print(f"{row['pattern']:<11}{row['path']:<9}", end="")
        if "error" in row:
            print(f"not measured: {row['error']}")
            continue
        m = row["modelled"]
        small = find(rows, walk="walk", pattern=row["pattern"], path="small")
        part = m["user"]["l2_misses"] / small["modelled"]["user"]["l2_misses"] if small else 0
        print(f"{pages(row):<11}{row['accesses']:>9}{m['user']['l1_misses']:>11}"
              f"{m['user']['l2_misses']:>9}{m['l2_misses_per_access']:>10.5f}"
              f"{m['l2_misses_per_gib']:>11.0f}{part:>10.5f}{m['kernel']['l2_misses']:>8}")


def wrong(row):
    """What is wrong with a row, whatever its misses"""
    if "error" in row:
        yield row["error"]
        return
    m = row["modelled"]
    if m["unknown"]:
        yield f"{m['unknown']} accesses to pages that nobody knows"
    extra = max(r["user"]["loads"] for r in m["runs"]) - row["accesses"]
    if not 0 <= extra <= SOME:
        yield f"{extra} loads more than its own were seen"
    page = "2M" if pages(row) == "2 MiB" else "4K"
    if m["user"]["loads_by_page"][page] < row["accesses"]:
        yield f"smaps has {pages(row)}, the page tables {m['user']['loads_by_page']}"


def checks(model, rows):
    """(what, does it hold) of all that should"""
    problems = [f"{row['walk']}, {row['pattern']}, {row['path']}: {what}"
                for row in rows for what in wrong(row)]
    for what in problems:
        yield what, False
    if not problems:
        yield f"{len(rows)} rows: loads and pages are what they should be", True
    for name, only, run, key, want in COMPUTED:
        if only not in (None, model):
            continue
        row = find(rows, walk=name)
        got = row["modelled"]["runs"][run]["user"][key] if row else None
        yield (f"{name}, run {run + 1}, {key}: {got}, computed {want}",
               got is not None and -SOME // 8 <= got - want <= SOME + want // 100)
    row = find(rows, walk="walk", pattern="random", path="small")
    got = row["modelled"]["l2_misses_per_access"] if row else None
    want = 1 - ENTRIES[model] / (row["bytes"] // 4096) if row else 0
    yield (f"random, page walks of small pages by load: {got}, computed {want:.4f}",
           got is not None and abs(got - want) <= 0.002)
    for pattern in ("sequential", "strided"):
        zc = find(rows, walk="walk", pattern=pattern, path="zc")
        small = find(rows, walk="walk", pattern=pattern, path="small")
        want = small["bytes"] // 4096 if small else 0
        got = small["modelled"]["user"]["l2_misses"] if small else None
        yield (f"{pattern}, page walks of small pages: {got}, computed {want}",
               got is not None and want <= got <= want + SOME)
        yield (f"{pattern}, zc is mapped by 2 MiB",
               zc is not None and zc["huge_bytes"] == zc["bytes"])
        part = zc["modelled"]["user"]["l2_misses"] / got if zc and got else None
        yield (f"{pattern}, page walks of zc, of small pages: "
               f"{'no figure' if part is None else f'1/{1 / part:.0f}' if part else 'none'}"
               f" (at most 1/{1 / TARGET:.0f})", part is not None and part <= TARGET)


def beside(counted, rows):
    """What a processor counted, beside the model's: misses of the program's loads by load"""
    report = json.loads(pathlib.Path(counted).read_text(encoding="utf-8"))
    print(f"\nbeside {report['environment'].get('cpu')}, counted ({counted}), misses by load:")
    nr = 0
    for row in report["rows"]:
        if row.get("dtlb_load_misses_user") is None:
            continue
        same = {key: row.get(key) for key in ("pattern", "path", "bytes", "stride")}
        mine = next((r for r in rows if "modelled" in r and r["walk"] == "walk" and
                     all(r.get(k) == v for k, v in same.items())), None)
        if not mine:
            continue
        nr += 1
        m = mine["modelled"]["user"]
        print(f"{row['pattern']:<11}{row['path']:<9} counted "
              f"{row['dtlb_load_misses_user'] / row['accesses']:.5f}, modelled "
              f"{m['l1_misses'] / mine['accesses']:.5f} of the first level, "
              f"{m['l2_misses'] / mine['accesses']:.5f} of both")
    return nr


def main():
    """See above"""
    out, counted, *runs = sys.argv[1:]
    merged, bad = Merged(), 0
    for run in runs:
        model, rows = load(merged, run)
        merged.rows += rows
        kernel = rows[0]["kernel"] if rows else "?"
        print(f"\nLinux {kernel}, dTLB of {model}, modelled: nothing here was counted by a "
              "processor")
        table(rows)
        for what, good in checks(model, rows):
            print(f"  {'ok' if good else 'not ok'}: {what}")
            bad += not good
        bad += not rows
        if counted and not beside(counted, rows):
            print("  not ok: it has no row of the same walk that was counted")
            bad += 1
    merged.write(out)
    print(f"\nAll figures: {out}. Missed: {bad}")
    sys.exit(1 if bad or not merged.rows else 0)


main()
