#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The commands in the documentation.

commands.py list: those of zcctl, a line each, for selftests/zcctl/docs.py, which runs them,
    or, where the text names one in a sentence, sees that it is there
commands.py check: is there a test of each of the others? Status 1 if not
"""
import glob
import os
import re
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
TOOLS = ("zcctl", "build/user/zcctl", "make", "sudo", "cc", "cp", "echo", "perf", "systemd-run",
         "mokutil", "keyctl", "reboot", "dkms", "selftests/qemu/guest.sh", "tools/net/ynl/cli.py", "curl", "mkdir",
         "cd", "cat", "insmod", "modprobe", "apt-get", "ethtool", "nstat", "ss", "git")

# What runs those that are not zcctl's. A command that nothing here knows has no test.
TESTED = {
    r"make( demo| check| coverage| style| static| deps| bench| tlb| soak| fuzz| user| netlink| htmldocs| modules| kselftest|$)":
        "the target is looked for in the Makefile; .ci/run and make check-all run them",
    r"make (install|uninstall|clean)": "selftests/qemu/style.sh",
    r"make (dkms-install|dkms-uninstall|deb|rpm|check-packages)": "make check-packages",
    r"apt-get install (\./build/deb|linux-headers|mokutil|dkms)": "make check-packages",
    r"make -C (user|selftests|LINUX/tools/testing/selftests)\b": "selftests/qemu/style.sh and make check",
    r"make && insmod zc.ko": "make check: each guest does it",
    r"(systemd-sysusers|udevadm|usermod|systemctl) ": "selftests/zcctl/udev.sh has a udevd; logs in",
    r"cp packaging/systemd": "user/tests/prometheus.sh checks the units",
    r"cc .*(send.c|program.c)": "make user compiles the examples",
    r"echo .*(/etc/modprobe.d/zc.conf|/sys/module/zc/parameters/)": "selftests/load",
    r"echo 1 .*compact_memory": "the kernel's",
    r"tools/net/ynl/cli.py": "selftests/netlink/ynl.sh",
    r"curl -s localhost:9100": "user/tests/prometheus.sh has promtool for it",
    r"perf stat ": "selftests/trace/examples.sh; or the tool's own",
    r"systemd-run ": "zcctl bench io --neighbour: selftests/bench/io.sh",
    r"selftests/qemu/guest.sh|make modules-6.12|mkdir -p /tmp/mine|cat build/run/try": "make check",
    r"cd DIR && ZC_KO=": "make check runs run_kselftest.sh",
    r"mokutil |keyctl |reboot": "the tool's own; packaging/guest-secure-boot.sh has the rest",
    r"ethtool |nstat |ss ": "the tool's own",
}


def literal_blocks(lines):
    """Of reST: what follows "::", or a directive of code, and is indented"""
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if not line.rstrip().endswith("::") or line.startswith("..  "):
            continue
        indent = len(line) - len(line.lstrip())
        while at < len(lines) and (not lines[at].strip() or
                                   len(lines[at]) - len(lines[at].lstrip()) > indent):
            yield lines[at]
            at += 1


def indented(lines):
    """Of Markdown: what is indented by four, after an empty line or such a one"""
    inside = False
    for before, line in zip([""] + lines, lines):
        inside = line.startswith("    ") and (inside or not before.strip())
        if inside:
            yield line


def examples(lines):
    """Of a manual page: below EXAMPLES"""
    inside = False
    for line in lines:
        if line.startswith("# "):
            inside = line.strip() == "# EXAMPLES"
        elif inside:
            yield line.replace("++", "")


def commands():
    for path in sorted(glob.glob(TOP + "/*.md") + glob.glob(TOP + "/user/man/*.scd") +
                       glob.glob(TOP + "/Documentation/**/*.rst", recursive=True)):
        with open(path, encoding="utf-8") as text:
            lines = re.sub(r"\\\n\s*", "", text.read()).split("\n")
        how = {".md": indented, ".rst": literal_blocks, ".scd": examples}
        name = os.path.relpath(path, TOP)
        found = [("run", line) for line in how[os.path.splitext(path)[1]](lines)]
        text = "\n".join(lines)
        found += [("named", line) for line in re.findall(r"``((?:zcctl|make) [^`]*)``", text)]
        found += [("run", line) for line in re.findall(r"``(sudo zcctl [^`]*)``", text)]
        for use, line in found:
            line = re.sub(r"\s+#.*|^\s+|\s+$", "", " ".join(line.split("\n")))
            line = re.sub(r"\b[A-Z_]+=\S+ (?=make)", "", line)
            if line.split(" ")[0] in TOOLS:
                yield name, use, re.sub(r"\bsudo ", "", line)


def is_zcctl(command):
    return re.match(r"(build/user/)?zcctl |sh -c '.*zcctl ", command)


def check():
    with open(TOP + "/Makefile", encoding="utf-8") as text:
        targets = set(re.findall(r"^([\w% -]+):", text.read(), re.M))
        targets = {t for group in targets for t in group.split()} | {"modules-6.12"}
    bad = 0
    for name, _, command in commands():
        if is_zcctl(command):
            continue
        goals = re.match(r"make ((?!-C)[\w. -]*)", command)
        unknown = [g for g in goals[1].split() if g not in targets and "=" not in g] if goals else []
        if "=" in command:
            unknown = [g for g in unknown if not re.search(rf"{re.escape(g)}\S*=", command)]
        if unknown or not any(re.match(known, command) for known in TESTED):
            print(f"{name}: {command}: " + (f"no target {unknown}" if unknown else "no test"))
            bad = 1
    return bad


if sys.argv[1:] == ["check"]:
    sys.exit(check())
if sys.argv[1:] != ["list"]:
    sys.exit(__doc__)
for where, use, what in commands():
    if is_zcctl(what):
        print(f"{where}\t{use}\t{what}")
