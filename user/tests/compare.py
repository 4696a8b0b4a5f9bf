#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of zcctl bench compare: what it says of reports that are known, what it matches, and
what --fail-worse judges. TAP output.
"""
import json
import os
import random
import re
import resource
import subprocess
import sys
import time

from reports import compare, error, expect, file, report, result, row, run, sampled, saved, tap


def verdicts():
    ten = [100 + i for i in range(10)]
    slower = [v + 20 for v in ten]
    a, b = report([sampled("sendfile", ten)]), report([sampled("sendfile", slower)])
    expect("slower is worse", a, b, [], 0, verdict="worse", a_median=104.5, b_median=124.5,
           a_runs=10, coarse=False, failed=False)
    expect("slower by 20 % is a failure at 5 %", a, b, ["--fail-worse", "5"], 1, failed=True)
    expect("and none at 25 %", a, b, ["--fail-worse", "25"], 0, verdict="worse", failed=False)
    expect("faster is better", b, a, ["--fail-worse", "0"], 0, verdict="better")
    expect("the same is the same", a, a, ["--fail-worse", "0"], 0, verdict="same", ratio=1.0)
    flat = [report([sampled("sendfile", [v] * 10)]) for v in (100, 110)]
    expect("what does not scatter has no width", *flat, ["--fail-worse", "9.9"], 1, low=1.1, high=1.1)
    three = [report([sampled("sendfile", v)]) for v in ([100, 101, 102], [103, 104, 106])]
    expect("three runs are few: all of their range", *three, [], 0, coarse=True, low=103 / 102,
           high=106 / 100, verdict="worse")
    one = [report([sampled("sendfile", [v])]) for v in (100, 200)]
    expect("of single runs nothing is known", *one, [], 0, verdict="unknown",
           low=None, high=None, ratio=2.0)
    expect("nothing and something", report([sampled("x", [0, 0])]), report([sampled("x", [1, 1])]),
           [], 0, verdict="worse", ratio=None)
    expect("nothing and nothing", *[report([sampled("x", [0, 0])])] * 2, [], 0, verdict="same")
    more = [report([row(samples={"requests_per_s": v})]) for v in (ten, slower)]
    expect("of requests more is better", *more, [], 0, verdict="better", more_is_better=True)
    expect("and less a failure, if it is judged", more[1], more[0],
           ["--fail-worse", "5", "--figures", "requests_per_s"], 1, verdict="worse", judged=True)
    error("else there is nothing to judge", ["bench", "compare", *map(saved, more), "--fail-worse", "5"],
          "judges cpu_ns,wall_ns, of which these have none", 2)
    old = [report([row(cpu_ns=v)]) for v in (100, 150)]
    expect("without runs the figure itself", *old, [], 0, ratio=1.5, verdict="unknown")


def failing():
    """What --fail-worse judges, by how much, and what it refuses to"""
    few = [report([sampled("sendfile", [v + i for i in range(5)])]) for v in (100, 200)]
    error("five runs are too few to fail by", ["bench", "compare", *map(saved, few), "--fail-worse", "5"],
          "takes 6 runs of each side: cpu_ns of test io, path sendfile has 5 and 5", 2)
    res = run("bench", "compare", *map(saved, few), "--fail-worse", "5")
    result("and nothing is printed", "" if not res.stdout else res)
    six = [report([sampled("sendfile", [v + i for i in range(6)])]) for v in (100, 200)]
    expect("six are not", *six, ["--fail-worse", "5"], 1, failed=True, judged=True)
    error("five and six are", ["bench", "compare", saved(six[0]), saved(few[1]), "--fail-worse", "5"],
          "has 6 and 5", 2)
    counted = [report(r["rows"], icount=True) for r in few]
    expect("nor are five that count instructions", *counted, ["--fail-worse", "5"], 1, failed=True)
    error("on both sides", ["bench", "compare", saved(counted[0]), saved(few[1]), "--fail-worse", "5"],
          "takes 6 runs", 2)
    # The median of B is 1.2 of that of A, and they overlap.
    over = [report([sampled("sendfile", v)]) for v in (
        [80, 85, 90, 95, 100, 130, 140, 145, 150, 155], [82, 100, 105, 110, 130, 146, 150, 151, 152, 153])]
    obj = expect("runs that overlap are no failure, whatever their medians", *over,
                 ["--fail-worse", "5"], 0, verdict="same", judged=True, failed=False)
    ratio = obj["figures"][0]["ratio"] if obj else 0
    result("though these differ by a fifth", "" if 1.19 < ratio < 1.21 else ratio)
    ten = [100 + i for i in range(10)]
    both = [report([sampled("sendfile", ten) | {"samples": {
        "cpu_ns": ten, "wall_ns": ten, "user_ns": [v * k for v in ten]}}]) for k in (1, 2)]
    obj, code = compare(*both, "--fail-worse", "5")
    got = {f["figure"]: (f["verdict"], f["judged"], f["failed"]) for f in obj["figures"]}
    result("only what matters is judged", "" if code == 0 and got == {
        "cpu_ns": ("same", True, False), "wall_ns": ("same", True, False),
        "user_ns": ("worse", False, False)} else (code, got))
    obj, code = compare(*both, "--fail-worse", "5", "--figures", "user_ns,cpu_ns")
    result("or what is asked for", "" if code == 1 and [f["failed"] for f in obj["figures"]] ==
           [False, True] else (code, obj))
    many(random.Random(2))


def many(rng):
    """Of many figures none of which differs one always seems worse; it is no failure."""
    wrong, failures = 0, 0
    for _ in range(8):
        sides = [report([sampled(f"p{i}", [round(1e6 * rng.lognormvariate(0, 0.1))
                                           for _ in range(10)]) for i in range(100)])
                 for _ in range(2)]
        obj, code = compare(*sides, "--fail-worse", "0")
        wrong += sum(f["verdict"] == "worse" for f in obj["figures"])
        failures += code
    result("of 8 times 100 figures that do not differ several seem worse, and none fails",
           "" if wrong > 5 and not failures else f"{wrong} worse, {failures} failed")


def by_chance():
    """Runs of one and the same thing: an interval of 95 % is wrong now and then, not often."""
    rng = random.Random(1)
    sides = [report([sampled(f"p{i}", [round(1e6 * rng.lognormvariate(0, 0.1)) for _ in range(10)])
                     for i in range(300)]) for _ in range(2)]
    obj, code = compare(*sides)
    wrong = sum(f["verdict"] != "same" for f in obj["figures"]) if obj else -1
    result("of 300 that do not differ 3 to 24 seem to", "" if 3 <= wrong <= 24 else f"{wrong}: {code}")
    again, _ = compare(*sides)
    for obj in (obj, again):
        del obj["a"], obj["b"]
    result("the draws are the same each time", "" if obj == again else "they differ")


def shown():
    """In text only what changed, and how much did not"""
    sides = [file(json.dumps(report([sampled("sendfile", [5, 6, 7]), sampled("rw", v)])))
             for v in ([1, 2, 3], [11, 12, 13])]
    got = run("bench", "compare", *sides).stdout.decode()
    result("text: what changed", "" if re.search("^io rw.*worse", got, re.M) and
           not re.search("^io sendfile", got, re.M) and "1 with no difference that these runs show "
           "(--all lists them)" in got else got)
    got = run("bench", "compare", *sides, "--all").stdout.decode()
    result("text: --all", "" if re.search("^io sendfile", got, re.M) and "(--all" not in got else got)
    got = run("bench", "compare", sides[0], sides[0]).stdout.decode()
    result("text: nothing changed, no table", "" if "95 %" not in got and "2 with no diff" in got else got)
    one = file(json.dumps(report([sampled("x", [1])])))
    res = run("bench", "compare", one, sides[0])
    result("text: nothing alike, nothing said but the error", "" if res.returncode == 1 and
           not res.stdout and b"nothing to compare" in res.stderr else res)


def matching():
    runs = [5, 6, 7]
    rows = [sampled("sendfile", runs, file_bytes=1024), sampled("sendfile", runs, file_bytes=4096),
            sampled("rw", runs, pattern="a"), sampled("rw", runs, pattern="b")]
    obj, _ = compare(report(rows), report(rows[::-1]))
    keys = [(f["row"]["path"], f["row"].get("file_bytes"), f["row"].get("pattern"))
            for f in obj["figures"]]
    result("rows by their keys, in the order of A", "" if keys == [
        ("sendfile", 1024, None), ("sendfile", 4096, None), ("rw", None, "a"), ("rw", None, "b")]
        else keys)
    obj, _ = compare(report([rows[0], rows[1]]), report([rows[1], rows[2]]))
    result("what one side has alone", "" if len(obj["figures"]) == 1 and
           [r["file_bytes"] for r in obj["only_a"]] == [1024] and
           [r["path"] for r in obj["only_b"]] == ["rw"] else obj)
    obj, _ = compare(report([rows[0]]), report([row(file_bytes=1024, error="no"), rows[1]]))
    result("not measured on one side", "" if not obj["figures"] and
           [r["file_bytes"] for r in obj["only_a"]] == [1024] else obj)
    new = [r | {"kernel": "6.13"} for r in rows]
    obj, _ = compare(report(rows), report(new, kernel="6.13.1"))
    result("another kernel is shown, and not matched", "" if len(obj["figures"]) == 4 and
           obj["differences"] == [{"what": "kernel", "a": ["6.12.1"], "b": ["6.13.1"]}] else obj)
    obj, _ = compare(report(rows + new), report(rows + new))
    result("two kernels on a side are told apart", "" if len(obj["figures"]) == 8 else obj)
    obj, _ = compare(report([rows[0], rows[0]]), report([rows[0]]))
    result("rows alike count together", "" if obj["figures"][0]["a_runs"] == 6 else obj)
    path = file(json.dumps(report([rows[0]])) + "\n" + json.dumps(report([rows[1]])))
    res = run("-j", "bench", "compare", path, file(json.dumps(report(rows))))
    result("several reports in a file", "" if len(json.loads(res.stdout)["figures"]) == 2 else res)
    merged = {"schema": "zc-bench/1", "environments": [{"kernel": "a"}, {"kernel": "b"}],
              "rows": [rows[0] | {"environment": 1}, rows[1] | {"environment": 7}]}
    obj, _ = compare(merged, merged)
    result("a report of several", "" if obj and len(obj["figures"]) == 2 else obj)
    env = [report([rows[0]], mitigations={"x": "on", "y": v}, pinned=v) for v in (None, "off")]
    obj, _ = compare(*env)
    what = sorted(d["what"] for d in obj["differences"])
    result("what differs in the environment", "" if what == ["mitigations y", "pinned"] else what)
    timed = [report([row(bytes=n, requests=n, requests_per_s=9.5, samples={
        "cpu_ns": runs, "p99_ns": runs})]) for n in (10, 20)]
    obj, _ = compare(*timed)
    result("requests for a time: what does not depend on how many", "" if obj and [
        f["figure"] for f in obj["figures"]] == ["p99_ns"] else obj)
    timed = [report([row(bytes=n, requests_per_s=9.5, samples={
        "cpu_ns": runs, "p99_ns": runs}) for n in each]) for each in ([10, 10], [10, 20])]
    for name, sides in (("B", timed), ("A", timed[::-1])):
        obj, _ = compare(*sides)
        result(f"the same if only the second row of {name} has more", "" if obj and [
            f["figure"] for f in obj["figures"]] == ["p99_ns"] else obj)
    later = [row(samples={"cpu_ns": runs}), row(samples={"cpu_ns": runs, "wall_ns": runs})]
    obj, _ = compare(report(later), report(later))
    result("a figure that the first row has not", "" if obj and [
        (f["figure"], f["a_runs"]) for f in obj["figures"]] == [("cpu_ns", 6), ("wall_ns", 3)] else obj)
    both = sampled("sendfile", runs) | {"samples": {"cpu_ns": runs, "wall_ns": runs}}
    obj, _ = compare(report([both]), report([both]), "--figures", "wall_ns")
    result("some figures", "" if [f["figure"] for f in obj["figures"]] == ["wall_ns"] else obj)


def large():
    """Ten thousand rows, of tests that take turns, in seconds: by the zcctl that people have"""
    sides = [saved(report([row(test=f"t{i % 7}", request_bytes=4096 * (i % 997), per_call=i,
                               samples={"cpu_ns": [base + i, base + i]}) for i in range(10000)]))
             for base in (1000, 1001)]
    begin = time.monotonic()
    res = subprocess.run([os.path.join(os.environ["BUILD"], "zcctl"), "-j", "bench", "compare", *sides],
                         capture_output=True, check=False, timeout=300)
    took = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    print(f"# {time.monotonic() - begin:.1f} s")
    result("ten thousand rows", "" if res.returncode == 0 and
           len(json.loads(res.stdout)["figures"]) == 10000 else res.stderr)
    result("take seconds", "" if took < 60 else f"{took} s of CPU time, of all of this program's")


def main():
    large()
    verdicts()
    by_chance()
    failing()
    shown()
    matching()
    return tap.end()


sys.exit(main())
