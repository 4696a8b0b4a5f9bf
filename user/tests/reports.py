# SPDX-License-Identifier: GPL-2.0-only
"""What tests of zcctl bench compare and zcctl report share: reports that are known, and a zcctl
with what finds bad use of memory."""
import json
import os
import re
import subprocess
import sys
import tempfile

import schema
from tap import Tap

BIN = os.path.join(os.environ["BUILD"], "zcctl-fake")
SANITIZER = 77
tap = Tap(os.path.basename(sys.argv[0]).removesuffix(".py"))
result = tap.result
FOLDER = tempfile.TemporaryDirectory()    # pylint: disable=consider-using-with
TMP = FOLDER.name


def run(*args, given=None):
    env = dict(os.environ, ASAN_OPTIONS=f"detect_leaks=1:exitcode={SANITIZER}",
               UBSAN_OPTIONS=f"print_stacktrace=1:exitcode={SANITIZER}")
    return subprocess.run([BIN, *args], input=given, capture_output=True, env=env, timeout=60,
                          check=False)


def bad(res):
    """Did it end as no program should?"""
    return res.returncode < 0 or res.returncode == SANITIZER or b"runtime error" in res.stderr


def file(text):
    with tempfile.NamedTemporaryFile("wb", dir=TMP, delete=False, suffix=".json") as new:
        new.write(text if isinstance(text, bytes) else text.encode())
    return new.name


def row(path="sendfile", **more):
    return {"kernel": "6.12", "test": "io", "path": path, "cache": "cold", "bytes": 1 << 20} | more


def sampled(path, runs, **more):
    """A row with runs of a figure"""
    return row(path, cpu_ns=sorted(runs)[len(runs) // 2], runs=len(runs), noisy=False,
               samples={"cpu_ns": runs}, **more)


def report(rows, **env):
    return {"schema": "zc-bench/1", "environment": {"kernel": "6.12.1", "icount": False} | env,
            "rows": rows}


def compare(a, b, *args):
    """Of two reports: (what it printed, exit status)"""
    res = run("-j", "bench", "compare", file(json.dumps(a)), file(json.dumps(b)), *args)
    if res.returncode not in (0, 1) or not res.stdout:
        return None, res.stderr.decode()
    path = file(res.stdout)
    obj = json.loads(res.stdout)
    try:
        schema.validate(obj)
    except Exception as exc:    # not of the schema
        return None, f"{path}: {exc}"
    return obj, res.returncode


def saved(obj):
    return file(json.dumps(obj))


def expect(name, a, b, args, status, **want):
    """The first figure of a comparison is to have this."""
    obj, code = compare(a, b, *args)
    if obj is None:
        result(name, code)
        return None
    got = obj["figures"][0] if obj["figures"] else {}
    wrong = [f"{k}: {got.get(k)}, not {v}" for k, v in want.items() if got.get(k) != v]
    if code != status:
        wrong.append(f"exit status {code}, not {status}")
    result(name, "\n".join(wrong))
    return obj


def error(name, args, want, status=1, given=None):
    res = run(*args, given=given)
    text = res.stderr.decode()
    result(name, "" if res.returncode == status and re.search(want, text) and not bad(res) else
           f"exit status {res.returncode}: {text}")
