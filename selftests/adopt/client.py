#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Many connections at once to a server, each of which asks for a file as often as it is told.

usage: client.py PORT PATH FILE CONNECTIONS REQUESTS
"""

import selectors
import socket
import sys

port, path, name, connections, requests = sys.argv[1:]
want = open(name, "rb").read()
ask = f"GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
sel = selectors.DefaultSelector()


class Connection:
    """One, that has asked for its next file."""

    def __init__(self):
        self.sock = socket.create_connection(("127.0.0.1", int(port)))
        self.sock.setblocking(False)
        self.left = int(requests)
        self.ask()

    def ask(self):
        self.got = bytearray()
        self.left -= 1
        self.sock.sendall(ask)

    def whole(self):
        """Has it a whole answer? Then it is compared."""
        end = self.got.find(b"\r\n\r\n")
        if end < 0 or len(self.got) < end + 4 + len(want):
            return False
        head = bytes(self.got[:end]).lower()
        assert head.startswith(b"http/1.1 200"), head
        assert b"content-length: %d" % len(want) in head, head
        assert self.got[end + 4:] == want, "other bytes than those of the file"
        return True

    def read(self):
        """Take what there is. False at the end of all."""
        part = self.sock.recv(1 << 18)
        assert part, "the server has closed the connection"
        self.got += part
        if not self.whole():
            return True
        if self.left:
            self.ask()
            return True
        return False


for _ in range(int(connections)):
    c = Connection()
    sel.register(c.sock, selectors.EVENT_READ, c)
while sel.get_map():
    ready = sel.select(60)
    assert ready, "nothing comes any more"
    for key, _ in ready:
        if not key.data.read():
            sel.unregister(key.fileobj)
            key.fileobj.close()
