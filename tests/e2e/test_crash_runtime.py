# SPDX-License-Identifier: MIT
"""Background commands under kill -9 of the daemon: every accepted one ends with its own status and
its whole log. RUNTIME_COMMANDS says how many (a hundred; a thousand by hand)."""
import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import time

from harness import wait_for

COMMANDS = int(os.environ.get("RUNTIME_COMMANDS", "100"))


def ask(home, method, path, body=None):
    """Over the local socket; OSError when the daemon is not there."""
    c = http.client.HTTPConnection("localhost", timeout=10)
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.settimeout(10)
    try:
        c.sock.connect(home.path("daemon", "socket"))
        c.request(method, path, json.dumps(body) if body is not None else None,
                  {"Content-Type": "application/json"})
        answer = c.getresponse()
        return answer.status, json.loads(answer.read())
    except http.client.HTTPException as e:
        raise OSError(str(e)) from e
    finally:
        c.close()


def begin(home, number):
    """One command whose status and output tell its number."""
    script = f"echo begin {number}; sleep 0.0{number % 10}; echo end {number} >&2; exit {number % 200}"
    try:
        status, answer = ask(home, "POST", "/api/executions", {
            "argv": ["/bin/sh", "-c", script], "cwd": "/", "taskSlug": str(number)})
    except OSError:
        return None
    return answer["runId"] if status == 202 else None


def rows(home, sql, *args):
    db = sqlite3.connect(f"file:{home.path('daemon', 'runtime.db')}?mode=ro", uri=True, timeout=10)
    try:
        return db.execute(sql, args).fetchall()
    finally:
        db.close()


def log_of(home, job_id):
    with open(home.path("daemon", "logs", job_id + ".log"), encoding="utf-8") as f:
        return sorted(f.read().splitlines())


def test_every_accepted_command_ends_with_its_own_status_and_log(make_home):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    home = make_home(config="daemon:\n  max_background: 8\n").start()
    accepted = {}
    number = 0
    next_kill = 20
    while len(accepted) < COMMANDS:
        job_id = begin(home, number)
        if job_id is not None:
            accepted[job_id] = number
            number += 1
        if number >= next_kill:
            time.sleep(dice.random() * 0.1)
            home.process.send_signal(signal.SIGKILL)
            home.process.wait()
            home.start()
            next_kill += dice.randrange(10, 40)

    def all_over():
        return rows(home, "select count(*) from jobs where finished_at = 0") == [(0,)]
    wait_for(all_over, 60 + COMMANDS // 10, "all commands to end")

    found = {job_id: (state, code) for job_id, state, code in rows(
        home, "select id, state, exit_code from jobs")}
    assert set(accepted) <= set(found)
    for job_id, number in accepted.items():
        state = "completed" if number % 200 == 0 else "failed"
        assert found[job_id] == (state, number % 200), (number, found[job_id])
        assert log_of(home, job_id) == [f"begin {number}", f"end {number}"], number
    # The daemon may have died between the claim and the start: that run never was, and is told so.
    others = rows(home, "select distinct state, reason from runs where state <> 'exited'")
    assert set(others) <= {("lost", "never_started")}, others
    assert os.listdir(home.path("daemon", "runs")) == []


def test_a_command_outlives_a_daemon_that_is_stopped_and_its_end_is_known(make_home):
    home = make_home().start()
    _, answer = ask(home, "POST", "/api/executions", {
        "shellCommand": "echo one; sleep 1; echo two; exit 9", "cwd": "/"})
    job_id = answer["runId"]
    wait_for(lambda: ask(home, "GET", f"/api/executions/{job_id}")[1]["status"] == "running", 10,
             "the command to run")
    assert home.stop() == 0
    time.sleep(1.5)  # it ends while nobody is there
    home.start()
    job = wait_for(lambda: (lambda e: e if e["status"] == "failed" else None)(
        ask(home, "GET", f"/api/executions/{job_id}")[1]), 10, "its end")
    assert job["exitCode"] == 9
    assert log_of(home, job_id) == ["one", "two"]
