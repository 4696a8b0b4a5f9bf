#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Is all of the interface known to the fuzzers? dev_zc.txt, for syzkaller, is to have each
ioctl, each member of their structures in its order, each flag, and each command and attribute
of netlink that user space sends; and each set of flags that it has is used, as syzkaller wants
it. The fuzzer itself is to have each ioctl, each member that is read, and each command.

dev_zc.py [FOLDER]: the headers are in FOLDER. Status 1 if something is missing.
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
UAPI = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "../../uapi/linux")
bad = []


def read(*names):
    text = ""
    for name in names:
        with open(name, encoding="utf-8") as file:
            text += file.read()
    return text


def header(name):
    return os.path.join(UAPI, name)


def missing(where, what):
    bad.append(f"{where}: {what} is missing")


def word_in(name, text):
    return re.search(rf"\b{re.escape(name)}\b", text)


def structures(text):
    """Of C: their members, in order, and the members that their description has as "in\""""
    for name, doc, body in re.findall(
            r"/\*\*\n \* struct (\w+) - (.*?)\*/\nstruct \w+ \{\n(.*?)^\};", text, re.M | re.S):
        members = re.findall(r"\b(\w+)(?:\[\w+\])?;", body)
        yield name, members, re.findall(r"^ \* @(\w+):\s+in: ", doc, re.M)


def described(text, name):
    """Members that the description for syzkaller has"""
    found = re.search(rf"^{name} [\[{{]\n(.*?)^[\]}}]", text, re.M | re.S)
    return re.findall(r"^\t(\w+)", found[1], re.M) if found else []


def constants(text):
    """Values of flags and the like; neither commands nor what guards a header"""
    names = re.findall(r"^#define\s+(ZC_\w+)[ \t]+\S", text, re.M)
    return [n for n in names if not n.startswith(("ZC_IOC_", "ZC_MCGRP_", "ZC_FAMILY_"))]


def check_ioctls(uapi, syz, fuzz):
    for name in re.findall(r"^#define (ZC_IOC_\w+)\s+_IOWR", uapi, re.M):
        if f"ioctl${name}(" not in syz:
            missing("dev_zc.txt", name)
        if not word_in(name, fuzz):
            missing("the fuzzer", name)
    for name, members, read_in in structures(uapi):
        if described(syz, name) != members:
            missing("dev_zc.txt", f"struct {name} as it is ({', '.join(members)})")
        # The last is of another kind: what an SQE holds.
        for member in read_in if name != "zc_uring_cmd" else ():
            if not re.search(rf"M\({name}, {member},", fuzz):
                missing("the fuzzer", f"{name}::{member}")


def check_netlink(netlink, syz, fuzz):
    for name in re.findall(r"^\t(ZC_(?:CMD|A)_\w+?)(?: = \d+)?,$", netlink, re.M):
        if not name.endswith("_NTF") and not word_in(name, syz):
            missing("dev_zc.txt", name)
        if re.fullmatch(r"ZC_CMD_\w+_(GET|SET)", name) and not word_in(name, fuzz):
            missing("the fuzzer", name)
    for body in re.findall(r"^enum \w+ \{(.*?)^\};", netlink, re.M | re.S):
        for name in re.findall(r"^\t(ZC_\w+)", body, re.M):
            if not word_in(name, syz):
                missing("dev_zc.txt", name)


def check_used(syz):
    """Flags, structures and resources that nothing refers to"""
    names = re.findall(r"^(?:resource )?(\w+)(?: =| [{\[]|\[)", syz, re.M)
    for name in names:
        if len(re.findall(rf"\b{name}\b", syz)) < 2:
            bad.append(f"dev_zc.txt: nothing uses {name}")


def main():
    uapi = read(header("zc.h"), header("zc_send.h"), header("zc_dma.h"))
    netlink = read(header("zc_netlink.h"))
    syz = read(os.path.join(HERE, "dev_zc.txt"))
    fuzz = read(os.path.join(HERE, "ioctls.c"), os.path.join(HERE, "family.c"))
    check_ioctls(uapi, syz, fuzz)
    check_netlink(netlink, syz, fuzz)
    check_used(syz)
    for name in constants(uapi + netlink):
        if not word_in(name, syz):
            missing("dev_zc.txt", name)
    print("\n".join(bad), end="\n" if bad else "")
    return bool(bad)


sys.exit(main())
