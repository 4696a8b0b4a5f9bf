#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of zcctl with answers from files in the place of the kernel's. TAP output.

What it prints as JSON is compared with golden/*.json, times aside, and with the schema in
Documentation/schema. UPDATE=1 writes golden/*.json anew.
"""
import fcntl
import json
import os
import pty
import random
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

import schema
from tap import Tap

HERE = os.path.dirname(os.path.abspath(__file__))
DOCS = os.path.join(HERE, "..", "..", "Documentation")
BIN = os.path.join(os.environ["BUILD"], "zcctl-fake")
SPDX = "SPDX-License-Identifier: GPL-2.0-only"
tap = Tap("fake")
result = tap.result


def fixture(text):
    """The path of a fixture: the file of that name, or a new one with that text."""
    if "\n" not in text and " " not in text:
        return os.path.join(HERE, "fixtures", text + ".txt")
    with tempfile.NamedTemporaryFile("w", dir=TMP, delete=False, encoding="utf-8") as file:
        file.write(text)
    return file.name


def root(*files):
    """A folder in the place of /, with these files, empty."""
    top = tempfile.mkdtemp(dir=TMP)
    for file in files:
        os.makedirs(os.path.join(top, os.path.dirname(file)), exist_ok=True)
        with open(os.path.join(top, file), "w", encoding="utf-8"):
            pass
    return top


def environment(text, log=None):
    env = dict(os.environ, ZC_FAKE=fixture(text), TZ="UTC",
               ASAN_OPTIONS="detect_leaks=1:exitcode=77", UBSAN_OPTIONS="print_stacktrace=1")
    if log:
        env["ZC_FAKE_LOG"] = log
    return env


def run(text, args, log=None):
    return subprocess.run([BIN, *args], env=environment(text, log), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)


def normal(obj):
    """Without what differs from run to run."""
    if isinstance(obj, dict):
        return {k: "TIME" if k == "time" else 0 if k == "interval_ns" else normal(v)
                for k, v in obj.items()}
    return [normal(v) for v in obj] if isinstance(obj, list) else obj


def objects(text):
    objs = [json.loads(line) for line in text.splitlines()]
    for obj in objs:
        schema.validate(obj)
    return normal(objs)


def compare_golden(name, got):
    path = os.path.join(HERE, "golden", name + ".json")
    got = {"//": SPDX, **got}
    if os.environ.get("UPDATE"):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(got, file, indent=1)
            file.write("\n")
    with open(path, encoding="utf-8") as file:
        want = json.load(file)
    if got != want:
        return f"differs from {path}:\n{json.dumps(got, indent=1)}"
    return None


def problem_of(res, code, out, err, golden):
    if res.returncode != code:
        return f"exit status {res.returncode}, not {code}\n{res.stderr}"
    for want, text in ((out, res.stdout), (err, res.stderr)):
        if want and not re.search(want, text, re.M):
            return f"does not say '{want}':\n{text}"
    if golden:
        return compare_golden(golden, {"out": objects(res.stdout), "err": objects(res.stderr)})
    return None


def case(name, text, args, code=0, out=None, err=None, golden=None, log=None):
    path = os.path.join(TMP, "log")
    if os.path.exists(path):
        os.unlink(path)
    try:
        res = run(text, args.split(), path)
        problem = problem_of(res, code, out, err, golden)
        if not problem and log is not None:
            with open(path, encoding="utf-8") as file:
                asked = file.read().splitlines()
            problem = asked != log and f"asked {asked}, not {log}"
    except Exception as exc:    # what it prints is no JSON, or not of the schema
        problem = f"{type(exc).__name__}: {exc}"
    result(name, problem)


def usual():
    for name, args, code in (
            ("status", "status", 0), ("pool", "pool", 0), ("buffers", "buffer", 0),
            ("buffer", "buffer show 1", 0), ("leaks", "leaks", 5),
            ("transfers", "transfer list", 0), ("transfer", "transfer show 7", 0),
            ("targets", "dma show", 0), ("stats", "stats", 0),
            ("interval", "stats --interval 1 --count 2", 0),
            ("events", "monitor --count 10", 0)):
        case(f"{args}: JSON", "usual", "-j " + args, code, golden=name)
    case("-p: one object on several lines", "usual", "-p pool", out=r'^  "kind": ?"pool",$')
    case("status: text", "usual", "status",
         out=r"^memory     70.0 MiB in use, of 8.0 GiB[\s\S]*^leaks      1 [\s\S]*^events     8 ")
    case("buffer list: holders and ties", "usual", "buffer",
         out=r"mapped 2 times by \?, process - of user 5\n *and by 2 processes more")
    with open("/proc/self/comm", "r+", encoding="utf-8") as comm:
        name = comm.read()
        comm.write("a\x1b[7m")
        comm.flush()
        case("buffer list: a holder with a name that a terminal would obey",
             f"buffer-get dump\n id=1 comm=x holders=1 holder={{pid={os.getpid()} uid=0}}\n",
             "buffer", out=r"by a\\x1b\[7m, process")
        comm.write(name)
    case("buffer show: its targets", "usual", "buffer show 1", out=r"pci:0000:00:04\.0")
    case("leaks: text", "usual", "leaks", 5, out=r"2\.0 MiB is still held")
    case("transfer show: text", "usual", "transfer show 7", out="^copied     512 B: loopback small$")
    case("monitor: text", "usual", "monitor --count 10",
         out=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 buffer-made +buffer 1: 64\.0 MiB, by")
    case("monitor: one group alone", "usual", "monitor alerts --count 1",
         out=r"\A\S+ buffer-leak .*destroyed, but mapped")
    case("monitor: events that were lost are told of, and do not count", "usual",
         "monitor alerts --timeout 1", out=r"target-gone[^\n]*\n\S+ lost .*\n\Z")
    case("monitor: fewer than --count in time", "usual", "monitor alerts --timeout 1 --count 9",
         1, err="5 of 9 events came in 1 seconds")
    case("stats: text", "usual", "stats", out="^bytes +sent +115 GiB$")


def filters():
    case("buffer list: filters", "usual", "buffer list --uid 4294967294 --pid 7 --sealed --target 0",
         log=["buffer-get dump state=2 pid=7 uid=4294967294 target=0"])
    case("leaks: with holders", "usual", "leaks", 5,
         log=["buffer-get dump with-holders", "module-get do"])
    case("buffer show: the buffer and its targets", "usual", "buffer show 4294967295",
         log=["buffer-get do id=4294967295", "target-get dump buffer=4294967295"])
    case("transfer list: filters", "usual",
         "transfer list --pid 7 --uid 0 --socket 18446744073709551615 --buffer 3",
         log=["transfer-get dump pid=7 uid=0 buffer=3 socket=18446744073709551615"])
    case("monitor: tells the module that it is there", "usual", "monitor alerts --count 1",
         log=["module-get do"])
    case("pool set: shared evenly, fewer first", "usual", "pool set 5", 1,
         log=["pool-get dump", "module-get do",
              *pool_set((0, 3), (1, 2), (0, 3), (1, 2)), "pool-get dump"])
    case("pool set --node", "usual", "pool set 9 --node 0",
         log=["pool-get dump", *pool_set((0, 9)), "pool-get dump"])
    case("pool set: until the reserve is there", POOL_FILLS, "pool set 3 --node 0", 0,
         log=["pool-get dump", *pool_set((0, 3)), *["pool-get do node=0"] * 2, "pool-get dump"])
    case("pool set: fewer than asked for", "usual", "pool set 8 --node 1", 1,
         out="^node 1: 1 of 8 hugepages: .* not in hugepages")
    case("pool set: a node that is not there", "usual", "pool set 9 --node 7", 1,
         err="NUMA node 7 has no memory", log=["pool-get dump"])
    case("pool set: at the limit nodes get as many as each other", POOL_LIMIT, "pool set 100", 0,
         log=["pool-get dump", "module-get do",
              *pool_set((0, 3), (1, 3), (0, 50), (1, 50)), "pool-get dump"])


# What comes of a pool set for these nodes and counts, each of which is looked after.
def pool_set(*nodes):
    return [line for n, c in nodes
            for line in (f"pool-set do node={n} reserve-bytes={c << 21}", f"pool-get do node={n}")]


# A hugepage comes with each look.
POOL_FILLS = """pool-get dump
 node=0 reserve-bytes=0 ready-bytes=0 out-bytes=0
pool-set do
pool-get do
 node=0 reserve-bytes=6291456 ready-bytes=0 out-bytes=2097152 short=used
pool-get do
 node=0 reserve-bytes=6291456 ready-bytes=2097152 out-bytes=2097152 short=used
pool-get do
 node=0 reserve-bytes=6291456 ready-bytes=4194304 out-bytes=2097152 short=none
pool-get dump
 node=0 reserve-bytes=6291456 ready-bytes=4194304 out-bytes=2097152 short=none
"""

# Room for 6 hugepages, one of which a buffer of node 1 has.
POOL_LIMIT = """pool-get dump
 node=0 reserve-bytes=0 ready-bytes=0 out-bytes=0
 node=1 reserve-bytes=2097152 ready-bytes=0 out-bytes=2097152
module-get do
 max-bytes=14680064 used-bytes=4194304
pool-set do
pool-get do
 node=0 reserve-bytes=2097152 ready-bytes=0 out-bytes=2097152 short=limit
"""
DUMP = " id=1 size=2097152\n"


def errors():
    case("no family", "family none\n", "status", 3,
         err="not loaded" if not os.path.exists("/sys/module/zc") else "initial network")
    if not os.path.exists("/sys/module/zc"):
        os.environ["ZCCTL_ROOT"] = root("proc/version", "proc/modules")
        case("no family: JSON", "family none\n", "-j leaks", 3, golden="no-family")
        os.environ["ZCCTL_ROOT"] = root("proc/version")
        case("no family, nor any modules", "family none\n", "status", 3,
             err="not loaded\n.* has no loadable modules")
        del os.environ["ZCCTL_ROOT"]
    case("the kernel lets nobody ask", "family EPERM\n", "status", 4, err="cannot ask the kernel")
    refused = 'pool-set do error EPERM attr=node "CAP_NET_ADMIN is needed"\n'
    nodes = "pool-get dump\n node=0\n"
    case("EPERM", nodes + refused, "pool set 1", 4,
         err=r"cannot set .*Operation not permitted\n  the module says: CAP_NET_ADMIN is needed "
             r"\(node\)\n  run it as root")
    case("EPERM: JSON", nodes + refused, "-j pool set 1", 4, golden="eperm")
    case("a sentence after the whole request", nodes + refused.replace("attr", "whole attr"),
         "pool set 1", 4, err=r"CAP_NET_ADMIN is needed \(node\)")
    case("a sentence without NUL", nodes + refused.replace("attr", "no-nul attr"),
         "pool set 1", 4, err=r"CAP_NET_ADMIN is needed \(node\)")
    for cut in (1, 4, 9, 30, 60):
        case(f"an error that is {cut} bytes short",
             nodes + refused.replace("attr", f"cut={cut} attr"), "pool set 1",
             4 if cut < 50 else 1, err="cannot set")
    case("a missing attribute", nodes + "pool-set do error EINVAL miss=reserve-bytes\n",
         "pool set 1", 1, err="it is about: reserve-bytes")
    case("a dump that fails", 'buffer-get dump error EINVAL attr=state "no such state"\n',
         "buffer list --sealed", 1, err=r"cannot list the buffers: .*\n.*no such state \(state\)")
    case("two answers where one was expected",
         "buffer-get do\n  id=1 comm=\"a\"\n  id=2 comm=\"b\"\ntarget-get dump\n",
         "-j buffer show 1", out=r'"id": ?2')
    case("no such buffer", "buffer-get do error ENOENT\n", "buffer show 9", 1,
         err="no buffer 9, or not of yours")
    case("no such transfer", "transfer-get do error ENOENT\n", "-j transfer show 9", 1,
         golden="no-transfer")
    case("what the module does not know", "module-get do error EOPNOTSUPP\n", "status", 1,
         err="cannot query the module")
    case("monitor: may not join", "join EPERM\n", "monitor", 4, err="cannot have events of buffers")
    case("monitor: no module", "family none\n", "monitor", 3)
    gone = "module-get do\n 99!=00\nevent alerts gone 1\nevent alerts pool-low-ntf\n node=1\n"
    case("monitor: another module is unloaded", gone, "monitor --count 1", out="pool-low")
    case("monitor: the module is unloaded", gone + "event alerts gone\n", "monitor --count 2", 3,
         err="the module was unloaded")
    case("leaks: cannot ask how much is held", "buffer-get dump\nmodule-get do error EIO\n",
         "leaks", 1, err="cannot query")


def interrupted():
    again = "buffer-get dump intr\n" + DUMP + DUMP
    once = again + "buffer-get dump\n" + DUMP
    case("a dump that was interrupted is begun again", once, "-j buffer",
         golden="interrupted-once", log=["buffer-get dump"] * 2)
    case("some times", again, "-j buffer", golden="interrupted", log=["buffer-get dump"] * 5)
    case("and then it says so", again, "buffer", err="came and went while they were listed, 5 times")


def odd():
    odd_values = """buffer-get dump
 id=1 99!=0102 61!= 200!=ffffffffffffffff size=2097152 state=0x80000001
 id=2 comm!=616263 size!=01 mappings!=0100 uid!=
 id=3 comm="\\xff\\x1b[31m\\xc3\\xa4\\xc3" holder!=08 holder!=0800010001
 id=4 holder={pid=1} holder!=ffff0100aabbccdd holder={} holder={uid=3}
 id=5 comm!=
 size=5 comm=cut cut=3
 id!=05 size=1
"""
    case("unknown attributes, strings without NUL, short numbers, broken nests", odd_values,
         "-j buffer", golden="odd")
    case("the same for people", odd_values, "buffer", out=r"\?\?\[31mä\?")
    case("nothing is known", "module-get do\n 99!=00\npool-get dump\nstats-get do\n 99!=00\n",
         "-j status", golden="nothing")
    case("nothing is said", "module-get do\npool-get dump\nstats-get do\n", "status", 1,
         err="cannot query the module")
    case("values that are new", "pool-get dump\n node=0 short=77\ntransfer-get dump\n id=1 source=9 "
         "waiter=9 reasons=0x8000\n", "-j transfer", golden="new-values")
    case("a shortage that is new", "pool-get dump\n node=0 short=77\n", "pool",
         out="for a reason that is new")
    many = "buffer-get dump\n" + "".join(f" id={i} size={i << 21} comm=x\n" for i in range(1, 3000))
    case("a list of many", many, "buffer", out=r"^ +2999 +5\.9 GiB")
    case("no buffers", "buffer-get dump\n", "buffer", out="^no buffers, or none of yours$")
    case("no buffers that fit", "buffer-get dump\n", "buffer list --sealed", out="that fit")
    case("no transfers", "transfer-get dump\n", "transfer", out="^no transfers under way")
    case("no leaks", "buffer-get dump\n id=1 state=handle pid=1\nmodule-get do\n held-bytes=0\n",
         "leaks", out="^all buffers")


def noise(rng):
    """A message of attributes with any numbers and any bytes."""
    parts = []
    for _ in range(rng.randrange(12)):
        data = "".join(f"{rng.choice((0, 1, 8, 255, rng.randrange(256))):02x}"
                       for _ in range(rng.choice((0, 1, 3, 4, 4, 8, 8, 20))))
        parts.append(f"{rng.randrange(1, 40)}!={data}")
    if rng.random() < 0.3:
        parts.append(f"cut={rng.randrange(1, 4)}")
    return " " + " ".join(parts or ["99!="]) + "\n"


def fuzz():
    rng = random.Random(1)
    for args, cmd in (("buffer", "buffer-get dump"), ("-j buffer", "buffer-get dump"),
                      ("leaks", "module-get do\nbuffer-get dump"), ("-j dma", "target-get dump"),
                      ("dma", "target-get dump"), ("transfer", "transfer-get dump"),
                      ("-j transfer", "transfer-get dump"), ("pool", "pool-get dump"),
                      ("-j pool", "pool-get dump")):
        text = cmd + "\n" + "".join(noise(rng) for _ in range(2000))
        res = run(text, args.split())
        problem = res.returncode not in (0, 5) and f"exit status {res.returncode}\n{res.stderr}"
        if not problem and "-j" in args:
            try:
                json.loads(res.stdout)
            except ValueError as exc:
                problem = exc
        result(f"2000 messages of noise: {args}", problem)
    text = "module-get do\n" + "".join(
        f"event buffers {name}-ntf\n" + "".join(noise(rng) for _ in range(300))
        for name in ("buffer-made", "buffer-leak", "transfer-failed", "pool-low", "target-gone"))
    for args in ("monitor --timeout 1", "-j monitor --timeout 1"):
        res = run(text, args.split())
        result(f"1500 events of noise: {args}", res.returncode and res.stderr)


# Who runs this in the background of a shell may have it ignored, and so would zcctl.
signal.signal(signal.SIGINT, signal.default_int_handler)


def start(text, args, **kwargs):
    return subprocess.Popen([BIN, *args.split()], env=environment(text), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)


def wait_caught(proc, sig):
    """Until it catches the signal: before, it would end by it."""
    for _ in range(1000):
        with open(f"/proc/{proc.pid}/status", encoding="ascii") as status:
            caught = re.search(r"^SigCgt:\s*(\w+)", status.read(), re.M)
        if caught and int(caught[1], 16) >> sig - 1 & 1:
            return True
        time.sleep(0.01)
    return False


def stops():
    for args in ("monitor", "-j monitor", "stats --interval 100"):
        for sig in (signal.SIGINT, signal.SIGTERM):
            proc = start("usual", args)
            line = proc.stdout.readline() if "monitor" in args else "x"
            ready = wait_caught(proc, sig)
            proc.send_signal(sig)
            _, err = proc.communicate(timeout=20)
            result(f"{args}: ends by {sig.name}",
                   not line and "no line came at once" or not ready and "it never asks for it" or
                   proc.returncode and f"exit status {proc.returncode}\n{err}")
    proc = start("usual", "-j monitor")
    proc.stdout.readline()
    proc.stdout.close()
    try:
        code = proc.wait(timeout=20)
    except subprocess.TimeoutExpired:
        proc.kill()
        code = "none"
    result("monitor: ends when nobody reads", code != 0 and f"exit status {code}")
    proc.stderr.close()


def read_until(fd, want, seconds=20):
    text, end = "", time.time() + seconds
    while want not in text and time.time() < end:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                text += os.read(fd, 65536).decode(errors="replace")
            except OSError:
                break
    return text


def top_once(act, rows=24):
    """Exit status, what was drawn, and whether the terminal is as it was."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 100, 0, 0))
    before = termios.tcgetattr(child)
    with subprocess.Popen([BIN, "top"], env=environment("usual"), stdin=child, stdout=child,
                          stderr=child, start_new_session=True) as proc:
        text = read_until(parent, "\033[J")
        raw = termios.tcgetattr(child) != before
        text += act(proc, parent, child) or ""
        text += read_until(parent, "\033[?1049l")
        code = proc.wait(timeout=20)
    same = termios.tcgetattr(child) == before
    os.close(parent)
    os.close(child)
    return code, text, raw and same


def resize(proc, parent, child):
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    proc.send_signal(signal.SIGWINCH)
    text = read_until(parent, "\033[J")
    os.write(parent, b"q")
    return text


def top():
    acts = {"q": lambda proc, parent, child: os.write(parent, b"q") and None,
            "SIGTERM": lambda proc, parent, child: proc.send_signal(signal.SIGTERM),
            "SIGINT": lambda proc, parent, child: proc.send_signal(signal.SIGINT)}
    for name, act in acts.items():
        code, text, same = top_once(act)
        result(f"top: ends by {name}, and leaves the terminal as it was",
               code and f"exit status {code}" or not same and "the terminal is not as it was" or
               "BUFFER" not in text and text or not text.endswith("\033[?1049l") and repr(text))
    code, text, same = top_once(resize, rows=12)
    screens = text.split("\033[J")
    result("top: fits the terminal, and follows its size",
           code or not same or len(screens) < 2 or screens[0].count("\r\n") > 11 or
           screens[1].count("\r\n") <= screens[0].count("\r\n") and repr(text))
    case("top: not on a terminal", "usual", "top", 2, err="is for a terminal")


def fields():
    """The tables of attributes are those of the specification."""
    try:
        import yaml
    except ImportError:
        print("# python3-yaml is missing: the tables are not compared with the specification")
        return
    with open(os.path.join(DOCS, "netlink", "specs", "zc.yaml"), encoding="utf-8") as file:
        spec = yaml.safe_load(file)
    with open(os.path.join(HERE, "..", "zcctl", "fields.c"), encoding="utf-8") as file:
        text = file.read()
    types = {"u32": "U32", "u64": "U64", "string": "TEXT", "flag": "FLAG", "nest": "NEST"}
    problem = []
    for group in spec["attribute-sets"]:
        for attr in group["attributes"]:
            if attr["type"] == "pad":
                continue
            const = f"ZC_A_{group['name']}_{attr['name']}".upper().replace("-", "_")
            hit = re.search(rf'\[{const}\] = {{\s*"([^"]*)"[^}}]*type = ZCNL_(\w+)([^}}]*)', text)
            enum = attr.get("enum", "").replace("-", "_")
            kind = ".bits" if attr.get("enum-as-flags") else ".names"
            if not hit or hit[1] != attr["name"] or hit[2] != types[attr["type"]] or \
               (enum and f"{kind} = {enum}" not in hit[3]):
                problem.append(const)
    for oper in spec["operations"]["list"]:
        const = "ZC_CMD_" + oper["name"].upper().replace("-", "_")
        if f'[{const}] = {{ "{oper["name"]}", ' not in text:
            problem.append(const)
    for enum in spec["definitions"]:
        names = [e if isinstance(e, str) else e["name"] for e in enum["entries"]]
        table = re.search(rf"{enum['name'].replace('-', '_')}\[\] = {{([^}}]*)}}", text)
        if not table or re.findall('"([^"]*)"', table[1]) != names:
            problem.append(enum["name"])
    counts = {f"ZC_A_STATS_{a['name'].upper().replace('-', '_')}"
              for group in spec["attribute-sets"] if group["name"] == "stats"
              for a in group["attributes"] if a["type"] != "pad"}
    with open(os.path.join(HERE, "..", "zcctl", "stats-table.c"), encoding="utf-8") as file:
        problem += sorted(counts ^ set(re.findall(r"{ (ZC_A_STATS_\w+), \"", file.read())))
    result("the tables are those of the specification", ", ".join(problem))


def kinds():
    """The schema has each kind that is in the sources."""
    found = set()
    folder = os.path.join(HERE, "..", "zcctl")
    for name in os.listdir(folder):
        if name.endswith(".c"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found.update(*re.findall(r'out_new\("([^"]*)"\)()|\bkind = "([^"]*)"', file.read()))
    missing = found - {""} - set(schema.load("zcctl/1")["properties"]["kind"]["enum"])
    result("the schema has all kinds", ", ".join(sorted(missing)))


with tempfile.TemporaryDirectory() as TMP:
    if not schema.jsonschema:
        print("# python3-jsonschema is missing: nothing is compared with the schema")
    usual()
    filters()
    errors()
    interrupted()
    odd()
    fuzz()
    stops()
    top()
    fields()
    kinds()
sys.exit(tap.end())
