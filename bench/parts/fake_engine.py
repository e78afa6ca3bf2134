# SPDX-License-Identifier: MIT
"""A container engine that runs nothing and answers at once: just enough of the Docker Engine API.

It remembers when each container was created and started, so that only the daemon's own share of a
start is seen. A container is over as soon as it is waited for.
"""
import json
import os
import re
import socket
import threading
import time
import urllib.parse

class FakeEngine:
    def __init__(self, path):
        self.url = "unix://" + path
        self.containers = {}  # name -> {"created", "started", "body"}; times of time.monotonic()
        self.started = threading.Condition()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        self.path = path
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()
        os.unlink(self.path)

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def wait_started(self, count, timeout=10):
        """Waits until `count` containers were started in all."""
        def enough():
            return sum("started" in c for c in self.containers.values()) >= count
        with self.started:
            if not self.started.wait_for(enough, timeout):
                raise RuntimeError("no container was started")

    # --- HTTP ---

    def serve(self, connection):
        try:
            with connection, connection.makefile("rb") as stream:
                self.serve_calls(connection, stream)
        except OSError:
            pass  # the daemon left

    def serve_calls(self, connection, stream):
        while line := stream.readline():
            now = time.monotonic()
            method, target, _ = line.decode().split()
            length = 0
            while field := stream.readline().strip():
                name, _, value = field.decode().partition(":")
                if name.lower() == "content-length":
                    length = int(value)
            body = stream.read(length)
            if not self.answer(connection, method, urllib.parse.urlsplit(target), body, now):
                return

    def answer(self, connection, method, target, body, now):
        path = re.sub(r"^/v1\.\d+", "", target.path)
        if path == "/events":
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.recv(1)  # until the daemon leaves
            return False
        status, value = self.call(method, path, urllib.parse.parse_qs(target.query), body, now)
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        if status == 204:
            text = b""
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
        if status != 204:
            head += f"Content-Length: {len(text)}\r\n"
        connection.sendall(head.encode() + b"\r\n" + text)
        return True

    # --- calls ---

    def call(self, method, path, query, body, now):
        if path == "/version":
            return 200, {"ApiVersion": "1.41", "MinAPIVersion": "1.12", "Version": "fake"}
        if path == "/_ping":
            return 200, b"OK"
        if path == "/info":
            return 200, {"SecurityOptions": []}
        if path == "/containers/json":
            return 200, []
        if path == "/build":
            return 200, b'{"stream":"built"}\n'
        if path.startswith("/images/"):
            return 404, {"message": "no such image"}
        if path == "/containers/create":
            name = query["name"][0]
            self.containers[name] = {"created": now, "body": json.loads(body)}
            return 201, {"Id": name.encode().hex()[:64].ljust(64, "0"), "Warnings": []}
        return self.container_call(method, path.split("/")[2:], now)

    def container_call(self, method, words, now):
        found = self.containers.get(words[0])
        if found is None:
            return 404, {"message": "no such container"}
        if method == "DELETE":
            return 204, b""
        if words[1] == "start":
            with self.started:
                found["started"] = now
                self.started.notify_all()
            return 204, b""
        if words[1] == "wait":
            return 200, {"StatusCode": 0}
        if words[1] == "json":
            return 200, {"Id": "0" * 64, "State": {"Status": "exited", "ExitCode": 0,
                                                   "StartedAt": "2026-01-01T00:00:00Z"},
                         "Config": {"Labels": found["body"]["Labels"]}}
        return 200, b""  # its log
