#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What is said of the metrics, held against the table in zcctl and what it prints.

metrics.py code            the table has all that the module counts
metrics.py output FILE     FILE, as printed, has all metrics of the table
metrics.py table           that in Documentation/observability.rst is the one of --rst
metrics.py use             the alerts and the dashboard use metrics that there are
metrics.py dashboard       Grafana can import the dashboard
metrics.py exprs           queries of the dashboard, as rules for promtool
metrics.py --rst           the table for Documentation/observability.rst
"""
import json
import os
import re
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DOCUMENT = "Documentation/observability.rst"
DASHBOARD = "packaging/grafana/zc-dashboard.json"
ALERTS = ["packaging/prometheus/zc-alerts.yml", "packaging/prometheus/zc-alerts-test.yml"]
# Not numbers that are metrics: labels and what fills gaps.
NO_METRICS = {"MODULE": {"ABI", "VERSION", "FEATURES", "PAD"}, "POOL": {"NODE", "PAD"},
              "STATS": {"PAD"}}
TEXT = r'"((?:[^"\\]|\\.)*)"'
problems = []


def wrong(text):
    problems.append(text)


def read(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as file:
        return file.read()


def table():
    """Metrics as prometheus-text.c has them: name -> type, help, label, values."""
    source = read("user/zcctl/prometheus-text.c")
    found = {
        "zc_up": ["gauge", None, None, {None: None}],
        "zc_module_info": ["gauge", None, "version", {"": ("MODULE", "VERSION")}],
    }
    for name, text in re.findall(r'print_head\(to, ' + TEXT + r', ' + TEXT, source):
        found[name][1] = text
    last = None
    row = re.compile(
        r'\bMETRIC\(' + TEXT + r',\s*ZC_A_(\w+?)_(\w+),\s*' + TEXT + '|'
        r'\bLABELLED\(' + TEXT + r',\s*' + TEXT + r',\s*' + TEXT +
        r',\s*ZC_A_(\w+?)_(\w+),\s*' + TEXT + '|'
        r'\bMORE\(' + TEXT + r',\s*ZC_A_(\w+?)_(\w+)')
    for m in row.finditer(source):
        if m[1]:
            last = found[m[1]] = [None, m[4], None, {None: (m[2], m[3])}]
        elif m[5]:
            last = found[m[5]] = [None, m[10], m[6], {m[7]: (m[8], m[9])}]
        else:
            last[3][m[11]] = (m[12], m[13])
        last[0] = "counter" if last[3] and (m[2] or m[8] or m[12]) == "STATS" else "gauge"
    return found


def attribute(pair):
    """As the specification has it: ("STATS", "SENT_BYTES") -> sent-bytes."""
    return pair[1].lower().replace("_", "-")


def check_code():
    header = read("uapi/linux/zc_netlink.h")
    told = {pair for _, _, _, values in table().values() for pair in values.values()}
    for where, others in NO_METRICS.items():
        names = re.findall(r"^\tZC_A_%s_(\w+?)(?: = 1)?,$" % where, header, re.M)
        if len(names) < 5:
            wrong("zc_netlink.h: no attributes of %s" % where.lower())
        for name in names:
            if name not in others and (where, name) not in told:
                wrong("no metric tells of %s of %s-get" % (attribute((where, name)),
                                                          where.lower()))


def printed(file):
    """What was printed: name -> type, help, set of the label's values."""
    found, types, helps = {}, {}, {}
    for line in file:
        line = line.rstrip("\n")
        if line.startswith("# HELP "):
            name, helps[name] = line[7:].split(" ", 1)
        elif line.startswith("# TYPE "):
            name, types[name] = line[7:].split(" ")
        else:
            m = re.fullmatch(r'(\w+)(?:\{(.*)\})? [0-9.]+', line)
            if not m:
                wrong("no sample: %s" % line)
                continue
            labels = dict(re.findall(r'(\w+)="([^"]*)"', m[2] or ""))
            labels.pop("node", None)
            found.setdefault(m[1], set()).add(tuple(labels.items()))
    return {name: (types.get(name), helps.get(name), labels) for name, labels in found.items()}


def check_output(path):
    with open(path, encoding="utf-8") as file:
        got = printed(file)
    want = table()
    for name in sorted(want.keys() | got.keys()):
        if name not in got or name not in want:
            wrong("%s is %s" % (name, "not printed" if name in want else "not in the table"))
            continue
        if got[name][:2] != tuple(want[name][:2]):
            wrong("%s: printed is %s, not %s" % (name, got[name][:2], want[name][:2]))
        label = want[name][2]
        values = {((label, value),) if label else () for value in want[name][3]}
        if label != "version" and got[name][2] != values:
            wrong("%s: labels are %s, not %s" % (name, got[name][2], values))


def command(pair):
    return "%s-get" % pair[0].lower()


def rst():
    lines = [".. list-table::", "   :header-rows: 1", "", "   * - Metric", "     - Type",
             "     - Label", "     - Of", "     - What"]
    for name, (kind, text, label, values) in table().items():
        pairs = [pair for pair in values.values() if pair]
        labels = []
        if any(pair[0] == "POOL" for pair in pairs):
            labels.append("``node``")
        if label:
            names = ", ".join("``%s``" % value for value in values if value)
            labels.append("``%s``%s" % (label, ": " + names if names else ""))
        of = ""
        if pairs:
            attributes = dict.fromkeys("``%s``" % attribute(pair) for pair in pairs)
            of = "``%s``: %s" % (command(pairs[0]), ", ".join(attributes))
        for i, cell in enumerate(["``%s``" % name, kind, "; ".join(labels), of, text]):
            lines.append(("%s - %s" % ("     " if i else "   *", cell)).rstrip()
                         .replace("      -", "     -"))
    return "\n".join(lines) + "\n"


def check_table():
    begin, end = ".. the table of metrics begins\n\n", "\n.. the table of metrics ends\n"
    text = read(DOCUMENT)
    if begin not in text or end not in text:
        wrong("%s: there is no table of metrics" % DOCUMENT)
    elif text.split(begin)[1].split(end)[0] != rst():
        wrong("%s: put in what 'user/tests/metrics.py --rst' prints" % DOCUMENT)


def check_expr(where, text, known):
    """Each metric of zc in @text, with its labels, is one that there is. How many?"""
    count = 0
    for m in re.finditer(r'\b(zc_[a-z_]+)(?:\{([^}]*)\})?', text):
        count += 1
        if m[1] not in known:
            wrong("%s: there is no metric %s" % (where, m[1]))
            continue
        _, _, label, values = known[m[1]]
        pool = any(pair and pair[0] == "POOL" for pair in values.values())
        for key, value in re.findall(r'(\w+)="([^"]*)"', m[2] or ""):
            if key in ("job", "instance") or (key == "node" and pool):
                continue
            if key != label or value not in values:
                wrong('%s: there is no %s{%s="%s"}' % (where, m[1], key, value))
    return count


def dashboard():
    return json.loads(read(DASHBOARD))


def queries(dash):
    """Its queries: where, and what."""
    for panel in dash["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in dash["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["query"]


def check_use():
    known = table()
    for name in ALERTS:
        text = re.sub(r"^\s*#.*$", "", read(name), flags=re.M)
        if check_expr(name, text, known) < 10:
            wrong("%s: hardly a metric of zc in it" % name)
    all_exprs = list(queries(dashboard()))
    for where, text in all_exprs:
        check_expr("%s: %s" % (DASHBOARD, where), text, known)
        for key in re.findall(r'by \(([^)]*)\)', text):
            for label in key.split(", "):
                if label not in ("instance", "job", "node") and \
                        all(label != row[2] for row in known.values()):
                    wrong("%s: %s: there is no label %s" % (DASHBOARD, where, label))
    if len(all_exprs) < 20:
        wrong("%s: only %d queries" % (DASHBOARD, len(all_exprs)))


def check_panel(panel, ids, places):
    title = panel.get("title")
    for key in ("id", "type", "title", "gridPos", "datasource", "targets", "fieldConfig"):
        if not panel.get(key):
            wrong("%s: it has no %s" % (title or "a panel", key))
            return
    if panel["id"] in ids:
        wrong("%s: another has its id, %d" % (title, panel["id"]))
    ids.add(panel["id"])
    grid = panel["gridPos"]
    cells = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"])
             for y in range(grid["y"], grid["y"] + grid["h"])}
    if grid["x"] + grid["w"] > 24 or cells & places:
        wrong("%s: it lies on another, or beyond the edge" % title)
    places |= cells
    refs = [target["refId"] for target in panel["targets"]]
    if len(set(refs)) != len(refs):
        wrong("%s: two queries have the same refId" % title)
    for thing in [panel] + panel["targets"]:
        if thing["datasource"] != {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}:
            wrong("%s: its data source is %s" % (title, thing["datasource"]))


def check_dashboard():
    dash = dashboard()
    for key, kind in (("title", str), ("uid", str), ("schemaVersion", int), ("panels", list),
                      ("templating", dict), ("time", dict), ("annotations", dict)):
        if not isinstance(dash.get(key), kind):
            wrong("%s: it has no %s" % (DASHBOARD, key))
            return
    # A number would be that of another dashboard, where this one is imported.
    if dash["id"] is not None:
        wrong("%s: its id is not null" % DASHBOARD)
    if not 36 <= dash["schemaVersion"] <= 42 or not 8 <= len(dash["uid"]) <= 40:
        wrong("%s: schemaVersion or uid is out of bounds" % DASHBOARD)
    sources = [variable["name"] for variable in dash["templating"]["list"]
               if variable["type"] == "datasource" and variable["query"] == "prometheus"]
    if sources != ["DS_PROMETHEUS"]:
        wrong("%s: its data sources are %s" % (DASHBOARD, sources))
    ids, places = set(), set()
    for panel in dash["panels"]:
        check_panel(panel, ids, places)
    names = {variable["name"] for variable in dash["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(dash))) - {"__all", "__rate_interval"}
    for name in sorted(used - names):
        wrong("%s: there is no variable %s" % (DASHBOARD, name))


def exprs():
    """Its queries as alerts, which promtool can check."""
    print("groups:\n- name: dashboard\n  rules:")
    for i, (_, text) in enumerate(queries(dashboard())):
        if not text.startswith("label_values("):
            text = text.replace("$__rate_interval", "5m")
            print("  - alert: Query%d\n    expr: %s" % (i, json.dumps(text)))


def main(args):
    checks = {"code": check_code, "table": check_table, "use": check_use,
              "dashboard": check_dashboard}
    if args == ["--rst"]:
        sys.stdout.write(rst())
    elif args == ["exprs"]:
        exprs()
    elif len(args) == 2 and args[0] == "output":
        check_output(args[1])
    elif len(args) == 1 and args[0] in checks:
        checks[args[0]]()
    else:
        sys.exit(__doc__)
    for text in problems:
        print(text, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
