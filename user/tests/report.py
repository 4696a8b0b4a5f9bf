#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of zcctl report: what it says of reports that are known, that what is no report is an
error and nothing worse, and that nothing in a report gets out of its place in the page. By a
zcctl with what finds bad use of memory. TAP output.
"""
import base64
import copy
import hashlib
import html.parser
import json
import os
import random
import re
import sys

import schema
from reports import TMP, bad, error, file, report, result, row, run, sampled, tap

HERE = os.path.dirname(os.path.abspath(__file__))
REAL = os.path.join(HERE, "fixtures", "bench.json")
EVIL = "</script></style></title><script>alert(1)</script><img src=x onerror='alert(2)'>\"`&<!--"


def errors():
    good = json.dumps(report([sampled("sendfile", [1, 2, 3])]))
    cases = {
        "no JSON": ("{\n\n nonsense", "line 3: no JSON"),
        "cut off": (good[:-9], "ends too early"),
        "empty": ("", "is empty"),
        "blank": (" \n", "is empty"),
        "a NUL": (good.replace("sendfile", "send\0file").encode(), "a NUL"),
        "no UTF-8": (good.replace("sendfile", "send\xe4").encode("latin-1"), "no JSON"),
        "a list": ("[]", "is a list, not an object"),
        "no schema": ("{}", "names no schema"),
        "another schema": ('{"schema":"zcctl/1"}', "schema is 'zcctl/1'"),
        "no rows": ('{"schema":"zc-bench/1"}', "has no rows"),
        "rows that are none": ('{"schema":"zc-bench/1","rows":[3]}', "row 1 is a number"),
        "rows null": ('{"schema":"zc-bench/1","rows":[null]}', "row 1 is null"),
        "garbage behind it": (good + "x", "no JSON"),
        "deep": ('{"schema":"zc-bench/1","rows":' + "[" * 100, "no JSON"),
        "too large a number": (good.replace("1048576", "1e999"),
                               'row 1: "bytes" is not finite, not a number'),
        "too large a run": (good.replace("[1, 2", "[1, 1e999"),
                            'row 1: "cpu_ns" is a list with what is not finite, not a list of numbers'),
        "many rows": (json.dumps(report([row()] * 10001)), "more than 10000 rows"),
    }
    for name, (text, want) in cases.items():
        error(f"compare: {name}", ["bench", "compare", file(text), file(good)], want)
        error(f"page: {name}", ["report", file(text), "-o", "-"], want)
    for key, value, want in (("bytes", "1048576", '"bytes" is a string, not a number'),
                             ("cpu_ns", "3", '"cpu_ns" is a string, not a number'),
                             ("path", 3, '"path" is a number, not a string'),
                             ("test", None, '"test" is missing or null'),
                             ("samples", [1], '"samples" is a list'),
                             ("samples", {"cpu_ns": ["1"]}, '"cpu_ns" is a list, not a list of numbers'),
                             ("samples", {"cpu_ns": [-1]}, '"cpu_ns" is a list, not a list of numbers from 0 up'),
                             ("latency", {"cdf": [[1]]}, '"cdf" is a list, not a list of pairs'),
                             ("memory_bytes", 5, '"memory_bytes" is a number, not an object'),
                             ("memory_bytes", {"0": "4096"}, '"memory_bytes" is an object, not an '
                              "object with numbers from 0 up"),
                             ("error", 5, '"error" is a number')):
        text = json.dumps(report([sampled("sendfile", [1]), row() | {key: value}]))
        error(f"{key} {json.dumps(value)}", ["report", file(text), "-o", "-"], f"row 2: {want}")
    text = json.dumps({"schema": "zc-bench/1", "environment": 7, "rows": []})
    error("an environment that is none", ["report", file(text), "-o", "-"], "environment is a number")
    error("no rows at all", ["report", file(json.dumps(report([]))), "-o", "-"], "there are no rows")
    error("nothing alike", ["bench", "compare", file(good), file(json.dumps(report([row("rw")])))],
          "nothing to compare")
    error("no such figure", ["bench", "compare", file(good), file(good), "--figures", "cpu_ns,foo"],
          "no figure 'foo'; there are: cpu_ns", 2)
    error("a part of a figure's name", ["bench", "compare", file(good), file(good), "--figures", "cpu"],
          "no figure 'cpu'; there are: cpu_ns", 2)
    error("no file", ["report", os.path.join(TMP, "none"), "-o", "-"], "cannot open .*none")
    os.mkdir(os.path.join(TMP, "empty"))
    error("an empty folder", ["report", os.path.join(TMP, "empty"), "-o", "-"], r"no \*.json in")
    huge = os.path.join(TMP, "huge.json")
    with open(huge, "wb") as big:
        big.truncate(65 << 20)
    error("a huge file", ["report", huge, "-o", "-"], "more than 64 MiB")
    os.unlink(huge)
    error("which results?", ["report"], "of which results", 2)
    error("one report", ["bench", "compare", huge], "two reports", 2)
    error("standard input twice", ["bench", "compare", "-", "-"], "only once", 2)
    for percent in ("x", "-1", "5%", "nan", "1e9", ""):
        error(f"--fail-worse {percent}", ["bench", "compare", "a", "b", "--fail-worse", percent],
              "takes percent", 2)
    error("where no page can be", ["report", file(good), "-o", TMP], "is a directory")
    error("no folder for it", ["report", file(good), "-o", TMP + "/none/x"], "cannot make")
    error("too many rows for a page", ["report", file(json.dumps(report([row(request_bytes=i) for i in
          range(2001)]))), "-o", "-"], "there are 2001 rows, and a page has 2000 at most")
    res = run("report", "-", "-o", "-", given=good.encode())
    result("from standard input", "" if res.returncode == 0 and b"</html>" in res.stdout else res)


class Page(html.parser.HTMLParser):
    """What a page has: elements, text, links"""
    VOID = {"meta", "link", "br", "img"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attrs, self.text, self.raw, self.wrong = [], [], [], [], {}, []
        self.feed(text)
        self.close()
        if self.open:
            self.wrong.append(f"not closed: {self.open}")

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attrs += [(tag, *a) for a in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attrs += [(tag, *a) for a in attrs]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        if self.open and self.open[-1] in ("script", "style"):
            self.raw.setdefault(self.open[-1], []).append(data)
        else:
            self.text.append(data)

    def classes(self, tag, name):
        return sum(t == tag and a == "class" and name in (v or "").split() for t, a, v in self.attrs)

    def get(self, tag, name):
        return [v for t, a, v in self.attrs if t == tag and a == name]


def page_of(*args):
    res = run("report", *args, "-o", "-")
    if res.returncode or bad(res):
        return None, res.stderr.decode()
    return Page(res.stdout.decode()), ""


def safe(page):
    """Nothing but what we have put there, nothing from elsewhere"""
    wrong = list(page.wrong)
    policy = [v for v in page.get("meta", "content") if "default-src" in (v or "")]
    if len(policy) != 1 or "default-src 'none'" not in policy[0] or "unsafe" in policy[0]:
        wrong.append(f"policy: {policy}")
    for kind in ("script", "style"):
        text = page.raw.get(kind, [])
        digest = base64.b64encode(hashlib.sha256("".join(text).encode()).digest()).decode()
        if page.tags.count(kind) != 1 or f"{kind}-src 'sha256-{digest}'" not in policy[0]:
            wrong.append(f"{page.tags.count(kind)} {kind}, or not of its hash")
    wrong += [f"<{t} {a}={v!r}>" for t, a, v in page.attrs
              if a.startswith("on") or a in ("src", "style", "srcset", "action") or
              (a in ("href", "xlink:href") and not re.match("#|data:", v or ""))]
    wrong += [f"<{t}>" for t in page.tags if t in ("img", "iframe", "object", "form", "base")]
    return "\n".join(wrong)


def pages():
    page, why = page_of(REAL)
    if not page:
        result("a page of a real report", why)
        return
    with open(REAL, encoding="utf-8") as text:
        real = json.load(text)
    result("a page of a real report", safe(page))
    data = [v for v in page.get("a", "href") if v.startswith("data:")]
    got = json.loads(base64.b64decode(data[0].split(",")[1])) if len(data) == 1 else {}
    result("its JSON is all of it", "" if got.get("rows") == real["rows"] and
           got.get("environments") == real["environments"] else got.keys())
    result("and is a report", "" if run("report", file(json.dumps(got)), "-o", "-").stdout ==
           run("report", REAL, "-o", "-").stdout else "another page")
    result("all rows are in tables", "" if sum(page.classes("tr", c) for c in (
        "zc", "other", "beats", "missing")) == len(real["rows"]) else page.tags.count("tr"))
    text = "".join(page.text)
    wanted = [r"A file over TCP, cold: zc-\w+ costs 0\.0\d\d of sendfile", "zc loses",
              re.escape(real["environments"][0]["kernel"]), "Mitigations"]
    result("what it says", "\n".join(w for w in wanted if not re.search(w, text)))
    result("bars of each path", "" if page.classes("g", "bar") >= 25 else page.classes("g", "bar"))


def objects():
    """Rows with what benchmarks give as objects, those of the module and of devices, too"""
    target = {"target": 3, "name": "00:04.0", "translated": True, "lazy": False}
    rows = [row("zc", test="numa", cache="none", cpu_node=0, memory_node=0, gb_per_s=1.5,
                memory_bytes={"0": 4 << 20, "1": 0}, huge_bytes=4 << 20),
            row("zc", test="alloc", cache="none", served={
                "buffers": 9, "cache": 8, "reserve_hugepages": 1, "kernel_hugepages": 0}),
            row("zc", test="fault", cache="none", meminfo={"AnonHugePages": -2048},
                smaps={"Rss": 2048}, page_table_bytes=-4096),
            row("small", test="tlb", cache="none", dtlb_loads_user=None,
                not_counted={"dtlb_loads_user": "no counter"}),
            row("zc", test="dma", cache="none", target=target, map_ns=9, map_ns_least=8,
                kinsn_per_mib=None, entries=None, bounced_bytes=0, of_zc=None, icount=0,
                samples={"map_ns": [9, 8], "unmap_ns": [4, 5]}),
            row("send", test="nic", cache="cold", frags=4, frags_per_64k=1.5, packet_bytes=65536,
                frags_per_packet=16.5, paths="sendfile", runs=1, spread=None, noisy=False),
            row("zc", test="copybreak", cache="cold", file_bytes=512, pattern="each",
                kinsn_per_send=1.25, syscalls=100)]
    made = report(rows, **{k: None for k in (
        "module", "module_srcversion", "cpu", "load", "clocksource", "thp", "governor", "pinned")})
    made["environment"] |= {"time": "2026-01-01T00:00:00Z", "command": "x", "zcctl": "0", "repeat": 1,
                            "machine": "x86_64", "cpus": 2, "virtual": True, "mitigations": {}}
    try:
        schema.validate(made)
        wrong = ""
    except Exception as exc:    # not of the schema
        wrong = exc
    result("objects in rows are of the schema", wrong)
    path = file(json.dumps(made))
    page, why = page_of(path)
    result("and a page has them", safe(page) if page else why)
    made["environment"] |= {"nic": {"device": "eth7", "loopback": False}, "tick_ns": 4000000,
                            "module_parameters": {"reserve": "64"}}
    page, why = page_of(file(json.dumps(made)))
    text = "".join(page.text) if page else why
    wanted = ["Network device.*eth7", "Module's parameters.*1.*reserve.*64", "Kernel's tick, ns.*4"]
    result("what benchmarks say of the machine has names", "\n".join(
        [w for w in wanted if not re.search(w, text, re.S)] + re.findall(r'\w+_\w+:|{ ?"', text)))
    res = run("bench", "compare", path, path)
    result("and compare reads them", "" if res.returncode == 0 else res.stderr)


def losing():
    rows = [sampled("zc-auto", [100] * 3), sampled("sendfile", [90] * 3),
            sampled("rw", [200] * 3), sampled("mmap-write", [95, 99, 120], cache="hot"),
            sampled("zc-auto", [101, 102, 103], cache="hot"), row("zc-x", error="why <not>")]
    slight = sampled("rw", [95, 101, 120], cache="hot")
    noisy = sampled("odirect-write", [80] * 3) | {"noisy": True}
    page, why = page_of(file(json.dumps(report(rows))))
    text = "".join(page.text) if page else why
    wanted = [r"zc loses here 2 times", r"cold: sendfile needs 0\.90 of zc-auto, ",
              r"hot: mmap-write needs 0\.97 of zc-auto.*\(noisy: their runs overlap\)",
              r"1 of 6 rows were not measured: why <not>", "not measured: why <not>",
              "zc-auto costs 1.11 of sendfile"]
    result("each row that zc loses is named", "\n".join(w for w in wanted if not re.search(w, text)))
    result("and marked", "" if page.classes("tr", "beats") == 2 and page.classes("g", "beats") == 2
           else [page.classes("tr", "beats"), page.classes("g", "beats")])
    page, why = page_of(file(json.dumps(report(rows + [slight, noisy]))))
    text = "".join(page.text) if page else why
    wanted = [r"zc loses here 3 times", r"1 more within what the runs scatter",
              r"odirect-write needs 0\.80 of zc-auto, [^)]*\(noisy\)", r"needs 0\.90 of zc-auto, "
              r"CPU time for a GiB\s*$", r"hot: zc-auto costs 1\.03 of mmap-write.*\(noisy\)",
              r"cold: zc-auto costs 1\.11 of sendfile [^)]*GiB\)\s*$"]
    got = [w for w in wanted if not re.search(w, text, re.M)] + re.findall("rw needs.*", text)
    result("noise is said in each sentence, and what is slight only counted", "\n".join(got))
    page, why = page_of(file(json.dumps(report([rows[4], slight]))))
    text = "".join(page.text) if page else why
    result("what is slight alone is no loss", "" if "zc loses nowhere" in text and
           "1 within what the runs scatter" in text and not page.classes("tr", "beats") else text)
    page, why = page_of(file(json.dumps(report(rows[:1] + rows[2:3]))))
    result("where it loses nowhere it says so", "" if "zc loses nowhere" in "".join(page.text) else why)
    page, why = page_of(file(json.dumps(report(rows[1:3] + rows[5:]))))
    result("and where it was not measured", "" if "zc was not measured" in "".join(page.text) else why)


def alike():
    """Only what does the same work is set beside other ways; the rest by itself"""
    def way(path, cpu, **more):
        return sampled(path, [cpu] * 3, test="alloc") | {"cache": "none"} | more
    rows = [way("ioctl", 10), way("zc", 12), way("zc-list", 30), way("zc-map", 50),
            way("hugetlb", 100), way("small", 40)]
    page, why = page_of(file(json.dumps(report(rows))))
    text = "".join(page.text) if page else why
    wanted = ["zc-map costs 0.50 of hugetlb", "zc costs 1.20 of ioctl", "zc-list costs 3.00 of ioctl",
              "zc loses here 1 time:", r"small needs 0\.80 of zc-map"]
    wrong = ["best way of zc costs", "zc costs 0", "zc-list costs 0", r"\d of zc,"]
    result("memory: what is not mapped is no way to get it", "\n".join(
        [w for w in wanted if not re.search(w, text)] + [w for w in wrong if re.search(w, text)]))
    rows = [way(path, 0, test="fault", get_cpu_ns=get, touch_cpu_ns=touch, faults=1, first_byte_ns=byte)
            for path, get, touch, byte in (("small", 1, 99, 8), ("zc", 40, 20, 410),
                                           ("zc-reserve", 4, 6, 3))]
    page, why = page_of(file(json.dumps(report(rows))))
    text = "".join(page.text) if page else why
    wanted = ["zc costs 0.60 of small", "zc-reserve costs 0.10 of small", "zc loses here 1 time:",
              r"small needs 0\.02\d? of zc, until the first byte"]
    result("first touch: nor what was cleared beforehand, and the first byte counts", "\n".join(
        w for w in wanted if not re.search(w, text)))


def curve(rng, longest):
    values = sorted(rng.lognormvariate(10, 1) * longest for _ in range(500))
    return {"count": 500, "mean_ns": 1, "p50_ns": values[249], "p90_ns": values[449],
            "p99_ns": values[494], "p999_ns": values[499], "max_ns": values[499],
            "cdf": [[int(v), (i + 1) / 500] for i, v in enumerate(values) if i % 10 == 9]}


def charts():
    rng = random.Random(2)
    rows = [row(path, test="serve", cache=cache, latency=curve(rng, k), requests_per_s=1000 / k)
            for k, path in enumerate(("zc-auto", "sendfile", "rw"), 1) for cache in ("cold", "hot")]
    page, why = page_of(file(json.dumps(report(rows))))
    got = (page.classes("svg", "lines"), page.classes("path", "stroke")) if page else why
    result("latency: two charts, three lines each, and a legend", "" if got == (2, 12) else got)
    lines = [row(path, test="serve", latency=curve(rng, 1)) for path in (
        "mine", "sendfile", "zc-x", "zc", "rw", "zc-auto", "other", "zc-b", "zc-c", "zcopy", "zc-d", "e", "f")]
    page, why = page_of(file(json.dumps(report(lines))))
    got = dict(re.findall(r'<tr><th><svg class="swatch line (c\d d\d)".*?</svg>([^<]+)</th>',
                          run("report", file(json.dumps(report(lines))), "-o", "-").stdout.decode()))
    blue = [k for k, v in got.items() if k < "c4"]
    result("lines: zc's are blue, no other is, and each is its own", "" if len(got) == len(lines) and
           page and all((got[k] == "zc" or got[k].startswith("zc-")) == (k in blue) for k in got) else got)
    colours = [[int(v[i:i + 2], 16) for i in (0, 2, 4)] for v in
               re.findall(r"--c\d: #(\w{6});", "".join(page.raw["style"]))] if page else []
    wrong = [c for c in colours if c[0] > c[1] + 40 and c[2] < 100]
    result("and none is orange", "" if len(colours) == 24 and not wrong else wrong or why)
    cells = []
    for count in (99, 100, 999, 1000):
        few = row(test="serve", latency=curve(rng, 1) | {"count": count})
        page, why = page_of(file(json.dumps(report([few]))))
        cells.append(sum("not known of fewer" in (v or "") for v in page.get("td", "title")) if page else why)
    result("no 99 % of fewer than 100, nor 99.9 % of fewer than 1000", "" if cells == [2, 1, 1, 0] else cells)
    sizes = [row(path, test="files", file_bytes=1 << s, bytes=1 << 20, cpu_ns=s * k)
             for k, path in enumerate(("zc-auto", "sendfile"), 1) for s in (10, 12, 14)]
    page, why = page_of(file(json.dumps(report(sizes))))
    got = (page.classes("svg", "lines"), page.classes("g", "line"), page.classes("svg", "bars"),
           page.classes("circle", "point")) if page else why
    result("by size: one chart of lines", "" if got == (1, 2, 0, 6) else got)
    tlb = [row(path, test="tlb", cache="none", page_size=size, dtlb_load_misses_per_access=miss)
           for path, size, miss in (("small", 4096, 0.2), ("zc", 2 << 20, 0.01), ("big", 1 << 30, 0))]
    page, why = page_of(file(json.dumps(report(tlb))))
    text = "".join(page.text) if page else why
    made = [row(path, test="tlb", cache="none", accesses=9, cpu_ns_per_access=2.5, modelled={
        "model": model, "user": {"l2_misses": 3}, "l2_misses_per_access": 0.25})
            for path in ("small", "zc") for model in ("skylake", "zen4")]
    model, why = page_of(file(json.dumps(report(made))))
    got = "".join(model.text) if model else why
    result("and what was modelled, of each model", "" if "modelled skylake" in got and
           "misses of the TLB for each access" in got and model.classes("g", "bar") == 8 else got)
    result("misses of the TLB: bars", "" if page.classes("g", "bar") == 3 and
           "dTLB load misses per access" in text else text)


def injection():
    """Something evil in each place that a text can have"""
    with open(REAL, encoding="utf-8") as text:
        real = json.load(text)

    def poison(obj, key=""):
        if isinstance(obj, dict):
            return {k if k in KEPT else k + EVIL if key in ("mitigations", "meminfo", "samples")
                    else k: poison(v, k) for k, v in obj.items()} | (
                        {"more" + EVIL: EVIL, EVIL: 5} if key in ("row", "environments") else {})
        if isinstance(obj, list):
            return [poison(v, "row" if key == "rows" else key) for v in obj]
        return obj + EVIL if isinstance(obj, str) and key not in ("schema", "cache") else obj

    KEPT = {"schema"}
    evil = poison(real)
    page, why = page_of(file(json.dumps(evil)))
    result("nothing of a report is markup", why or safe(page))
    result("though it is there", "" if page and "".join(page.text).count("alert(1)") > 50 else "it is not")


def mutated(rng, text):
    data = bytearray(text)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data))
        what = rng.random()
        if what < 0.3:
            data[at] = rng.randrange(256)
        elif what < 0.5:
            del data[at:at + rng.randint(1, 40)]
        elif what < 0.7:
            other = rng.randrange(len(data))
            data[at:at] = data[other:other + rng.randint(1, 200)]
        else:
            data[at:at + 1] = rng.choice((b"null", b"-1", b"1e308", b'""', b"[]", b"{}", b"true",
                                          b"9" * 40, b"0.1", b'"\\u0000"', b"1e-320", b"NaN"))
    return bytes(data)


def replaced(rng, obj):
    """A report with a value or two of another kind, which is JSON all the same"""
    values = [None, True, -1, 0, 0.5, 1e308, 5e-324, 2 ** 64 - 1, -2 ** 63, "", "x" * 5000, "é" * 300,
              [], {}, [[]], {"cdf": []}, [None], 10 ** 30]
    obj = copy.deepcopy(obj)
    for _ in range(rng.randint(1, 2)):
        node = obj
        while True:
            keys = list(node) if isinstance(node, dict) else range(len(node))
            key = rng.choice(list(keys))
            if not isinstance(node[key], (dict, list)) or not node[key] or rng.random() < 0.1:
                break
            node = node[key]
        node[key] = rng.choice(values)
    return json.dumps(obj).encode()


def fuzz():
    rng = random.Random(int(os.environ.get("SEED", "3")))
    with open(REAL, encoding="utf-8") as text:
        real = json.load(text)
    real["rows"] = real["rows"][::5] + [row(latency=curve(rng, 1), samples={"p99_ns": [1, None]})]
    plain = json.dumps(real).encode()
    wrong, good = [], 0
    for i in range(int(os.environ.get("FUZZ", "60"))):
        text = replaced(rng, real) if i % 3 else mutated(rng, plain)
        path = file(text)
        page = run("report", path, "-o", "-")
        both = run("bench", "compare", path, REAL)
        good += page.returncode == 0
        for res in (page, both):
            if bad(res) or res.returncode not in (0, 1):
                wrong.append(f"{path}: {res.returncode}: {res.stderr.decode(errors='replace')[:300]}")
        if page.returncode == 0 and safe(Page(page.stdout.decode())):
            wrong.append(f"{path}: {safe(Page(page.stdout.decode()))}")
        if not wrong:
            os.unlink(path)
    result("changed at random", "\n".join(wrong))
    result("some of that are reports all the same", "" if 15 * good > i else good)


errors()
pages()
objects()
losing()
alike()
charts()
injection()
fuzz()
sys.exit(tap.end())
