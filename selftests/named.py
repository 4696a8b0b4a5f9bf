#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The tests that Documentation names are there.

They are named *TOPIC* or *TOPIC (PROGRAM, PROGRAM: TEST, TEST)*, where the topic may go without
saying in the name of a program (async_fuse is "fuse" among those of async); in the last column of
the table of security.rst without the stars. Prints what is not there; status 1 if so.
"""
import glob
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOPICS = {os.path.basename(os.path.dirname(f)) for f in glob.glob(f"{TOP}/selftests/*/settings")}
# Emphasis that begins with the name of a topic is of tests, if all of it could be
NAMES = re.compile(r"(?<![\w*])\*([a-z_]+(?:[,:;()\s`*]|[\w-])*?)\*(?![\w*])")
# What a sentence has between them
WORDS = set("a and at by call check-all debug each for from in kernel later linux make of on one "
            "or that the".split())


def tests(topic):
    """{program: its tests} of a topic"""
    have = {}
    for path in glob.glob(f"{TOP}/selftests/{topic}/*"):
        name, kind = os.path.splitext(os.path.basename(path))
        if kind == ".c":
            text = open(path).read()
            have[name] = set(re.findall(r"^TEST(?:_F(?:_TIMEOUT)?)?\((?:\w+, )?(\w+)", text, re.M))
            have[name] |= set(re.findall(r'strcmp\(argv\[1\], "(\w+)"\)', text))
        elif kind in (".sh", ".py"):
            have[name] = set()
    return have


HAVE = {topic: tests(topic) for topic in TOPICS}


def known(word, topic):
    """Is it a topic, one of its programs, or a test of these? The topic it belongs to, or None"""
    if word in TOPICS:
        return word
    for of in [topic] if topic else TOPICS:
        programs = HAVE[of]
        if word in programs or f"{of}_{word}" in programs or \
                any(word in tests for tests in programs.values()):
            return of
    return None


def missing(text):
    """The words of it that are no tests"""
    topic = None
    text = re.sub(r":doc:`\w+`|``make [\w-]+``", "", text)
    for word in re.findall(r"[A-Za-z][\w-]*", text):
        if word.lower() in WORDS:
            continue
        found = known(word, topic)
        if not found:
            yield word
        topic = found or topic


def named(path):
    """(line, text) of each place that names tests"""
    text = open(path).read()
    for match in NAMES.finditer(text):
        if re.match(r"[a-z_]+", match[1])[0].split("_")[0] in TOPICS:
            yield text.count("\n", 0, match.start()) + 1, match[1]
    if os.path.basename(path) == "security.rst":
        table = text[text.index("     - test\n"):]
        for row in re.split(r"\n   \* - ", table.split("\n\n", 1)[0])[1:]:
            yield text.count("\n", 0, text.index(row)) + 1, re.split(r"\n     - ", row)[-1]


def main():
    places = bad = 0
    for path in sorted(glob.glob(f"{TOP}/Documentation/*.rst")):
        for line, text in named(path):
            places += 1
            for word in missing(text):
                print(f"{os.path.relpath(path, TOP)}:{line}: there is no test '{word}'")
                bad += 1
    if places < 60:
        print(f"only {places} places name tests: is their form another now?")
        bad += 1
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
