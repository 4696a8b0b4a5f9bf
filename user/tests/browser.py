#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""zcctl report in a browser: the page of a real report, in Chromium without a network. In
light, dark and narrow it is a picture of what it should be, its charts have what they should,
the browser has nothing against it, and asks nobody for anything. TAP output; skipped where
there is no Chromium. With SHOTS=FOLDER the pictures are kept there.
"""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from urllib.parse import quote

from tap import Tap

HERE = os.path.dirname(os.path.abspath(__file__))
ZCCTL = os.path.join(os.environ["BUILD"], "zcctl")
REAL = os.path.join(HERE, "fixtures", "bench.json")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Of page.css
LIGHT = {"paper": (0xfc, 0xfc, 0xfb), "zc": (0x0b, 0x62, 0xad), "other": (0xa3, 0xab, 0xb5)}
DARK = {"paper": (0x14, 0x17, 0x1b), "zc": (0x5a, 0xab, 0xf0), "other": (0x6c, 0x76, 0x81)}
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
         "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND"]
tap = Tap("browser")
result = tap.result


def alone():
    """In front of a command: it has no network, where this user may take it away"""
    for how in (["unshare", "-n"], ["unshare", "-rn"]):
        if subprocess.run([*how, "true"], capture_output=True, check=False).returncode == 0:
            return how
    return []


def browse(page, *options):
    """(standard output, what the console and the log say)"""
    with tempfile.TemporaryDirectory(dir=TMP) as profile:
        res = subprocess.run([*ALONE, CHROMIUM, *QUIET, f"--user-data-dir={profile}", *options,
                              "--enable-logging=stderr", "file://" + quote(page)],
                             capture_output=True, timeout=120, check=False)
    return res.stdout.decode(), res.stderr.decode(errors="replace")


def console(log):
    """What it says of the page; the browser has pages of its own."""
    return [line for line in log.splitlines() if ":CONSOLE" in line and "source: chrome" not in line]


def unfilter(kind, line, above, step):
    """A line of PNG, in place"""
    if kind == 1:
        for i in range(step, len(line)):
            line[i] = line[i] + line[i - step] & 255
    elif kind == 2:
        for i, up in enumerate(above):
            line[i] = line[i] + up & 255
    elif kind == 3:
        for i, up in enumerate(above):
            line[i] = line[i] + ((line[i - step] if i >= step else 0) + up) // 2 & 255
    elif kind == 4:
        for i, up in enumerate(above):
            left, corner = (line[i - step], above[i - step]) if i >= step else (0, 0)
            p = left + up - corner
            a, b, c = abs(p - left), abs(p - up), abs(p - corner)
            line[i] = line[i] + (left if a <= b and a <= c else up if b <= c else corner) & 255


def colours(path):
    """(width, height, {colour: pixels}) of a PNG as Chromium writes it"""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", path
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            width, height, depth, colour, _, _, laced = struct.unpack(">IIBBBBB", data[at + 8:at + 21])
        elif kind == b"IDAT":
            packed += data[at + 8:at + 8 + size]
        at += size + 12
    assert depth == 8 and colour in (2, 6) and not laced, (depth, colour, laced)
    step = 3 if colour == 2 else 4
    raw, above, found = zlib.decompress(packed), bytes(width * step), {}
    for y in range(height):
        at = y * (width * step + 1)
        line = bytearray(raw[at + 1:at + 1 + width * step])
        unfilter(raw[at], line, above, step)
        above = line
        for pixel in zip(line[::step], line[1::step], line[2::step]):
            found[pixel] = found.get(pixel, 0) + 1
    return width, height, found


def picture(name, page, size, palette, *options):
    """Blank, or of one colour too few?"""
    path = os.path.join(os.environ.get("SHOTS") or TMP, name + ".png")
    _, log = browse(page, f"--window-size={size[0]},{size[1]}", f"--screenshot={path}", *options)
    if not os.path.exists(path):
        result(f"{name}: a picture", log)
        return
    width, height, found = colours(path)
    wrong = []
    if (width, height) != size:
        wrong.append(f"{width} x {height}")
    if max(found, key=found.get) != palette["paper"]:
        wrong.append(f"most of it is {max(found, key=found.get)}, not paper")
    for what, least in (("zc", 300), ("other", 1500)):
        if found.get(palette[what], 0) < least:
            wrong.append(f"{found.get(palette[what], 0)} pixels of {what}")
    if len(found) < 50:
        wrong.append(f"{len(found)} colours")
    result(f"{name}: a picture of charts", "\n".join(wrong))
    result(f"{name}: no word on the console", "\n".join(console(log)))


def overflow(page):
    """A page that is wider than a phone would scroll sideways: a script says so, by its own hash."""
    probe = ('document.documentElement.dataset.wide = document.documentElement.scrollWidth > '
             'innerWidth ? "yes" : "no";')
    with open(page, encoding="utf-8") as file:
        text = file.read()
    other = os.path.join(TMP, "probe.html")
    with open(other, "w", encoding="utf-8") as file:
        # Without the policy, which is what forbids scripts of others
        file.write(re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "", text).replace(
            "</body>", f"<script>{probe}</script></body>"))
    dom, _ = browse(other, "--window-size=500,900", "--dump-dom")
    result("narrow: nothing is cut off", "" if 'data-wide="no"' in dom else dom[:300])
    # The same with the policy must not run; and the browser has to say so.
    with open(other, "w", encoding="utf-8") as file:
        file.write(text.replace("</body>", f"<script>{probe}</script></body>"))
    dom, log = browse(other, "--dump-dom")
    result("a script of others does not run", "data-wide is there" if "data-wide" in dom else "")
    result("and the console tells of it", "" if console(log) else "it does not")


def dom(page, report):
    """What is there after the script has run"""
    text, log = browse(page, "--dump-dom")
    with open(page, encoding="utf-8") as file:
        source = file.read()
    rows = [r for r in report["rows"] if r["test"] == "io"]
    wrong = []
    section = re.search(r'<section id="t0">.*?</section>', text, re.S)
    bars = re.findall(r'<g class="bar (\w+)"', section[0]) if section else []
    if len(bars) != len(rows):
        wrong.append(f"{len(bars)} bars of {len(rows)} rows")
    if bars.count("zc") != sum(r["path"].startswith("zc") for r in rows):
        wrong.append(f"{bars.count('zc')} bars of zc")
    section = re.search(r'<section id="t1">.*?</section>', text, re.S)
    lines = len(re.findall(r'<g class="line ', section[0])) if section else 0
    paths = {(r["path"], r["cache"]) for r in report["rows"] if r["test"] == "files"}
    if lines != len(paths):
        wrong.append(f"{lines} lines of {len(paths)} paths and states of the cache")
    result("as many bars and lines as there are rows", "\n".join(wrong))
    result("the script has run", "" if 'id="tip"' in text and 'id="tip"' not in source.split("<script>")[0]
           and not re.search(r"<svg.*<title>", text) else "it has not")
    result("no word on the console", "\n".join(console(log)))


def network(page):
    """What the browser asks for, by its own log"""
    log = os.path.join(TMP, "net.json")
    browse(page, f"--log-net-log={log}", "--dump-dom")
    with open(log, encoding="utf-8") as file:
        text = file.read()
    try:
        events = json.loads(text)["events"]
    except ValueError:      # it ends with the browser
        events = json.loads(text.rstrip().rstrip(",") + "]}")["events"]
    asked = {e["params"]["url"] for e in events if isinstance(e.get("params"), dict) and "url" in e["params"]}
    # The browser has its own errands, which have no page that began them.
    asked = {u for u in asked if not re.match(r"(file|data|chrome|devtools|about|blob):", u) and
             not re.match(r"https?://([^/]*\.)?(google|googleapis|gstatic|gvt1|chromium)\.(com|org)/", u)}
    result("nothing is asked for", "\n".join(sorted(asked)))


def main():
    page = os.path.join(TMP, "a page.html")
    res = subprocess.run([ZCCTL, "report", REAL, "-o", page], capture_output=True, check=False)
    if res.returncode:
        result("a page", res.stderr.decode())
        return
    with open(REAL, encoding="utf-8") as file:
        report = json.load(file)
    dom(page, report)
    picture("light", page, (1100, 1500), LIGHT)
    picture("dark", page, (1100, 1500), DARK, "--blink-settings=preferredColorScheme=0")
    picture("narrow", page, (500, 2200), LIGHT)
    overflow(page)
    network(page)
    pdf = os.path.join(TMP, "page.pdf")
    browse(page, f"--print-to-pdf={pdf}")
    with open(pdf, "rb") as file:
        result("it can be printed", "" if file.read(5) == b"%PDF-" else "no PDF")


if not CHROMIUM:
    print("1..0 # SKIP no Chromium: apt-get install chromium")
    sys.exit(0)
ALONE = alone()
with tempfile.TemporaryDirectory() as TMP:
    main()
sys.exit(tap.end())
