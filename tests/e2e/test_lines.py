# SPDX-License-Identifier: MIT
"""The local socket and the agent runtime's protocol on it, as a client sees them."""
import http.client
import json
import os
import re
import socket
import stat
import subprocess
import threading
import time

import pytest

from harness import PYLON, wait_for, wake_ups

LINE_MAX = 1 << 20
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Lines:
    """One connection that speaks JSON lines."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else json.dumps(data).encode() + b"\n")

    def read(self):
        line = self.file.readline()
        assert line.endswith(b"\n"), line
        return json.loads(line)

    def ask(self, kind, **fields):
        self.send({"id": kind, "type": kind, **fields})
        answer = self.read()
        assert answer["id"] == kind, answer
        return answer

    def result(self, kind, **fields):
        answer = self.ask(kind, **fields)
        assert answer["ok"] is True and set(answer) == {"id", "ok", "result"}, answer
        return answer["result"]

    def error(self, kind, **fields):
        answer = self.ask(kind, **fields)
        assert answer["ok"] is False and set(answer) == {"id", "ok", "error"}, answer
        return answer["error"]

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture
def home(make_home):
    return make_home().start()


@pytest.fixture
def lines(home):
    client = Lines(home.path("daemon", "socket"))
    yield client
    client.close()


def http_get(path, target):
    c = http.client.HTTPConnection("localhost", timeout=20)
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.settimeout(20)
    c.sock.connect(path)
    c.request("GET", target)
    r = c.getresponse()
    body = r.read()
    c.close()
    return r.status, json.loads(body)


# --- the protocol ---


def test_the_daemon_types(home, lines):
    assert lines.result("ping") == {"pong": True}
    status = lines.result("status")
    assert status["running"] is True
    assert status["pid"] == home.process.pid
    assert status["socketPath"] == home.path("daemon", "socket")
    assert INSTANT.fullmatch(status["startedAt"])
    assert {"maxDepth", "currentDepth", "droppedEvents", "processedEvents"} <= set(status["queue"])
    assert [m["name"] for m in status["modules"]] == ["maintenance", "tasks", "deferred-resume"]
    assert lines.result("companion.updateConfig", input={"enabled": False}) is None
    assert lines.result("conversations.recoverable") == {"runs": []}
    started = lines.result("runs.startTask", taskId="daily")
    assert started["accepted"] is False and started["reason"] and "runId" in started
    synced = lines.result("conversations.sync", input={"conversationId": "c1", "sessionFile": "/s",
                                                       "cwd": "/", "state": "running"})
    assert synced["runId"] == "conversation-live-c1"


def test_background_work_from_start_to_end(home, lines, tmp_path):
    started = lines.result("runs.startBackground", input={
        "taskSlug": "say", "cwd": str(tmp_path), "shellCommand": "echo one; pwd; exit 3",
        "source": {"type": "tool", "id": "t1"}, "manifestMetadata": {"colour": "red"}})
    run_id = started["runId"]
    assert started["accepted"] is True and UUID.fullmatch(run_id)

    def get():
        return lines.result("runs.get", runId=run_id)["run"]
    run = wait_for(lambda: get()["status"]["status"] == "failed" and get(), 20)
    with open(started["logPath"], encoding="utf-8") as f:
        assert f.read() == f"one\n{tmp_path}\n"
    assert run["paths"]["outputLogPath"] == started["logPath"]
    assert run["paths"]["root"] == home.path("daemon", "runs", run_id)
    manifest = run["manifest"]
    assert manifest["version"] == 1 and manifest["id"] == run_id
    assert (manifest["kind"], manifest["resumePolicy"]) == ("raw-shell", "manual")
    assert manifest["source"] == {"type": "tool", "id": "t1"}
    assert manifest["spec"]["target"] == {"type": "shell", "command": "echo one; pwd; exit 3",
                                          "cwd": str(tmp_path)}
    assert manifest["spec"]["metadata"] == {"taskSlug": "say", "cwd": str(tmp_path),
                                            "colour": "red"}
    assert run["status"]["activeAttempt"] == 1
    assert run["status"]["lastError"]
    assert run["result"]["exitCode"] == 3 and run["result"]["success"] is False
    listed = lines.result("runs.list")
    assert [r["runId"] for r in listed["runs"]] == [run_id]
    assert listed["summary"]["total"] == 1 and listed["summary"]["statuses"] == {"failed": 1}
    again = lines.result("runs.rerun", runId=run_id)
    assert again["accepted"] is True and again["sourceRunId"] == run_id != again["runId"]
    assert lines.error("runs.followUp", runId=run_id) == \
        f"Run {run_id} does not support follow-up prompts."
    late = lines.result("runs.cancel", runId=run_id)
    assert late == {"cancelled": False, "runId": run_id, "reason": "run is already failed"}


def test_a_running_command_is_cancelled(lines):
    run_id = lines.result("runs.startBackground", input={
        "taskSlug": "sleep", "cwd": "/", "argv": ["sleep", "600"]})["runId"]

    def status():
        return lines.result("runs.get", runId=run_id)["run"]["status"]["status"]
    wait_for(lambda: status() == "running", 20)
    assert lines.error("runs.rerun", runId=run_id) == f"Run {run_id} is still active."
    assert lines.result("runs.cancel", runId=run_id) == {"cancelled": True, "runId": run_id}
    wait_for(lambda: status() == "cancelled", 20)


def test_errors_are_told_by_name(lines):
    assert lines.error("runs.get", runId="nobody") == "Run not found: nobody"
    assert lines.error("runs.get") == "runs.get runId must be a non-empty string"
    assert lines.error("runs.rerun", runId="nobody") == "Run not found: nobody"
    assert lines.error("tasks.add") == "Unknown request type: tasks.add"
    assert lines.error("runs.startBackground") == "runs.startBackground input must be an object"
    assert lines.error("runs.startBackground", input={"taskSlug": "t", "cwd": "/"}) == \
        "Background run must include argv, shellCommand, or agent."
    assert lines.error("runs.startBackground", input={
        "taskSlug": "t", "cwd": "/", "argv": ["a"], "shellCommand": "b"}) == \
        "Background run must use exactly one of argv, shellCommand, or agent."
    assert lines.error("emit") == "emit request must include event"
    assert lines.error("emit", event={"id": "x"}) == "Invalid event envelope"
    assert lines.result("runs.cancel", runId="nobody")["reason"] == "run not found"


def test_an_emitted_event_reaches_the_stream(home, lines):
    path = home.path("daemon", "socket")
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(20)
    stream.connect(path)
    stream.sendall(b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n")
    got = stream.recv(4096)
    event = {"id": "evt_1", "version": 1, "type": "session.updated", "source": "test",
             "timestamp": "2026-05-16T08:00:00.000Z", "payload": {"n": 1}}
    assert lines.result("emit", event=event) == {"accepted": True}
    while b"event: emit" not in got or not got.rstrip(b"\r\n").endswith(b"}"):
        got += stream.recv(4096)
    data = re.search(rb"event: emit\ndata: (.*)\n", got).group(1)
    assert json.loads(data) == event
    stream.close()


def test_stop_is_answered_and_idle_clients_do_not_hold_it_up(home, lines):
    idle = Lines(home.path("daemon", "socket"))
    assert idle.result("ping") == {"pong": True}
    assert lines.result("stop") == {"stopping": True}
    assert home.process.wait(10) == 0
    assert idle.file.read() == b""
    idle.close()
    assert not os.path.exists(home.path("daemon", "socket"))


# --- framing and limits ---


def test_framing(lines):
    lines.send(b'{"id":"1","type":"ping"}\n\n  \r\n{"id":"2","type":"ping"}\r\n{"id":"3",')
    assert [lines.read()["id"] for _ in range(2)] == ["1", "2"]
    lines.send(b'"type":"ping"}\n')
    assert lines.read()["id"] == "3"
    for garbage in (b"x\n", b"[]\n", b"{}\n", b"\xff\xfe\n", b"\0\n", b'{"id":"","type":"ping"}\n'):
        lines.send(garbage)
        answer = lines.read()
        assert answer["id"] == "unknown" and answer["ok"] is False
    lines.send(b'{"id":"last","type":"ping"}')
    lines.socket.shutdown(socket.SHUT_WR)
    assert lines.read()["id"] == "last"
    assert lines.file.read() == b""


def test_a_line_may_have_one_mebibyte(lines):
    head, tail = b'{"id":"1","type":"ping","x":"', b'"}'
    for size in (LINE_MAX - 1, LINE_MAX, LINE_MAX + 1):
        lines.send(head + b"x" * (size - len(head) - len(tail)) + tail + b"\n")
        answer = lines.read()
        assert answer["ok"] is (size <= LINE_MAX), (size, answer)
    assert lines.result("ping") == {"pong": True}


def test_garbage_and_rude_clients_never_harm_the_daemon(home):
    path = home.path("daemon", "socket")
    with open(PYLON, "rb") as f:
        noise = f.read(1 << 18)
    for i in range(60):
        c = socket.socket(socket.AF_UNIX)
        c.settimeout(20)
        c.connect(path)
        try:
            c.sendall(b"{" + noise[i * 1000:i * 1000 + 50000] + b"\n" * (i % 3))
            if i % 2:
                c.recv(1)
        except OSError:
            pass  # it may have had enough
        c.close()
    assert home.is_healthy()
    client = Lines(path)
    assert client.result("ping") == {"pong": True}
    client.close()


def test_many_clients_at_once(home):
    path = home.path("daemon", "socket")
    failures = []

    def work():
        try:
            client = Lines(path)
            for i in range(50):
                client.send({"id": str(i), "type": "ping"})
            assert [client.read()["id"] for _ in range(50)] == [str(i) for i in range(50)]
            client.close()
        except Exception as e:  # pylint: disable=broad-except
            failures.append(e)
    threads = [threading.Thread(target=work) for _ in range(40)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


def test_both_protocols_share_the_socket(home, lines):
    path = home.path("daemon", "socket")
    assert lines.result("ping") == {"pong": True}
    status, daemon = http_get(path, "/api/daemon")
    assert status == 200
    assert daemon["running"] is True and daemon["pid"] == home.process.pid
    assert isinstance(daemon["uptimeMs"], int)
    assert lines.result("ping") == {"pong": True}


# --- the socket's file ---


def test_a_removed_socket_comes_back(home, lines):
    path = home.path("daemon", "socket")
    for _ in range(3):
        os.unlink(path)
        wait_for(lambda: os.path.exists(path), 10)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        client = Lines(path)
        assert client.result("ping") == {"pong": True}
        client.close()
    assert lines.result("ping") == {"pong": True}
    assert "was removed by somebody" in home.output()


def test_what_is_no_socket_is_not_removed(make_home):
    home = make_home()
    home.write("daemon/socket", "precious")
    home.start(wait=False)
    assert home.process.wait(10) == 1
    assert "no socket is in the way" in home.output()
    with open(home.path("daemon", "socket"), encoding="ascii") as f:
        assert f.read() == "precious"


def test_a_stale_socket_is_replaced_and_a_living_one_is_not(home):
    path = home.path("daemon", "socket")
    home.kill9()
    assert os.path.exists(path)
    stale = os.stat(path).st_ino
    home.start()
    fresh = os.stat(path).st_ino
    assert fresh != stale
    first = home.process
    home.start(wait=False)
    assert home.process.wait(10) == 1
    assert os.stat(path).st_ino == fresh
    home.process = first
    client = Lines(path)
    assert client.result("ping") == {"pong": True}
    client.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become somebody else")
def test_strangers_are_not_served(home):
    path = home.path("daemon", "socket")
    for p in (home.dir, home.path("daemon")):
        os.chmod(p, 0o755)
    os.chmod(path, 0o777)
    script = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.settimeout(10)\n"
              "s.connect(sys.argv[1])\n"
              "try:\n s.sendall(sys.argv[2].encode())\n got=s.recv(100)\n"
              "except (BrokenPipeError,ConnectionResetError):\n got=b''\n"
              "sys.exit(0 if got == b'' else 1)\n")
    for request in ('{"id":"1","type":"ping"}\n', "GET /api/daemon HTTP/1.1\r\nHost: x\r\n\r\n"):
        r = subprocess.run(["python3", "-c", script, path, request], user=65534, check=False,
                           timeout=30)
        assert r.returncode == 0


# --- where it is ---


@pytest.mark.parametrize("env, config, folder, name", [
    ({}, "", "daemon", "socket"),
    ({"NEON_PILOT_DAEMON_NAMESPACE": "a/b"}, "", "daemon-a-b", "socket"),
    ({"NEON_PILOT_DAEMON_NAMESPACE": "x", "PYLON_DAEMON_NAMESPACE": " Dev 1 "}, "",
     "daemon-Dev-1", "socket"),
    ({"PYLON_DAEMON_NAMESPACE": "---"}, "", "daemon", "socket"),
    ({"NEON_PILOT_DAEMON_SOCKET_PATH": "~/run/s", "PYLON_DAEMON_NAMESPACE": "x"}, "", "run", "s"),
    ({}, "daemon: {ipc: {socketPath: ' ~/own/p.sock '}}\n", "own", "p.sock"),
    ({"PYLON_DAEMON_SOCKET_PATH": "~/run/s"}, "daemon: {ipc: {socketPath: /nowhere/s}}\n", "run",
     "s"),
])
def test_daemon_and_commands_agree_on_the_place(make_home, env, config, folder, name):
    home = make_home(config=config)
    home.start(env=env)
    path = home.path(folder, name)
    client = Lines(path)
    assert client.result("status")["socketPath"] == path
    client.close()
    assert os.path.exists(home.path(folder, "lock"))
    wait_for(lambda: os.path.exists(home.path(folder, "runtime.db")), 10)
    r = subprocess.run([PYLON, "status", "--json"], capture_output=True, check=True, timeout=20,
                       env=dict(os.environ, PYLON_HOME=home.dir, HOME=home.dir, **env))
    assert json.loads(r.stdout)["pid"] == home.process.pid
    assert home.stop() == 0
    assert not os.path.exists(path)


def test_too_long_a_path_says_what_to_do(make_home):
    home = make_home()
    home.start(wait=False, env={"NEON_PILOT_DAEMON_NAMESPACE": "n" * 80})
    assert home.process.wait(10) == 78
    assert "shorten NEON_PILOT_DAEMON_NAMESPACE or set PYLON_DAEMON_SOCKET_PATH" in home.output()


def test_a_folder_that_others_may_write_to_is_refused(make_home):
    home = make_home()
    os.mkdir(home.path("open"))
    os.chmod(home.path("open"), 0o777)
    home.start(wait=False, args=["--socket", home.path("open", "s")])
    assert home.process.wait(10) == 1
    assert "others may write" in home.output()


def test_nothing_wakes_it_while_clients_are_silent(home):
    clients = [Lines(home.path("daemon", "socket")) for _ in range(5)]
    for c in clients:
        c.result("ping")

    time.sleep(0.5)
    before = wake_ups(home.process.pid)
    time.sleep(1)
    assert wake_ups(home.process.pid) - before <= 10
    for c in clients:
        c.close()
