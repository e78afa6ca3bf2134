# SPDX-License-Identifier: MIT
"""Readers of event streams: the daemon's own and the container engine's, with arrival times."""
import json
import socket
import threading
import time
import urllib.parse


def open_stream(path, target):
    """A Unix socket on which `target` was asked for; the head of the answer has been read."""
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = s.recv(4096)
        if not piece:
            raise RuntimeError(f"{target}: the stream was refused: {head!r}")
        head += piece
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise RuntimeError(f"{target}: {head[:200]!r}")
    return s, head.partition(b"\r\n\r\n")[2]


class Reader:
    """Collects JSON objects, one a line, each with the wall-clock time when it arrived."""

    def __init__(self, path, target, prefix=b""):
        self.socket, rest = open_stream(path, target)
        self.prefix = prefix
        self.found = []
        self.news = threading.Condition()
        threading.Thread(target=self.read, args=(rest,), daemon=True).start()

    def read(self, rest):
        while True:
            try:
                piece = self.socket.recv(65536)
            except OSError:
                return
            at = time.time()
            if not piece:
                return
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                self.take(line.strip(), at)

    def take(self, line, at):
        if not line.startswith(self.prefix) or not line.endswith(b"}"):
            return
        with self.news:
            self.found.append((at, json.loads(line[len(self.prefix):])))
            self.news.notify_all()

    def wait(self, claim, timeout=30):
        """The first (time, object) for which claim(object) holds."""
        def look():
            return next((x for x in self.found if claim(x[1])), None)
        with self.news:
            if not self.news.wait_for(lambda: look() is not None, timeout):
                raise RuntimeError("an event did not come")
            return look()

    def clear(self):
        with self.news:
            self.found.clear()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def of_daemon(home):
    return Reader(home.path("daemon", "socket"), "/api/events", b"data:")


def of_engine(path):
    filters = urllib.parse.quote(json.dumps({"type": ["container"]}))
    return Reader(path, "/v1.40/events?filters=" + filters)
