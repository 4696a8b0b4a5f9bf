#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The commands of zcctl in the documentation and in --help: each runs as it stands there, but for
names of files, hosts and devices, and with small sizes; what sentences name is there."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from tap import Tap

MODULE = os.environ.get("ZC_KO", "/zc/zc.ko")
HERE = os.path.dirname(os.path.abspath(__file__))
PORT = "4000"

if not shutil.which("zcctl"):
    print("1..0 # SKIP no zcctl in PATH")
    sys.exit(4)
if not os.environ.get("ZC_ALL"):
    print("1..0 # SKIP takes minutes: make check-all has it")
    sys.exit(4)

# What stands for something else; in this order
NAMES = [
    (r"build/user/zcctl", "zcctl"), (r"\*\.json|io\.json alloc\.json build/bench\.json", "io.json"),
    (r"\bFILE\b|/var/tmp/(big|file)|/srv/disk\.img|/dev/(nvme0n1|nullb0)|\bdisk\.img\b(?! \()", "file"),
    (r"\bDIR\b|/var/tmp\b|/mnt\b(?!/ext4)", "dir"), (r"/mnt/ext4", "dir"),
    (r"otherhost|\bHOST\b|\[::1\]", "localhost"), (r"\bPORT\b", PORT),
    (r"(pci:0000:)?00:04\.0", "00:10.0"), (r"\b(DEVICE|TARGET)\b", "0"), (r"\bSIZE\b", "4M"),
    (r"\bBENCHMARK\b", "io"), (r"(/var/lib/prometheus/node-exporter|/var/log)/", "./"),
    (r"after\.json", "io.json"), (r"--(uid|pid) \d+", r"--\1 1"), (r" --icount\b", ""),
    (r"--hold \d+", "--hold 1"), (r"\bpool set \d+", "pool set 8"),
    (r"alloc (1G|2G|64M)( --page-size 1G)?", "alloc 4M"), (r"--timeout 600", "--timeout 1"),
    (r"\(there: .*\)", ""), (r" --neighbour \w+", " --neighbour 1M"), (r"ulimit -n \d+; ", ""),
    (r"max_bytes=1G", "max_bytes=512M"), (r"map (\S+) \d+M", r"map \1 4M"),
    (r"python3 server\.py", "python3 -c pass"), (r"/tmp/zc\.log", "zc.log"),
    (r"^zcctl load$", "zcctl load --path ./zc.ko"),
]

# A benchmark is quick with these, which come after its own.
QUICK = {
    "io": "--size 32M --repeat 2", "serve": "--connections 2 --requests 4 --size 4K --repeat 1",
    "many": "--transfers 8 --in-flight 2 --size 4K --repeat 1", "fault": "--size 2M --repeat 1",
    "alloc": "--size 64K --count 4 --repeat 1", "files": "--sizes 4K --repeat 1",
    "numa": "--size 2M --accesses 100 --requests 10 --repeat 1", "dma": "--size 2M --repeat 1",
    "tlb": "--size 2M --accesses 100 --repeat 1", "copybreak": "--sizes 1K --sends 10 --repeat 1",
    "write": "--size 4K --count 4 --repeat 1",
}

# They go on until somebody ends them.
ENDLESS = re.compile(r"zcctl( -j)? (monitor(?!.*--timeout)|top|recv|stats --interval \d+$|run .*nginx)")


def run(command, **more):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **more)


def quick(command):
    """The same in seconds: with options that come after its own"""
    bench = re.search(r"\bbench (?!compare)(\w+)", command)
    if not bench or bench[1] not in QUICK:
        return command
    more = QUICK[bench[1]]
    # Six runs are what --fail-worse wants.
    if "json" in command and "--repeat 10" in command:
        more = more.replace("--repeat 2", "--repeat 6 --paths sendfile")
    elif bench[1] == "io" and "--paths" not in command:
        more += " --paths sendfile,zc-auto"
    return re.sub(r"( *(>+ ?\S+|')*)$", rf" {more}\1", command, count=1)


def prepared(command):
    for name, to in NAMES:
        command = re.sub(name, to, command)
    # A tool that is not here does not read what comes.
    command = re.sub(r" \| (\w[\w-]*).*", lambda to: to[0] if shutil.which(to[1]) else "", command)
    # For a terminal
    command = re.sub(r"^zcctl top$", "script -qec 'zcctl top' /dev/null", command)
    # Of two commands the second is what to do if the first says so; none is left behind.
    command = re.sub(r" \|\| echo .*| *&$", "", command)
    return quick(command.strip())


def tried(command):
    """Why not, if it is not as it should be"""
    text = prepared(command)
    endless = ENDLESS.search(text)
    if " load" in text:
        run(["rmmod", "zc"])
    res = run(["timeout", "-s", "INT", "2" if endless else "100", "bash", "-c", text])
    if " unload" in text:
        run(["insmod", MODULE])
    # Something may be worse, and nothing may happen.
    good = (0, 1) if re.search("--fail-worse|--timeout", text) else (0, 124) if endless else (0,)
    return "" if res.returncode in good else f"{text}: status {res.returncode}\n{res.stdout}"


def named(command):
    """Is there such a command, with these options?"""
    words = [w for w in command.split() if not w.startswith("-") and re.match("[a-z]+$", w)]
    options = re.findall(r" (--[a-z-]+)", command.replace("--json", "").replace("--help", ""))
    while len(words) > 1:
        res = run([*words, "--help"])
        if res.returncode == 0:
            break
        words.pop()
    lacks = [o for o in options if o not in res.stdout] if len(words) > 1 else "the command"
    return lacks and f"{command}: {lacks}"


def of_help():
    """The examples that --help has"""
    todo = [["zcctl"]]
    for words in todo:
        text = run([*words, "--help"]).stdout
        if len(words) < 3:
            for word in re.findall(r"^  ([a-z]+)  ", text, re.M):
                res = run([*words, word, "--help"])
                if res.returncode == 0 and res.stdout != text:
                    todo.append([*words, word])
        below = re.split(r"^examples?.*:$", text, flags=re.M)
        for line in below[1].split("\n") if len(below) > 1 else []:
            if line.startswith("  zcctl "):
                yield " ".join(words) + " --help", "run", line.strip()


def all_of_them():
    with open(os.path.join(HERE, "commands.txt"), encoding="utf-8") as text:
        seen = set()
        for where, use, command in [line.rstrip("\n").split("\t") for line in text] + list(of_help()):
            if (use, command) not in seen:
                seen.add((use, command))
                yield where, use, command


folder = tempfile.mkdtemp(dir="/mnt/ext4")
os.chdir(folder)
shutil.copy(MODULE, "zc.ko")
os.mkdir("dir")
for name in ("file", "dir/one"):
    with open(name, "wb") as data:
        data.write(os.urandom(32 << 20))
run(["rmmod", "zc"])
run(["insmod", MODULE])
run(["zcctl", "dma", "attach", "00:10.0"])
receiver = subprocess.Popen(["zcctl", "recv", PORT, "--discard", "--serve", "--quiet"])
# A report of this name is what several read.
run(["bash", "-c", quick("zcctl -j bench io file >io.json")])
tap = Tap("documentation")
for where, use, command in list(all_of_them()):
    # A receiver of its own takes the port of ours; what is in parentheses is not run.
    own = " recv " in command.split("(")[0]
    if own:
        receiver.kill()
        receiver.wait()
    # An example before may have detached it, or have it in another way.
    if " dma " in command:
        run(["zcctl", "dma", "detach", "00:10.0"])
    if " dma " in command and " attach " not in command:
        run(["zcctl", "dma", "attach", "00:10.0", "--bits", "64"])
    problem = tried(command) if use == "run" else named(command)
    if own:
        receiver = subprocess.Popen(["zcctl", "recv", PORT, "--discard", "--serve", "--quiet"])
    tap.result(f"{where}: {command}".replace("#", ""), problem)
receiver.kill()
receiver.wait()
run(["zcctl", "dma", "detach", "00:10.0"])
run(["rmmod", "zc"])
shutil.rmtree(folder)
sys.exit(tap.end())
