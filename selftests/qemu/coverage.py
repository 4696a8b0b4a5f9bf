#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What of the module was run, by gcov: coverage.py [--least PERCENT] [--lines DIR] MODULE

MODULE is the folder that it was built in, with counts beside the objects. Prints how many of
the lines with code were run, by file; which were not; and which labels were never gone to, or
not from each goto. Exit status 1: fewer than PERCENT of all lines, or a label.
"""
import argparse
import collections
import glob
import json
import os
import re
import subprocess
import sys

LABEL = re.compile(r"^([a-z_][a-z0-9_]*):(\s*/\*.*\*/)?\s*$")
GOTO = re.compile(r"^\s+goto ([a-z_][a-z0-9_]*);")


def counts_of(module):
    """How often each line was run, by file: those of the module alone, headers among them."""
    counts = collections.defaultdict(collections.Counter)
    found = sorted(glob.glob(os.path.join(module, "kmod", "*.gcda")))
    if not found:
        sys.exit(f"coverage.py: {module} has no counts")
    for gcda in found:
        said = subprocess.run(["gcov", "--json-format", "--stdout", gcda], check=True,
                              cwd=module, stdout=subprocess.PIPE, text=True).stdout
        for document in said.splitlines():
            told = json.loads(document)
            for file in told["files"]:
                path = os.path.join(told["current_working_directory"], file["file"])
                name = os.path.relpath(os.path.realpath(path), os.path.realpath(module))
                if name.startswith("..") or not name.startswith("kmod"):
                    continue
                for line in file["lines"]:
                    counts[name][line["line_number"]] += line["count"]
    return counts


def spans(numbers):
    """1, 2, 3, 7 as "1-3, 7"."""
    said = []
    for number in numbers:
        if said and said[-1][1] == number - 1:
            said[-1][1] = number
        else:
            said.append([number, number])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in said)


def labels_missed(text, lines):
    """Labels whose first line with code, if they have one, was not run."""
    for number, line in enumerate(text, 1):
        label = LABEL.match(line)
        if not label or label[1] == "default":
            continue
        after = [n for n in lines if n > number and n < number + 8]
        if after and not lines[min(after)]:
            yield number, label[1]


def gotos_missed(text, lines):
    """Labels that no goto went to from this line: one that is fallen into is run all the same."""
    for number, line in enumerate(text, 1):
        goto = GOTO.search(line)
        if goto and number in lines and not lines[number]:
            yield number, f"goto {goto[1]}"


def write_lines(folder, name, text, lines):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, os.path.basename(name)), "w", encoding="utf-8") as out:
        for number, line in enumerate(text, 1):
            out.write(f"{lines.get(number, '-'):>12} {number:5} {line}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--least", type=float, default=0)
    parser.add_argument("--lines")
    parser.add_argument("module")
    args = parser.parse_args()

    run_all = all_all = 0
    missed, labels = [], []
    print(f"{'file':32} {'lines':>6} {'run':>6} {'':>7}")
    for name, lines in sorted(counts_of(args.module).items()):
        with open(os.path.join(args.module, name), encoding="utf-8") as file:
            text = file.readlines()
        ran = sum(1 for count in lines.values() if count)
        run_all, all_all = run_all + ran, all_all + len(lines)
        print(f"{name:32} {len(lines):6} {ran:6} {ran / len(lines):7.1%}")
        not_run = [n for n in sorted(lines) if not lines[n]]
        if not_run:
            missed.append(f"{name}: {spans(not_run)}")
        for way in labels_missed, gotos_missed:
            labels += [f"{name}:{n}: {label}" for n, label in way(text, lines)]
        if args.lines:
            write_lines(args.lines, name, text, lines)
    share = 100 * run_all / all_all
    print(f"{'all':32} {all_all:6} {run_all:6} {share / 100:7.1%}")
    print("\nnot run:", *missed, sep="\n    ")
    print("\nlabels not taken:", *labels or ["none"], sep="\n    ")
    if share < args.least:
        print(f"\n{share:.1f} % of the lines, and {args.least:g} are wanted")
    return 1 if labels or share < args.least else 0


sys.exit(main())
