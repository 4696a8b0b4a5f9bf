#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Does debian/copyright say of each file (their names come by standard input) what the file says
at its top? Says what differs; the exit status is 1 then."""

import fnmatch
import re
import sys

SPDX = {
    "GPL-2.0-only": "GPL-2.0-only",
    "GPL-2.0 WITH Linux-syscall-note": "GPL-2.0-only with Linux-syscall-note exception",
    "((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)":
        "GPL-2.0-only with Linux-syscall-note exception or BSD-3-Clause",
    "LGPL-2.1-or-later": "LGPL-2.1-or-later",
}


def paragraphs(text):
    """Patterns and license of each paragraph of files"""
    for part in text.split("\n\n"):
        found = re.match(r"Files:(.*?)\n(?=\S).*^License: ([^\n]*)", part, re.S | re.M)
        if found:
            yield found[1].split(), found[2]


def of_package(name, parts):
    """The last paragraph that has the file is the one that holds"""
    return [license for patterns, license in parts
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)][-1]


def of_file(name):
    """What its SPDX line says, in the words of debian/copyright; None without one"""
    with open(name, encoding="utf-8") as file:
        head = "".join(file.readlines()[:5])
    found = re.search(r'SPDX-License-Identifier: *(.*?)(?: *\*/| *-->|",|$)', head, re.M)
    return SPDX.get(found[1], found[1]) if found else None


def main():
    """A line for each file that differs"""
    with open("packaging/debian/copyright", encoding="utf-8") as file:
        parts = list(paragraphs(file.read()))
    names = sys.stdin.read().split()
    wrong = not names
    for name in names:
        said, packaged = of_file(name), of_package(name, parts)
        if said not in (None, packaged):
            print(f"{name}: {said}, and packaging/debian/copyright says {packaged}")
            wrong = True
    sys.exit(wrong)


main()
