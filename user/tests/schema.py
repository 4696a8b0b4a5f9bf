#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Is what zcctl prints as JSON what its schema says? schema.py FILE...: an object a line.

Without files their names come by standard input, and a line goes out for each, which is
empty if it is: to start Python for each takes long where processors are emulated. The schemas
are beside this file, or in Documentation/schema. Exit status 4: there is no
python3-jsonschema.
"""
import copy
import json
import os
import sys

try:
    import jsonschema
except ImportError:
    jsonschema = None

HERE = os.path.dirname(os.path.abspath(__file__))
EVENT = {"buffer": "buffer_object", "transfer": "transfer_object", "pool": "node",
         "target": "target_object"}
loaded = {}


def load(name):
    file = name.replace("/", "-") + ".schema.json"
    path = os.path.join(HERE, file)
    if not os.path.exists(path):
        path = os.path.join(HERE, "..", "..", "Documentation", "schema", file)
    if name not in loaded:
        with open(path, encoding="utf-8") as text:
            loaded[name] = json.load(text)
    return loaded[name]


def strict(node):
    """The same schema, that allows nothing it does not name."""
    if isinstance(node, dict):
        if "properties" in node and "allOf" not in node:
            node["additionalProperties"] = False
        for value in node.values():
            strict(value)
    elif isinstance(node, list):
        for value in node:
            strict(value)
    return node


def validate(obj):
    """Against the schema as it is, then as if it allowed no additions."""
    if not jsonschema:
        return
    loose = load(obj["schema"])
    jsonschema.validate(obj, loose)
    # What rows of benchmarks have more depends on the benchmark.
    if "kind" not in obj:
        return
    tight = strict(copy.deepcopy(loose))
    if obj["kind"] != "event":
        jsonschema.validate(obj, tight)
    elif obj["event"] != "lost":
        part = tight["definitions"][EVENT[obj["event"].split("-")[0]]]
        rest = {k: v for k, v in obj.items() if k not in ("schema", "kind", "time", "event")}
        jsonschema.validate(rest, {**part, "definitions": tight["definitions"]})


def why_not(name):
    """What is wrong with the first object that is not of the schema, or \"\"."""
    with open(name, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if not lines:
        return f"{name}: there is no object in it"
    for line in lines:
        try:
            validate(json.loads(line))
        except Exception as exc:    # no JSON, or not of the schema
            return f"{name}: {type(exc).__name__}: {exc}\n{line}"
    return ""


def main():
    if not jsonschema:
        return 4
    if len(sys.argv) == 1:
        for name in sys.stdin:
            print(why_not(name.strip()).replace("\n", " "), flush=True)
        return 0
    for name in sys.argv[1:]:
        why = why_not(name)
        if why:
            print(why)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
