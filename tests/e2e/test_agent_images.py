# SPDX-License-Identifier: MIT
"""Agent images: when they are built, what our entrypoints promise, and images of others.

The entrypoint is tried with agents of a few lines of shell in place of Claude Code, in its real image
and without a daemon.
"""
import base64
import json
import os
import subprocess
import time

import pytest

from agents import BASE, base, docker, has_image, log_of, make_agent_home, run  # noqa: F401 pylint: disable=unused-import
from harness import free_port

IMAGE = "pylon/agent-claude"
INIT = '{"type":"system","subtype":"init","session_id":"s-1"}'
DONE = json.dumps({"type": "result", "subtype": "success", "is_error": False, "result": "fine",
                   "session_id": "s-1", "total_cost_usd": 0.5, "usage": {"output_tokens": 3}})


# --- building ---

def labels_of(engine, image):
    return engine.call("GET", f"/v1.41/images/{image}/json")[1]["Config"]["Labels"]


def test_a_missing_image_is_built_before_the_doors_open(make_agent_home, engine):  # noqa: F811
    make_agent_home("claude").stop()
    engine.call("DELETE", f"/v1.41/images/{IMAGE}?force=1&noprune=1")
    assert not has_image(engine, IMAGE)
    home = make_agent_home("claude")
    assert has_image(engine, IMAGE)
    assert f"image {IMAGE}: Step 1/" in home.output()
    assert f"image {IMAGE} is built" in home.output()
    made = engine.call("GET", f"/v1.41/images/{IMAGE}/json")[1]["Config"]
    assert (made["User"], made["WorkingDir"]) == ("pylon", "/workspace")


def test_an_image_of_that_name_from_another_recipe_is_built_again(make_agent_home, engine):  # noqa: F811
    home = make_agent_home("claude")
    label = labels_of(engine, IMAGE)["pylon.agent.sha256"]
    home.stop()
    assert engine.call("POST", f"/v1.41/images/{BASE}/tag?repo={IMAGE}&tag=latest")[0] == 201
    home = make_agent_home("claude")
    assert labels_of(engine, IMAGE)["pylon.agent.sha256"] == label
    # And one that is as it should be is not.
    home.stop()
    home = make_agent_home("claude")
    assert "building" not in home.output()


# --- our entrypoint ---

class Outcome:
    def __init__(self, exit_code, log, seconds):
        self.exit_code, self.log, self.seconds = exit_code, log, seconds


@pytest.fixture
def try_agent(make_agent_home, engine, tmp_path):  # noqa: F811 pylint: disable=redefined-outer-name
    """try_agent(SCRIPT, env) runs our Claude image with SCRIPT in place of Claude Code; the folder
    /run/pylon is tmp_path/run if there is one."""
    make_agent_home("claude").stop()
    made = []

    def start(script, env=(), read_only=False):
        # The engine may run where our folders are not: the program goes in by the environment.
        program = base64.b64encode(b"#!/bin/sh\n" + script.encode()).decode()
        variables = {"PROMPT": "hello", "JOB_ID": "job-1", **dict(env)}
        folder = tmp_path / "run"
        status, answer = engine.call("POST", "/v1.41/containers/create", {
            "Image": IMAGE,
            "Env": [f"{k}={v}" for k, v in variables.items() if v is not None],
            "Entrypoint": ["sh", "-c", f"mkdir /tmp/bin && echo {program} | base64 -d >/tmp/bin/claude"
                           " && chmod 755 /tmp/bin/claude && PATH=/tmp/bin:$PATH exec node "
                           "/usr/local/lib/pylon/claude.js"],
            "HostConfig": {"NetworkMode": "host", "Init": True, "ReadonlyRootfs": read_only,
                           "Tmpfs": {"/tmp": "rw,exec,mode=1777"},
                           "Binds": [f"{folder}:/run/pylon"] if folder.exists() else []}})
        assert status == 201, answer
        made.append(answer["Id"])
        assert engine.call("POST", f"/v1.41/containers/{answer['Id']}/start")[0] == 204
        return answer["Id"]

    def finish(container, since):
        ended = engine.call("POST", f"/v1.41/containers/{container}/wait")[1]
        frames = engine.call("GET", f"/v1.41/containers/{container}/logs?stdout=1&stderr=1")[1]
        return Outcome(ended["StatusCode"], frames.decode(errors="replace"),
                       time.monotonic() - since)

    def attempt(script, env=(), **kw):
        since = time.monotonic()
        return finish(start(script, env, **kw), since)
    attempt.start, attempt.finish = start, finish
    yield attempt
    for container in made:
        engine.call("DELETE", f"/v1.41/containers/{container}?force=1")


@pytest.fixture
def run_folder(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    os.chmod(folder, 0o777)
    os.chmod(tmp_path, 0o755)
    return folder


def result_in(folder):
    with open(folder / "result.json", encoding="utf-8") as f:
        return json.load(f)


def test_a_daemon_that_only_knows_callbacks_gets_one_however_long_it_takes(try_agent, receiver):
    receiver.answers = [500, 503, 200]
    r = try_agent(f"echo '{INIT}'; echo '{DONE}'", {"CALLBACK_URL": receiver.url})
    assert r.exit_code == 0, r.log
    assert len(receiver.got) == 3
    assert json.loads(receiver.got[-1][1]) == {
        "job_id": "job-1", "status": "completed",
        "output": {"result": "fine", "session_id": "s-1", "total_cost_usd": 0.5,
                   "usage": {"output_tokens": 3}}}


def test_a_result_that_nobody_takes_is_a_failure(try_agent, receiver):
    receiver.answers = [404]
    r = try_agent(f"echo '{DONE}'", {"CALLBACK_URL": receiver.url})
    assert r.exit_code == 1
    assert "nobody to report it to" in r.log
    assert len(receiver.got) == 1


def test_the_file_is_enough_and_a_dead_callback_costs_nothing(try_agent, run_folder):
    (run_folder / "prompt").write_text("from the file")
    r = try_agent(f"cat >/run/pylon/seen; echo '{DONE}'",
                  {"CALLBACK_URL": f"http://127.0.0.1:{free_port()}/x"})
    assert r.exit_code == 0, r.log
    assert r.seconds < 12
    assert (run_folder / "seen").read_text() == "from the file"
    assert result_in(run_folder)["output"]["result"] == "fine"
    assert sorted(os.listdir(run_folder)) == ["prompt", "result.json", "seen"]


TOOLS = "".join("echo '" + json.dumps({
    "type": "assistant", "session_id": "s-1", "message": {"content": [
        {"type": "tool_use", "name": "Bash", "input": {"command": f"step {i}", "x": "y" * 5000}}]}})
    + "'; " for i in range(10))


def test_tool_events_are_posted_in_order_and_short(try_agent, run_folder, receiver):
    r = try_agent(f"{TOOLS} echo '{DONE}'", {"HOOKS_URL": receiver.url})
    assert r.exit_code == 0, r.log
    events = [json.loads(body) for _, body in receiver.got]
    assert [e["tool_input"]["command"] for e in events] == [f"step {i}" for i in range(10)]
    assert {e["tool_name"] for e in events} == {"Bash"}
    assert all(len(body) < 3000 for _, body in receiver.got)
    assert "tool Bash" not in r.log


def test_tool_events_that_nobody_takes_are_printed_and_hold_nothing_up(try_agent, run_folder):
    r = try_agent(f"{TOOLS} echo '{DONE}'", {"HOOKS_URL": f"http://127.0.0.1:{free_port()}/x"})
    assert r.exit_code == 0, r.log
    at = [r.log.index(f"tool Bash: step {i}") for i in range(10)]
    assert at == sorted(at)
    assert r.seconds < 12


def test_an_agent_that_dies_is_reported_with_its_last_words(try_agent, run_folder):
    r = try_agent(f"echo '{INIT}'; echo 'out of cheese' >&2; exit 3")
    assert r.exit_code == 1
    assert result_in(run_folder) == {
        "status": "failed", "output": {"result": "", "session_id": "s-1"},
        "error": "claude ended with exit status 3 and without a result: out of cheese"}


def test_an_agent_that_fails_after_its_result_has_failed(try_agent, run_folder):
    r = try_agent(f"echo '{DONE}'; exit 4")
    assert r.exit_code == 1
    assert result_in(run_folder)["status"] == "failed"
    assert result_in(run_folder)["error"] == "claude ended with exit status 4"


def test_an_agent_that_ignores_the_signal_is_killed_and_still_reported(try_agent, run_folder, engine):
    since = time.monotonic()
    container = try_agent.start(f"trap '' TERM; echo '{INIT}'; echo up >/run/pylon/up; "
                                "while :; do sleep 0.1; done")
    while not (run_folder / "up").exists():
        assert time.monotonic() < since + 30
        time.sleep(0.05)
    assert engine.call("POST", f"/v1.41/containers/{container}/stop?t=20")[0] == 204
    r = try_agent.finish(container, since)
    assert r.exit_code == 1, r.log
    assert "stopped by SIGTERM" in result_in(run_folder)["error"]
    assert result_in(run_folder)["output"]["session_id"] == "s-1"


def test_what_an_agent_leaves_running_is_not_waited_for(try_agent, run_folder):
    r = try_agent(f"sleep 60 & echo '{DONE}'")
    assert r.exit_code == 0, r.log
    assert r.seconds < 40


def test_a_read_only_root_is_enough(try_agent, run_folder):
    r = try_agent(f"touch $HOME/x && echo '{DONE}'", read_only=True)
    assert r.exit_code == 0, r.log


def test_without_a_prompt_nothing_is_run(try_agent, run_folder):
    r = try_agent(f"echo '{DONE}'", {"PROMPT": None})
    assert r.exit_code == 1
    assert "no prompt" in result_in(run_folder)["error"]


# --- images of others ---

OLD_AGENT = """#!/bin/sh
set -e
cd /workspace
echo "prompt: $PROMPT"
curl -sf -d '{"tool_name":"Bash","tool_input":{"command":"old tool"}}' "$HOOKS_URL"
curl -sf -H 'Content-Type: application/json' -d "{\\"job_id\\":\\"$JOB_ID\\",\\"status\\":\\"completed\\",\\
\\"output\\":{\\"type\\":\\"result\\",\\"result\\":\\"old: $PROMPT\\",\\"session_id\\":\\"s-9\\"}}" "$CALLBACK_URL"
"""


def test_an_image_that_only_knows_the_old_contract_works_unchanged(  # noqa: F811
        make_agent_home, engine, tmp_path):
    """It knows PROMPT, JOB_ID, CALLBACK_URL and HOOKS_URL, and answers by a POST."""
    make_agent_home("claude").stop()  # it lends its curl
    (tmp_path / "Dockerfile").write_text(
        f"FROM {IMAGE}\nUSER root\nCOPY entrypoint.sh /home/pylon/entrypoint.sh\n"
        "RUN chmod 755 /home/pylon/entrypoint.sh\nUSER pylon\n"
        'ENTRYPOINT ["/home/pylon/entrypoint.sh"]\n')
    (tmp_path / "entrypoint.sh").write_text(OLD_AGENT)
    subprocess.run(["tar", "cf", "context.tar", "Dockerfile", "entrypoint.sh"], cwd=tmp_path,
                   check=True)
    built = docker("-X", "POST", "-H", "Content-Type: application/x-tar", "-T",
                   str(tmp_path / "context.tar"),
                   "http://engine/v1.41/build?networkmode=none&t=pylon-test/old-agent")
    assert "Successfully built" in built.stdout, built.stdout
    home = make_agent_home("claude", env={"X": "1"}, config=(
        "defaults:\n  agent:\n    claude:\n      image: pylon-test/old-agent\n"))
    job = run(home, "do it")
    assert job["state"] == "completed", (job, log_of(home, job))
    assert (job["result"], job["session_id"]) == ("old: do it", "s-9")
    assert "old tool" in log_of(home, job)
