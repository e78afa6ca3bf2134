# SPDX-License-Identifier: MIT
"""A daemon in a throw-away home, seen only from outside: HTTP, its command line, its database."""
import hashlib
import hmac
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

PYLON = os.environ.get("PYLON", "pylon")
OVER = {"completed", "failed", "timed_out", "cancelled", "lost", "dismissed", "expired", "rejected"}


def free_port():
    """Below the range from which outgoing connections take theirs: none of them can be quicker than
    the daemon."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("0.0.0.0", port))
                return port
            except OSError:
                pass


def engine_socket():
    """The container engine that the tests may use."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    return host


def wait_for(claim, timeout=30, what=""):
    """Waits until claim() is true and returns its value; fails after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = claim()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited in vain for " + (what or getattr(claim, "__name__", "?")))
        time.sleep(0.02)


def wake_ups(pid):
    """How often the daemon has gone to sleep."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("voluntary_ctxt"))


class Home:
    """One $PYLON_HOME with one webhook pylon named `hook`."""

    def __init__(self, docker="unix:///nonexistent/engine.sock", config="", pylon="", agent="",
                 channel="  type: stdout\n", trigger="", prompt="hello {{ .body.n }}", folder=None,
                 max_concurrent=2, when_full="queue", agent_type="mock"):
        self.dir = folder or tempfile.mkdtemp(prefix="pylon-e2e-")
        self.port = free_port()
        self.process = None
        self.write("config.yaml", f"""version: 1
server:
  host: 0.0.0.0
  port: {self.port}
docker:
  host: "{docker}"
  max_concurrent: {max_concurrent}
  when_full: {when_full}
{config}""")
        self.write("pylons/hook/pylon.yaml", f"""name: hook
created: 2026-01-01T00:00:00Z
trigger:
  type: webhook
  path: /hook
  secret: s3cret
  signature_header: X-Hub-Signature-256
{trigger}workspace:
  type: none
channel:
{channel}agent:
  type: {agent_type}
  prompt: {json.dumps(prompt)}
{agent}{pylon}""")

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    # --- life ---

    def start(self, failpoint=None, wait=True, env=None, args=(), preexec=None, timeout=30):
        environment = dict(os.environ, PYLON_HOME=self.dir, HOME=self.dir, **(env or {}))
        environment.pop("DOCKER_HOST", None)
        environment.pop("PYLON_FAILPOINT", None)
        if failpoint:
            environment["PYLON_FAILPOINT"] = failpoint
        with open(self.path("out.log"), "ab") as log:
            self.process = subprocess.Popen([PYLON, "start", *args], env=environment, stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL,
                                            preexec_fn=preexec)
        if wait:
            wait_for(lambda: self.is_healthy() or self.process.poll() is not None, timeout, "health")
            if not failpoint:
                assert self.process.poll() is None, self.output()
        return self

    def is_healthy(self):
        try:
            url = f"http://127.0.0.1:{self.port}/healthz"
            with urllib.request.urlopen(url, timeout=2) as r:
                return r.status == 200
        except OSError:
            return False

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout=20):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        return self.process.returncode if self.process else None

    def output(self):
        with open(self.path("out.log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    # --- doors ---

    def post(self, body, delivery=None, headers=None, raw=None, timeout=10, path="/hook"):
        data = raw if raw is not None else json.dumps(body).encode()
        h = {"Content-Type": "application/json",
             "X-Hub-Signature-256": "sha256=" + hmac.new(b"s3cret", data,
                                                         hashlib.sha256).hexdigest()}
        if delivery:
            h["X-GitHub-Delivery"] = delivery
        h.update(headers or {})
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, h)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as r:
                return r.status, json.loads(r.read() or b"{}")
        except urllib.error.HTTPError as e:
            return e.code, json.loads(e.read() or b"{}")

    def cli(self, *args, check=True, text=None, timeout=60):
        r = subprocess.run([PYLON, "--home", self.dir, *args], capture_output=True, text=True,
                           input=text, timeout=timeout, check=False,
                           env=dict(os.environ, PYLON_HOME=self.dir, HOME=self.dir))
        if check:
            assert r.returncode == 0, (args, r.returncode, r.stdout, r.stderr)
        return r

    def job(self, job_id):
        return json.loads(self.cli("show", job_id, "--json").stdout)

    def wait_state(self, job_id, *states, timeout=60):
        wanted = set(states) or OVER

        def reached():
            job = self.job(job_id)
            return job if job["state"] in wanted else None
        return wait_for(reached, timeout, f"job {job_id} to become {wanted}")

    # --- what is on disk ---

    def rows(self, sql, *args, name="hook"):
        db = sqlite3.connect(f"file:{self.path('pylons', name, 'jobs.db')}?mode=ro", uri=True,
                             timeout=10)
        try:
            return db.execute(sql, args).fetchall()
        finally:
            db.close()


class Ledger:
    """A sender that remembers every 202 and repeats what was not answered, as senders do."""

    def __init__(self, home):
        self.home = home
        self.accepted = {}  # delivery id -> set of job ids
        self.lock = threading.Lock()

    def send(self, delivery, body):
        """One attempt; True when it was acknowledged."""
        try:
            status, answer = self.home.post(body, delivery)
        except (OSError, ValueError):
            return False
        if status in (200, 202):
            with self.lock:
                self.accepted.setdefault(delivery, set()).add(answer["job_id"])
            return True
        return False

    def check(self):
        """I1, I2, I3: every acknowledged job is there, once; one delivery id is one job."""
        rows = self.home.rows("select id from jobs")
        ids = {r[0] for r in rows}
        assert len(ids) == len(rows)
        for delivery, jobs in self.accepted.items():
            assert len(jobs) == 1, (delivery, jobs)
            assert jobs <= ids, (delivery, jobs)


class Receiver:
    """An HTTP endpoint that records what a webhook channel sends; answers are scripted."""

    def __init__(self, answers=()):
        import http.server

        receiver = self
        self.got = []
        self.answers = list(answers)  # statuses; 200 when used up

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver.got.append((dict(self.headers), body))
                status = receiver.answers.pop(0) if receiver.answers else 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/in"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Engine:
    """The real container engine, asked directly (for what the daemon must not be believed)."""

    def __init__(self):
        self.path = engine_socket().removeprefix("unix://")

    def call(self, method, path, body=None):
        import http.client

        c = http.client.HTTPConnection("localhost", timeout=60)
        c.sock = socket.socket(socket.AF_UNIX)
        c.sock.settimeout(60)
        c.sock.connect(self.path)
        data = None if body is None else json.dumps(body)
        c.request(method, path, data, {"Content-Type": "application/json"} if data else {})
        r = c.getresponse()
        text = r.read()
        c.close()
        return r.status, (json.loads(text) if text[:1] in (b"{", b"[") else text)

    def containers(self, home):
        """All containers of a home, also those that ended."""
        try:
            with open(home.path(".id"), encoding="ascii") as f:
                label = "pylon.home=" + f.read().strip()
        except FileNotFoundError:
            return []
        filters = json.dumps({"label": [label]})
        import urllib.parse
        status, found = self.call("GET", "/v1.41/containers/json?all=1&filters=" +
                                  urllib.parse.quote(filters))
        assert status == 200, found
        return found

    def remove_all(self, home):
        for c in self.containers(home):
            self.call("DELETE", f"/v1.41/containers/{c['Id']}?force=1")
