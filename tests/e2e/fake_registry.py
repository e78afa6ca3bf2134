# SPDX-License-Identifier: MIT
"""An image registry of one image, on the loopback address: there every engine allows plain HTTP.

As much of the distribution API (version 2) as a pull needs. The image runs the mock agent. What goes
wrong is set on the object while it serves.
"""
import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import tarfile
import threading

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def agent_layer():
    """The mock agent as /agent, and something of this test run, so that the engine has it not yet."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        with open(os.environ["PYLON_AGENT_MOCK"], "rb") as f:
            program = f.read()
        for name, mode, content in (("agent", 0o755, program), ("unique", 0o644, os.urandom(32))):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


class FakeRegistry:
    """`status` other than 200 is what it says instead of manifests. `held` delays: "manifest" is
    answered, and all but the beginning of "layer" is sent, when release() was called."""

    def __init__(self, user="1000:1000"):
        self.status = 200
        self.held = None
        self.login = None  # (user, password) that is demanded
        self.gets = []  # paths of all GETs
        self.released = threading.Event()
        plain = agent_layer()
        layer = gzip.compress(plain, 1)
        config = json.dumps({
            "architecture": "amd64", "os": "linux",
            "config": {"Entrypoint": ["/agent"], "User": user},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(plain)]}}).encode()
        self.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "size": len(config), "digest": digest_of(config)},
            "layers": [{"mediaType": LAYER, "size": len(layer), "digest": digest_of(layer)}],
        }).encode()
        self.digest = digest_of(self.manifest)
        self.layer = layer
        self.blobs = {digest_of(config): config, digest_of(layer): layer}
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.make_handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def host(self):
        return f"127.0.0.1:{self.server.server_port}"

    def count(self, what):
        return sum(f"/{what}/" in path for path in self.gets)

    def release(self):
        self.released.set()

    def close(self):
        self.release()
        self.server.shutdown()
        self.server.server_close()

    def is_admitted(self, header):
        if self.login is None:
            return True
        return header == "Basic " + base64.b64encode(":".join(self.login).encode()).decode()

    def make_handler(registry):  # noqa: N805 pylint: disable=no-self-argument
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def say(self, status, body, media="application/json", headers=()):
                self.send_response(status)
                self.send_header("Content-Type", media)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
                for name, value in dict(headers).items():
                    self.send_header(name, value)
                self.end_headers()

            def fail(self, status, code):
                body = json.dumps({"errors": [{"code": code, "message": "says the test"}]}).encode()
                headers = {"WWW-Authenticate": 'Basic realm="test"'} if status == 401 else {}
                self.say(status, body, headers=headers)
                if self.command == "GET":
                    self.wfile.write(body)

            def do_HEAD(self):
                self.answer()

            def do_GET(self):
                registry.gets.append(self.path)
                self.answer()

            def answer(self):
                kind, _, name = self.path.rpartition("/")
                if not registry.is_admitted(self.headers.get("Authorization")):
                    self.fail(401, "UNAUTHORIZED")
                elif self.path == "/v2/":
                    self.say(200, b"{}")
                    self.wfile.write(b"{}" if self.command == "GET" else b"")
                elif kind.endswith("/manifests"):
                    self.answer_manifest()
                elif name in registry.blobs:
                    self.answer_blob(registry.blobs[name])
                else:
                    self.fail(404, "BLOB_UNKNOWN")

            def answer_manifest(self):
                if registry.held == "manifest":
                    registry.released.wait(60)
                if registry.status != 200:
                    self.fail(registry.status, "MANIFEST_UNKNOWN" if registry.status == 404
                              else "UNKNOWN")
                    return
                self.say(200, registry.manifest, MANIFEST,
                         {"Docker-Content-Digest": registry.digest})
                if self.command == "GET":
                    self.wfile.write(registry.manifest)

            def answer_blob(self, blob):
                self.say(200, blob, "application/octet-stream")
                if self.command != "GET":
                    return
                begin = 1000 if registry.held == "layer" and blob is registry.layer else len(blob)
                self.wfile.write(blob[:begin])
                if begin < len(blob):
                    registry.released.wait(60)
                    self.wfile.write(blob[begin:])

            def log_message(self, *args):
                pass
        return Handler
