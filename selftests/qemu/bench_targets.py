# SPDX-License-Identifier: GPL-2.0-only
"""What `make bench` holds the figures against. Each function gets the rows of one
test on one kernel, and yields (what, figure, most): ok if figure <= most, and not
ok if the figure is None."""

from bench_tables import MIB, dma_mode, find, is_zc, size

# Part of what the other path costs, at most
COLD = {"sendfile": 0.10, "rw-32k": 0.08}
COLD_KINSN = 250
HOT = {"zc-auto": ("hot", 0.5), "zc-buffer": ("none", 0.35)}
FLAT = 1.05
MANY = 1.10
SPREAD = 0.02
FRAGS = 2
# Of what an empty system call, or mmap(MAP_HUGETLB | MAP_POPULATE) and munmap(), cost
AGAIN = {"ioctl": 3, "hugetlb": 0.01}
# Two processors get as much done as 1.9 of them
PAIR = 2 / 1.9
# Of what pages of 4 KiB, each mapped for itself, cost
MAP = 0.01
P99_SPREAD = 0.10
# p99 beside sendfile, where a read takes 100 us
DISK = {"zc-auto": 1, "zc-async": 0.5}
FAULTS = {"zc": 512, "zc-populate": 0}
# The first byte out of the reserve, of that out of the kernel's memory
READY = 0.05


def cost(row):
    """kinsn per MiB, or None"""
    return row["kinsn_per_mib"] if row else None


def ratio(row, base):
    """Of two costs, or None"""
    return cost(row) / cost(base) if row and base else None


def targets_io(rows):
    """256 MiB, each path beside the usual ways"""
    zc = [r for r in rows if r["cache"] == "cold" and
          r["path"] in ("zc-direct", "zc-auto")]
    best = min(zc, key=cost, default=None)
    name = best["path"] if best else "zc"
    yield f"{name} cold, kinsn/MiB", cost(best), COLD_KINSN
    for path, most in COLD.items():
        base = find(rows, path=path, cache="cold")
        yield f"{name} of {path}, cold", ratio(best, base), most
    base = find(rows, path="sendfile", cache="hot")
    for path, (cache, most) in HOT.items():
        row = find(rows, path=path, cache=cache)
        yield f"{path} of sendfile, hot", ratio(row, base), most


def targets_flat(rows):
    """The dearest size beside the cheapest"""
    costs = [cost(r) for r in rows if r["path"] == "zc-auto"]
    sizes = [r["per_call"] for r in rows if r["path"] == "zc-auto"]
    figure = max(costs) / min(costs) if len(costs) > 1 else None
    span = f"{size(min(sizes))} to {size(max(sizes))}" if sizes else "no sizes"
    yield f"zc-auto cold, {span}: dearest of cheapest", figure, FLAT


def targets_files(rows):
    """zc-auto beside sendfile, each size. No slower by more than they scatter, where
    that is little. It may be much for files that come at once, as how many of them the
    receiver finds when it wakes up is chance: there the cheapest call counts, which no
    receiver interrupts"""
    for row in (r for r in rows if r["path"] == "sendfile"):
        same = {name: row[name] for name in ("cache", "file_bytes", "requests")}
        zc = find(rows, path="zc-auto", **same)
        what = f"zc-auto of sendfile, {row['cache']} files of {size(row['file_bytes'])}"
        spread = max(row["spread"], zc["spread"]) if zc else 0
        if not row["requests"] and (row["cache"] == "hot" or spread > SPREAD):
            yield (f"{what} at once, the cheapest call",
                   zc["call_ns_least"] / row["call_ns_least"] if zc else None, 1.0)
            continue
        yield (f"{what} {'on request' if row['requests'] else 'at once'}",
               ratio(zc, row), 1 + spread if spread <= SPREAD else 1.0)


def targets_many(rows):
    """10,000 in flight beside 10"""
    for row in rows:
        if not is_zc(row) or row["peak"] == row["concurrency"]:
            continue
        yield f"{row['concurrency']} in flight, not reached", None, 0
    yield ("zc-async, 10,000 in flight of 10",
           ratio(find(rows, path="zc-async", concurrency=10000),
                 find(rows, path="zc-async", concurrency=10)), MANY)


def targets_serve(rows):
    """What the slowest of the clients wait for, beside sendfile: by the call that takes
    from the page cache what it has, and from a buffer. No longer by more than they scatter:
    who is served when depends on when the scheduler has the client run"""
    for path, cache, as_cache in (("zc-auto", "cold", "cold"), ("zc-auto", "hot", "hot"),
                                  ("zc-buffer", "none", "hot")):
        zc = find(rows, path=path, cache=cache)
        base = find(rows, path="sendfile", cache=as_cache)
        yield (f"{path} {cache}, p99 of sendfile {as_cache}",
               zc["p99_ns"] / base["p99_ns"] if zc and base else None,
               1 + min(P99_SPREAD, max(zc["p99_spread"], base["p99_spread"]))
               if zc and base else 1)
    yield from targets_left(rows)


def targets_disk(rows):
    """A thread that waits for no read"""
    base = find(rows, path="sendfile")
    for path, most in DISK.items():
        zc = find(rows, path=path)
        yield (f"{path} from a disk, p99 of sendfile",
               zc["p99_ns"] / base["p99_ns"] if zc and base else None, most)
    yield from targets_left(rows)


def targets_left(rows):
    """What nobody has any more"""
    for row in filter(is_zc, rows):
        yield f"{row['path']} {row['cache']}, buffers left", row["leaked_buffers"], 0
        yield f"{row['path']} {row['cache']}, bytes copied", row["copied_bytes"], 0


def targets_nic(rows):
    """No copies; few frags, but where the page cache has a page here and a page
    there, as that of ext4 on these kernels"""
    for row in rows:
        yield f"{row['path']} to another host, bytes copied", row["copied_bytes"], 0
        if row["cache"] != "hot":
            yield f"{row['path']}, frags a packet", row["frags_per_packet"], FRAGS
    row = find(rows, path="zc-buffer-unsealed")
    yield ("zc-buffer-unsealed goes with notification",
           0 if row and row["paths"] == "notify" else None, 0)


def targets_copybreak(rows):
    """Measured, no more"""
    yield "copybreak, rows missing", 0 if any(map(is_zc, rows)) else None, 0


def targets_alloc(rows):
    """A buffer that the process has had before. What two processors do at once is held
    against the instructions of one; by the clock it is shown, as an empty system call
    is no measure there, either"""
    one = {"icount": 1, "processors": 1, "processes": 1}
    zc = find(rows, path="zc", **one)
    for path, most in AGAIN.items():
        base = find(rows, path=path, **one)
        yield (f"a buffer made and destroyed, of {path}",
               zc["cpu_ns"] / base["cpu_ns"] if zc and base else None, most)
    # There the kernel does not boot with two processors that take turns
    if zc and zc["kernel"] == "6.1":
        print("  not measured on this kernel: two processors at once, in instructions")
        return
    alone, both = (find(rows, path="zc", icount=1, processors=2, processes=nr)
                   for nr in (1, 2))
    yield ("the same by two processors at once, each, of one alone",
           both["wall_ns"] / alone["wall_ns"] if alone and both else None, PAIR)


def targets_fault(rows):
    """Page faults of touching 1 GiB, and what the reserve saves who waits for a byte"""
    for path, most in FAULTS.items():
        row = find(rows, path=path, bytes=1024 * MIB)
        yield (f"{path}, page faults of the first touch",
               row["faults"] if row else None, most)
    ready = find(rows, path="zc-reserve")
    zc = find(rows, path="zc", bytes=ready["bytes"]) if ready else None
    yield ("zc-reserve, the first byte, of zc",
           ready["first_byte_ns"] / zc["first_byte_ns"] if zc else None, READY)


def targets_dma(rows):
    """A buffer: one segment, and one call, for each 2 MiB; and cheap to map"""
    for mode in ("own", "off", "strict", "lazy"):
        for nbytes in (2 * MIB, 64 * MIB):
            some = [r for r in rows if dma_mode(r) == mode and r["bytes"] == nbytes]
            zc = find(some, path="zc-buffer")
            pages = find(some, path="pages")
            what = f"{size(nbytes)} mapped, IOMMU {mode}"
            for key in ("segments", "calls"):
                yield (f"{what}, {key} for each 2 MiB",
                       zc[key] * 2 * MIB / nbytes if zc else None, 1)
            yield (f"{what}, of pages of 4 KiB",
                   zc["map_ns"] / pages["map_ns"] if zc and pages else None, MAP)


TARGETS = {
    "io": targets_io,
    "flat": targets_flat,
    "files": targets_files,
    "many": targets_many,
    "serve": targets_serve,
    "disk": targets_disk,
    "nic": targets_nic,
    "copybreak": targets_copybreak,
    "alloc": targets_alloc,
    "fault": targets_fault,
    "dma": targets_dma,
}
