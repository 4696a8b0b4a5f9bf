#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A program that forgets: forget.py SIZE makes a buffer, maps it, destroys it, and keeps
the mapping until it is killed."""
import fcntl
import mmap
import os
import signal
import struct
import sys


def ioctl(file, number, arg):
    """_IOWR(ZC_IOC_MAGIC, number, arg)"""
    fcntl.ioctl(file, 3 << 30 | len(arg) << 16 | 0xED << 8 | number, arg)


size = int(sys.argv[1])
zc = os.open("/dev/zc", os.O_RDWR)
# struct zc_buf_create: size, flags, node, handle, page_size, mmap_offset …
create = bytearray(struct.pack("<QIiIIQQ24x", size, 0, -1, 0, 0, 0, 0))
ioctl(zc, 0x10, create)
handle, offset = struct.unpack_from("<I4xQ", create, 16)
kept = mmap.mmap(zc, size, offset=offset)
ioctl(zc, 0x12, bytearray(struct.pack("<II24x", handle, 0)))
signal.pause()
