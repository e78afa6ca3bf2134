# SPDX-License-Identifier: MIT
"""Background work from outside: commands and subagents that go on whatever becomes of the daemon."""
import glob
import http.client
import json
import os
import signal
import socket
import stat
import subprocess

import pytest

from harness import PYLON, wait_for

AGENT = """#!/bin/sh
echo "told: $*"
printf '%s\\n' '{"type":"result","result":"did it","session_id":"s-42","total_cost_usd":0.5}'
"""


class Api:
    """The local API, asked directly."""

    def __init__(self, home):
        self.path = home.path("daemon", "socket")

    def call(self, method, path, body=None):
        c = http.client.HTTPConnection("localhost", timeout=20)
        c.sock = socket.socket(socket.AF_UNIX)
        c.sock.settimeout(20)
        c.sock.connect(self.path)
        c.request(method, path, None if body is None else json.dumps(body),
                  {"Content-Type": "application/json"})
        r = c.getresponse()
        text = r.read()
        c.close()
        return r.status, json.loads(text) if text else None


@pytest.fixture
def home(make_home):
    made = make_home()
    made.write("agent.sh", AGENT)
    os.chmod(made.path("agent.sh"), stat.S_IRWXU)
    made.write("config.yaml", f"""version: 1
server:
  port: {made.port}
docker:
  host: "unix:///nonexistent/engine.sock"
daemon:
  max_background: 2
  agent:
    command: ["{made.path('agent.sh')}", "--print"]
""")
    yield made.start()
    made.stop()
    stop_keepers(made)


def is_keeper_of(home, pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as f:
            return home.dir in f.read()
    except (FileNotFoundError, ProcessLookupError):
        return False


def stop_keepers(home):
    """Nothing that a test began may outlive it, and that is what keepers are for."""
    for status in glob.glob(home.path("daemon", "runs", "*", "status")):
        with open(status, encoding="utf-8") as f:
            pid = json.load(f)["shim_pid"]
        if is_keeper_of(home, pid):
            os.kill(pid, signal.SIGTERM)
            wait_for(lambda p=pid: not is_keeper_of(home, p), 30, "the end of a keeper")


def run(home, *args, cwd=None, env=None, check=False):
    return subprocess.run([PYLON, "--home", home.dir, *args], capture_output=True, text=True,
                          timeout=60, check=check, cwd=cwd,
                          env=dict(os.environ, HOME=home.dir, **(env or {})))


def start(home, *args):
    return run(home, "run", *args, check=True).stdout.strip()


def sh(home, line, *options):
    return start(home, *options, "--", "sh", "-c", line)


def execution(home, run_id):
    status, e = Api(home).call("GET", f"/api/executions/{run_id}")
    assert status == 200, e
    return e


# --- the command line ---

@pytest.mark.parametrize("line,options,status", [
    ("exit 0", (), 0),
    ("exit 7", (), 7),
    ("kill -9 $$", (), 137),
    ("kill -SEGV $$", (), 139),
    ("sleep 60", ("--timeout", "1s"), 124),
])
def test_wait_ends_as_the_command(home, line, options, status):
    r = run(home, "run", "--wait", *options, "--", "sh", "-c", f"echo out; echo err >&2; {line}")
    assert r.returncode == status, r
    assert sorted(r.stdout.split()) == ["err", "out"]


def test_wait_ends_with_125_when_it_cannot_start(home):
    assert run(home, "run", "--wait", "--", "/nonexistent/program").returncode == 125
    assert run(home, "run", "--wait", "--", "sh", "-c", "exit 127").returncode == 127


def test_the_command_works_where_and_as_the_caller_does(home, tmp_path):
    """PATH, LANG and LC_* go along, and what is named; nothing else does."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "only-here").write_text("#!/bin/sh\npwd; echo \"$NAMED $GIVEN $LC_TIME [$SECRET]\"\n")
    (tools / "only-here").chmod(0o700)
    r = run(home, "--quiet", "run", "--wait", "--env", "NAMED", "--env", "GIVEN=a=b", "--", "only-here",
            cwd=tmp_path, env={"PATH": f"{tools}:{os.environ['PATH']}", "NAMED": "n", "SECRET": "s",
                               "LC_TIME": "C.UTF-8"})
    assert r.stdout == f"{tmp_path}\nn a=b C.UTF-8 []\n", r
    assert r.returncode == 0
    assert r.stderr == ""


def test_ps_logs_show_kill_and_rerun(home):
    done = sh(home, "echo first; exit 3", "--name", "one")
    home.wait_state(done, "failed")
    going = sh(home, "echo begun; sleep 600", "--name", "two")
    home.wait_state(going, "running")
    active = run(home, "ps").stdout
    assert going[:8] in active and done[:8] not in active
    everything = [line.split()[0] for line in run(home, "ps", "--all").stdout.splitlines()]
    assert everything == ["ID", going[:8], done[:8]]
    wait_for(lambda: "begun" in run(home, "logs", going[:8]).stdout)
    assert "sleep 600" in run(home, "show", going).stdout
    follow = subprocess.Popen([PYLON, "--home", home.dir, "logs", "-f", going],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    run(home, "kill", going, check=True)
    assert b"begun" in follow.communicate(timeout=20)[0]
    assert home.wait_state(going)["state"] == "cancelled"
    assert run(home, "rerun", done, "--wait").returncode == 3
    for command in (["show", done], ["explain", done], ["ps", "--all"], ["jobs"], ["status"],
                    ["show", done, "--json"], ["ps", "--all", "--json"]):
        shown = run(home, *command)
        assert "(runtime)" not in shown.stdout + shown.stderr, command
    assert json.loads(run(home, "jobs", "--json").stdout)["items"] == []


def test_no_process_of_it_is_left_when_it_is_killed(home, tmp_path):
    marks = tmp_path / "pids"
    run_id = sh(home, f"for i in 1 2 3; do setsid sleep 600 & echo $! >> {marks}; done; "
                f"echo $$ >> {marks}; trap '' TERM; wait; sleep 600")
    wait_for(lambda: marks.exists() and len(marks.read_text().split()) == 4)
    pids = marks.read_text().split()
    assert all(os.path.exists(f"/proc/{pid}") for pid in pids)
    run(home, "kill", run_id, check=True)
    home.wait_state(run_id, "cancelled")
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


# --- subagents ---

def test_a_subagent_keeps_its_result_and_goes_on(home):
    r = run(home, "agent", "--model", "m-1", "--tools", "Read,Bash(git log:*)", "look", "around",
            "--wait")
    assert r.returncode == 0
    assert "told: --print --model m-1 --allowedTools Read,Bash(git log:*) -- look around" in r.stdout
    first = json.loads(run(home, "ps", "--all", "--json").stdout)["items"][0]
    assert (first["kind"], first["result"], first["sessionId"]) == ("subagent", "did it", "s-42")
    assert first["total_cost_usd"] == 0.5
    assert first["capabilities"]["canFollowUp"] is True
    r = run(home, "follow-up", first["id"], "--wait")
    assert "--resume s-42 -- Continue from where you left off." in r.stdout
    r = run(home, "follow-up", first["id"], "and then", "--wait")
    assert "--resume s-42 -- and then" in r.stdout
    again = run(home, "rerun", first["id"], "--wait").stdout
    assert "--resume" not in again and "-- look around" in again


# --- the API ---

def test_what_the_api_answers(home):
    api = Api(home)
    status, a = api.call("POST", "/api/executions",
                         {"taskSlug": "t", "cwd": "/", "shellCommand": "echo hi; sleep 600"})
    assert (status, a["accepted"]) == (202, True)
    run_id = a["runId"]
    e = wait_for(lambda: (x := execution(home, run_id))["status"] == "running" and x)
    assert (e["taskSlug"], e["command"], e["cwd"]) == ("t", "echo hi; sleep 600", "/")
    assert e["logPath"] == a["logPath"]
    assert api.call("POST", f"/api/executions/{run_id}/rerun", {})[0] == 409
    assert api.call("POST", f"/api/executions/{run_id}/cancel", {}) == (
        200, {"cancelled": True, "runId": run_id})
    home.wait_state(run_id, "cancelled")
    status, problem = api.call("POST", f"/api/executions/{run_id}/cancel", {})
    assert (status, problem["detail"]) == (409, "run is already cancelled")
    status, again = api.call("POST", f"/api/executions/{run_id}/rerun", {})
    assert (status, again["sourceRunId"]) == (202, run_id)
    status, problem = api.call("POST", f"/api/executions/{run_id}/follow-up", {})
    assert (status, problem["detail"]) == (409, f"Run {run_id} does not support follow-up prompts.")
    unknown = "00000000-0000-4000-8000-000000000000"
    assert api.call("GET", f"/api/executions/{unknown}")[1]["detail"] == f"Run not found: {unknown}"


@pytest.mark.parametrize("body,text", [
    ({"cwd": "/"}, "Background run must include argv, shellCommand, or agent."),
    ({"cwd": "/", "argv": ["x"], "shellCommand": "x"},
     "Background run must use exactly one of argv, shellCommand, or agent."),
    ({"cwd": "/", "agent": {"prompt": ""}}, "Background agent run prompt must be non-empty."),
    ({"argv": ["x"]}, "cwd must be an absolute path"),
])
def test_what_cannot_be_started_is_told(home, body, text):
    status, problem = Api(home).call("POST", "/api/executions", body)
    assert (status, problem["code"], problem["detail"]) == (400, "invalid_request", text)


# --- the daemon may go ---

def waiting(file, status):
    return f"echo begun; while [ ! -e {file} ]; do sleep 0.05; done; echo over; exit {status}"


def written(home, run_id):
    with open(home.path("daemon", "logs", f"{run_id}.log"), encoding="utf-8") as f:
        return f.read()


@pytest.mark.parametrize("away", ["kill9", "stop"])
def test_it_goes_on_while_the_daemon_is_away(home, tmp_path, away):
    """What ended meanwhile is known, what still runs is followed."""
    early, late = sh(home, waiting(tmp_path / "early", 5)), sh(home, waiting(tmp_path / "late", 6))
    for run_id in (early, late):
        wait_for(lambda r=run_id: "begun" in run(home, "logs", r).stdout)
    getattr(home, away)()
    (tmp_path / "early").touch()
    wait_for(lambda: "over" in written(home, early))
    home.start()
    assert home.wait_state(early)["exit_code"] == 5
    assert home.job(late)["state"] == "running"
    (tmp_path / "late").touch()
    assert home.wait_state(late)["exit_code"] == 6
    for run_id in (early, late):
        assert run(home, "logs", run_id).stdout == "begun\nover\n"


def test_more_than_fits_waits_in_order(home):
    """daemon.max_background is 2."""
    ids = [sh(home, "sleep 600") for _ in range(3)]
    home.wait_state(ids[0], "running")
    home.wait_state(ids[1], "running")
    third = execution(home, ids[2])
    assert third["status"] == "queued"
    assert third["waiting"]
    run(home, "kill", ids[0], check=True)
    home.wait_state(ids[2], "running")
    for run_id in ids[1:]:
        run(home, "kill", run_id, check=True)
        home.wait_state(run_id, "cancelled")


def test_a_keeper_that_was_killed_is_told_as_lost(home, tmp_path):
    mark = tmp_path / "pid"
    run_id = sh(home, f"echo $PPID > {mark}; sleep 600")
    wait_for(lambda: mark.exists() and mark.read_text().strip())
    os.kill(int(mark.read_text()), signal.SIGKILL)
    assert home.wait_state(run_id)["state"] == "lost"
    assert execution(home, run_id)["status"] == "interrupted"
