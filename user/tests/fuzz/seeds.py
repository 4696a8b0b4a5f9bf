#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""seeds.py DIR: what the harnesses begin with, in a folder of DIR each."""
import json
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def results():
    """Reports as they were measured, of a few rows; to be compared, and for a page"""
    with open(os.path.join(HERE, "../fixtures/bench.json"), encoding="utf-8") as file:
        report = json.load(file)
    for at in range(0, len(report["rows"]), 4):
        rows = report["rows"][at:at + 4]
        used = sorted({row.get("environment", 0) for row in rows})
        small = {"schema": report["schema"],
                 "environments": [report["environments"][nr] for nr in used],
                 "rows": [dict(row, environment=used.index(row.get("environment", 0)))
                          for row in rows]}
        text = json.dumps(small).encode()
        yield b"\x00" + text
        yield b"\x01" + text
        yield b"\x07" + text


def attr(number, data):
    return struct.pack("=HH", 4 + len(data), number) + data + b"\0" * (-len(data) % 4)


def piece(kind, data):
    """See socket.c: lengths above 255 are in units of 8."""
    if len(data) < 256:
        return bytes((kind, len(data))) + data
    data += b"\0" * (-len(data) % 8)
    return bytes((kind | 16, len(data) // 8)) + data


def netlink():
    """A reply with each attribute as a number, short or long, or a text; then an end"""
    for view in range(32):
        numbers = b"".join(attr(n, struct.pack("=I", n % 5)) for n in range(1, 28))
        long = b"".join(attr(n, struct.pack("=Q", n * 1000)) for n in range(1, 28))
        texts = b"".join(attr(n, b"text\0") for n in range(1, 28))
        nest = attr(18 | 0x8000, attr(1, struct.pack("=I", 1)) + attr(3, struct.pack("=I", 2)))
        for attrs in numbers, long, texts, numbers + long[:400] + nest:
            yield bytes((view,)) + piece(5, attrs) + piece(3, b"\0" * 4)
        yield bytes((view,)) + piece(1, attr(1, b"no\0") + attr(2, struct.pack("=I", 20)))
        # Of another command than was asked
        for cmd in range(1, 9):
            yield bytes((view,)) + piece(4, bytes((cmd, 1, 0, 0)) + nest + numbers + long)
        for error in -2, -4095, -2 ** 31, 1:
            yield bytes((view,)) + piece(2, struct.pack("=i", error) + b"\0" * 16)


def words():
    for text in ("64M", "0x1000", "1GiB", "18446744073709551615", "-1", "localhost:4000",
                 "00:04.0", "pci:0000:00:1f.7", "platform:zc.0",
                 "[::1]:80", "zc: version magic '6.1' should be '6.12'",
                 "zc: disagrees about version of symbol x\nzc: Unknown symbol y (err -2)",
                 "zc: `x' invalid for parameter `reserve'\n",
                 "Loading of unsigned module is rejected\nLockdown: insmod: restricted",
                 "42\n/proc/sys/vm/swappiness 60\n/sys/kernel/mm/ksm/run 0\n/proc/unfinished"):
        yield text.encode()


def options():
    for text in ("buffer\nlist\n--uid\n1000", "show\n1", "--pid\n1\n--sealed", "--count\n1",
                 "--interval\n1", "-j\n--help"):
        for first in range(6):
            yield bytes((first,)) + text.encode()


def settings():
    for text in ("auto\n65536\n/tmp/log", "off", "direct\n0", "cached\n99999999999999999999",
                 "x\n-1\n", "auto\n1\n" + "a" * 4095, "auto\n1\n" + "a" * 4096):
        yield text.encode()


def machine():
    parts = ("root:x:0:\nzc:x:4242:\n", "ID=debian\n",
             "Node 0, zone   Normal    100     50      0      0      0      0      0     10\n",
             "quiet lockdown=integrity\n", "zc 1 0 - Live 0x0\n",
             "Max locked memory         134217728            unlimited            bytes\n",
             "Uid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\nGroups:\t1000 4242 \n"
             "CapEff:\t0000000000000000\n",
             "Linux version 6.1\n", "always [madvise] never\n",
             "[none] integrity confidentiality\n", "lockdown\n", "N\n", "ABC\n", "0.1.0\n",
             "2\n", "1\n", "x\n", "x\n", "42\n/proc/version was\n/sys/x y\n")
    yield "\0".join(parts).encode()
    yield "\0".join(parts).replace(" 50 ", " 50" * 70).encode()
    for gone in range(len(parts)):
        yield "\0".join("" if n == gone else part for n, part in enumerate(parts)).encode()


def main():
    for make in results, netlink, words, options, settings, machine:
        folder = os.path.join(sys.argv[1], make.__name__)
        os.makedirs(folder, exist_ok=True)
        for nr, seed in enumerate(make()):
            with open(os.path.join(folder, f"{nr:03}"), "wb") as file:
                file.write(seed)


main()
