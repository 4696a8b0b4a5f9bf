# SPDX-License-Identifier: GPL-2.0-only
"""The tables of `make bench`, one function for each test. A row that zc loses is
marked with "<<<"."""

MIB = 1 << 20
LOST = "<<< zc loses"


def size(count):
    """Bytes as text; not every path can count its copies"""
    if count is None:
        return "unknown"
    for unit, scale in (("GiB", 1 << 30), ("MiB", MIB), ("KiB", 1 << 10)):
        if count >= scale:
            return f"{count / scale:.4g} {unit}"
    return f"{count} B"


def find(rows, **want):
    """The first row with these fields, or None"""
    for r in rows:
        if all(r.get(name) == value for name, value in want.items()):
            return r
    return None


def is_zc(row):
    """Is it a path of the module?"""
    return row["path"].startswith("zc-")


def show(title, lines, left):
    """Print @lines, the first of them the head; @left columns to the left"""
    print(f"\n{title}")
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print(("  " + "  ".join(
            cell.ljust(width) if i < left or i == len(widths) - 1
            else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths)))).rstrip())


def table_io(rows):
    """Cheapest first within each state of the cache"""
    lines = [("path", "cache", "kinsn/MiB", "vs sendfile", "copied", "syscalls",
              "page cache", "")]
    for r in sorted(rows, key=lambda r: (r["cache"], r["kinsn_per_mib"])):
        cache = "hot" if r["cache"] == "none" else r["cache"]
        base = find(rows, path="sendfile", cache=cache)
        zc = [z["kinsn_per_mib"] for z in rows
              if is_zc(z) and z["cache"] == r["cache"]]
        ratio = f"{r['kinsn_per_mib'] / base['kinsn_per_mib']:.3f}" if base else "-"
        beats = not is_zc(r) and zc and r["kinsn_per_mib"] < min(zc)
        lines.append((r["path"], r["cache"], f"{r['kinsn_per_mib']:.1f}", ratio,
                      size(r["copied_bytes"]), str(r["syscalls"]),
                      size(r["page_cache_bytes"]), LOST if beats else ""))
    show("guest instructions per MiB, sender and receiver together; none: from"
         " memory, beside sendfile hot", lines, 2)


def table_flat(rows):
    """Beside the cheapest size of the same path"""
    lines = [("path", "per call", "total", "kinsn/MiB", "vs cheapest", "")]
    for r in sorted(rows, key=lambda r: (r["path"], r["per_call"])):
        least = min(x["kinsn_per_mib"] for x in rows if x["path"] == r["path"])
        lines.append((r["path"], size(r["per_call"]), size(r["bytes"]),
                      f"{r['kinsn_per_mib']:.1f}",
                      f"{r['kinsn_per_mib'] / least:.3f}", ""))
    show("size of a transfer, file not cached", lines, 1)


def table_files(rows):
    """Each beside sendfile"""
    lines = [("file", "cache", "come", "path", "files", "kinsn/file", "kinsn/MiB",
              "vs sendfile", "spread", "cheapest call", "copied", "")]
    for r in sorted(rows, key=lambda r: (r["requests"], r["file_bytes"], r["cache"],
                                         r["kinsn_per_mib"])):
        base = find(rows, path="sendfile", cache=r["cache"],
                    file_bytes=r["file_bytes"], requests=r["requests"])
        ratio = r["kinsn_per_mib"] / base["kinsn_per_mib"] if base else 0
        per_file = r["kinsn_per_mib"] * r["file_bytes"] / MIB
        lost = LOST if r["path"] == "zc-auto" and ratio > 1 else ""
        lines.append((size(r["file_bytes"]), r["cache"],
                      "on request" if r["requests"] else "at once", r["path"],
                      str(r["files"]), f"{per_file:.2f}",
                      f"{r['kinsn_per_mib']:.0f}", f"{ratio:.2f}",
                      f"{100 * r['spread']:.1f} %",
                      f"{r['call_ns_least'] / 1000:.2f}",
                      size(r["copied_bytes"]), lost))
    show("small files on ext4, a call for each", lines, 4)


def table_many(rows):
    """Beside the least in flight"""
    lines = [("path", "in flight", "reached", "kinsn/MiB", "vs first", "vs sendfile",
              "copied", "")]
    for r in sorted(rows, key=lambda r: (r["path"], r["concurrency"])):
        base = min((x for x in rows if x["path"] == r["path"]),
                   key=lambda r: r["concurrency"])
        hot = find(rows, path="sendfile", concurrency=r["concurrency"])
        lines.append((r["path"], str(r["concurrency"]), str(r["peak"]),
                      f"{r['kinsn_per_mib']:.1f}",
                      f"{r['kinsn_per_mib'] / base['kinsn_per_mib']:.3f}",
                      f"{r['kinsn_per_mib'] / hot['kinsn_per_mib']:.3f}"
                      if hot else "-", size(r["copied_bytes"]),
                      LOST if is_zc(r) and hot and
                      r["kinsn_per_mib"] > hot["kinsn_per_mib"] else ""))
    show(f"asynchronous transfers of {size(rows[0]['transfer_bytes'])}, many at"
         " once, beside sendfile by epoll of a hot file, whole machine", lines, 1)


def table_serve(rows):
    """Quickest first, beside sendfile; what is in memory beside sendfile hot"""
    lines = [("path", "cache", "connections", "requests/s", "p50 ms", "p99 ms", "p99.9 ms",
              "vs sendfile", "kinsn each", "of server", "allocations", "memory", "copied", "")]
    for r in sorted(rows, key=lambda r: (r["concurrency"], r["cache"], r["p99_ns"])):
        cache = "hot" if r["cache"] == "none" else r["cache"]
        base = find(rows, path="sendfile", cache=cache, concurrency=r["concurrency"])
        ratio = r["p99_ns"] / base["p99_ns"] if base else 0
        lines.append((r["path"], r["cache"], str(r["concurrency"]),
                      f"{r['requests_per_s']:.0f}",
                      *(f"{r[key] / 1e6:.2f}" for key in ("p50_ns", "p99_ns", "p999_ns")),
                      f"{ratio:.3f}" if base else "-",
                      f"{r['cpu_ns_per_request'] / 1e3:.1f}",
                      f"{r['server_ns_per_request'] / 1e3:.1f}", str(r["allocations"]),
                      size(r["server_peak_bytes"] + (r["module_peak_bytes"] or 0)),
                      size(r["copied_bytes"]), LOST if is_zc(r) and ratio > 1 else ""))
    show(f"requests of {size(rows[0]['file_bytes'])} from many connections, as the"
         " clients see them", lines, 2)


def table_nic(rows):
    """As they come"""
    lines = [("path", "cache", "copied", "frags", "per 64 KiB", "packet",
              "per packet", "way")]
    for r in rows:
        lines.append((r["path"], r["cache"], size(r["copied_bytes"]),
                      str(r["frags"]), f"{r['frags_per_64k']:.2f}",
                      str(r["packet_bytes"]), f"{r['frags_per_packet']:.2f}",
                      r["paths"]))
    show("over an emulated e1000e to another host", lines, 2)


def break_even(rows, source):
    """The smallest size from which on a reference costs no more, or None"""
    best = None
    for nbytes in sorted({r["file_bytes"] for r in rows}, reverse=True):
        ref = find(rows, path=f"{source}-ref", file_bytes=nbytes)
        copy = find(rows, path=f"{source}-copy", file_bytes=nbytes)
        if ref["kinsn_per_mib"] > copy["kinsn_per_mib"]:
            break
        best = nbytes
    return best


def table_copybreak(rows):
    """By reference beside by copy, for each pattern"""
    sources = ("zc-buffer", "zc-auto")
    lines = [("pattern", "bytes", "buffer ref", "copy", "hot file ref", "copy", "")]
    evens = []
    for pattern in dict.fromkeys(r["pattern"] for r in rows):
        some = [r for r in rows if r["pattern"] == pattern]
        for nbytes in sorted({r["file_bytes"] for r in some}):
            cells = [pattern, str(nbytes)]
            for source in sources:
                for how in ("ref", "copy"):
                    r = find(some, path=f"{source}-{how}", file_bytes=nbytes)
                    cells.append(f"{r['kinsn_per_mib'] * nbytes / MIB:.2f}")
            lines.append((*cells, ""))
        evens += [(pattern, source, break_even(some, source)) for source in sources]
    show("small sends, kinsn each: by reference (copybreak=0) and by copy", lines, 1)
    for pattern, source, even in evens:
        print(f"  {pattern}, {source}: " + (
            f"a reference costs no more from {even} bytes on" if even
            else "a copy costs less at all sizes"))


def table_alloc(rows):
    """Each beside an empty system call, and beside itself alone. Where processors take
    turns (icount) the one's instructions are those of all, and so is its time"""
    lines = [("path", "at once", "each", "", "of ioctl", "of hugetlb", "throughput",
              "p50", "p99", "longest", "")]
    for r in sorted(rows, key=lambda r: (-r["icount"], r["processors"],
                                         r["processes"])):
        same = {name: r[name] for name in ("icount", "processors", "processes")}
        turns = r["icount"] and r["processors"] > 1
        key = "wall_ns" if turns else "cpu_ns"
        cells = [r["path"], str(r["processes"]), str(r[key]),
                 "instructions" if r["icount"] else "ns"]
        for name in ("ioctl", "hugetlb"):
            base = find(rows, path=name, **same)
            cells.append(f"{r[key] / base[key]:.3f}" if base else "-")
        alone = find(rows, path=r["path"], **(same | {"processes": 1}))
        times = alone["wall_ns"] / r["wall_ns"] if alone else 0
        lines.append((*cells, f"{times * (r['processes'] if turns else 1):.2f}"
                      if alone and r["processes"] > 1 else "-",
                      *(str(r["latency"][k]) for k in ("p50_ns", "p99_ns", "max_ns")), ""))
    show(f"{size(rows[0]['bytes'])} of memory, to get and to give back", lines, 1)


def table_fault(rows):
    """Each path, with what it does to /proc/meminfo, smaps and page tables. A path whose
    first byte comes before that of a buffer is marked"""
    keys = list(rows[0]["meminfo"])
    lines = [("path", "bytes", "faults", "Minsn to get", "to touch", "of small", "first byte",
              *keys, "page tables", "hugepages", "")]
    for r in sorted(rows, key=lambda r: -r["bytes"]):
        base, zc = (find(rows, path=name, bytes=r["bytes"]) for name in ("small", "zc"))
        both = r["get_cpu_ns"] + r["touch_cpu_ns"]
        first = zc and not is_zc(r) and r["first_byte_ns"] < zc["first_byte_ns"]
        lines.append((r["path"], size(r["bytes"]), str(r["faults"]),
                      f"{r['get_cpu_ns'] / 1e6:.2f}", f"{r['touch_cpu_ns'] / 1e6:.2f}",
                      f"{both / (base['get_cpu_ns'] + base['touch_cpu_ns']):.3f}"
                      if base else "-", f"{r['first_byte_ns'] / 1e6:.3f}",
                      *(f"{r['meminfo'][k]:+d}" for k in keys),
                      size(r["page_table_bytes"]), size(r["huge_bytes"]),
                      f"{LOST}: first byte" if first else ""))
    show("memory touched for the first time, in million instructions, "
         "and what changes in /proc/meminfo", lines, 1)


def dma_mode(row):
    """Who translates the addresses of the row's target, and how"""
    target = row["target"]
    if target["target"] == 0:
        return "own"
    if not target["translated"]:
        return "off"
    return "lazy" if target["lazy"] else "strict"


def dma_needs_less(row, base):
    """What the row needs less of than that of a buffer"""
    names = ("map_ns", "unmap_ns", "calls", "segments", "entries", "bounced_bytes")
    return [name.partition("_")[0] for name in names
            if base and row is not base and (row[name] or 0) < (base[name] or 0)]


def table_dma(rows):
    """Each beside a buffer of the same size, for the same target"""
    lines = [("bytes", "IOMMU", "path", "map/MiB", "least-most", "of zc", "unmap/MiB",
              "least-most", "of zc", "calls", "segments", "entries", "bounced", "")]
    modes = ("own", "off", "strict", "lazy")
    for r in sorted(rows, key=lambda r: (r["bytes"], modes.index(dma_mode(r)))):
        base = find(rows, path="zc-buffer", bytes=r["bytes"], target=r["target"])
        cells = [size(r["bytes"]), dma_mode(r), r["path"]]
        for what in ("map_ns", "unmap_ns"):
            mib = r["bytes"] / MIB
            cells += [f"{r[what] / mib:.0f}",
                      f"{r[what + '_least'] / mib:.0f}-{r[what + '_most'] / mib:.0f}",
                      f"{r[what] / base[what]:.2f}" if base else "-"]
        less = ", ".join(dma_needs_less(r, base))
        lines.append((*cells, str(r["calls"]), str(r["segments"]),
                      "-" if r["entries"] is None else str(r["entries"]),
                      size(r["bounced_bytes"]), f"{LOST}: {less}" if less else ""))
    show("memory mapped for a device that is an edu, and for the module's own target:"
         " guest instructions per MiB", lines, 3)


TABLES = {
    "io": table_io,
    "flat": table_flat,
    "files": table_files,
    "many": table_many,
    "serve": table_serve,
    "disk": table_serve,
    "nic": table_nic,
    "copybreak": table_copybreak,
    "alloc": table_alloc,
    "fault": table_fault,
    "dma": table_dma,
}
