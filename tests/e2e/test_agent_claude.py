# SPDX-License-Identifier: MIT
"""Claude Code itself, in the image that the daemon builds, against a Messages API of ours."""
import json
import os

import pytest

from agents import base, failure_of, log_of, make_agent_home, models, run  # noqa: F401 pylint: disable=unused-import

KEY = "sk-ant-test-0123456789"


@pytest.fixture
def make_home_of(make_agent_home, models):  # noqa: F811 pylint: disable=redefined-outer-name
    def make(env=(), **kw):
        return make_agent_home("claude", env={
            "ANTHROPIC_BASE_URL": f"http://host.docker.internal:{models.port}",
            "ANTHROPIC_API_KEY": KEY, "CLAUDE_CODE_MAX_RETRIES": "0", **dict(env)}, **kw)
    return make


def test_the_answer_comes_with_session_cost_and_usage(make_home_of, models):
    home = make_home_of()
    job = run(home, "name three colours")
    assert job["state"] == "completed", job
    assert job["result"] == "You said: name three colours"
    assert len(job["session_id"]) == 36
    assert job["total_cost_usd"] > 0
    usage = job["output"]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (1000, 100)
    assert all(headers["x-api-key"] == KEY for _, headers, _ in models.asked)
    assert KEY not in log_of(home, job)


def test_tool_events_come_once_and_in_order(make_home_of, models):
    models.tool = ("Bash", {"command": "id -un; pwd; echo made > file", "description": "look"})
    home = make_home_of()
    job = run(home, "look around")
    assert job["result"] == "You said: look around"
    assert log_of(home, job).count("id -un; pwd") == 1
    assert "> $ id -un; pwd" in log_of(home, job)
    # The tool ran as the image's user in the workspace.
    output = models.questions()[-1]["messages"][-1]["content"][0]["content"]
    assert "pylon\n/workspace" in str(output).replace("\\n", "\n")
    assert job["output"]["usage"]["output_tokens"] == 200


def test_a_session_goes_on_where_the_home_outlives_the_container(make_home_of, models, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    os.chmod(store, 0o777)
    os.chmod(tmp_path, 0o755)
    volumes = f"  volumes:\n    - {store}:/home/pylon:rw\n"
    first = run(make_home_of(agent=volumes), "my name is Ada")
    assert first["state"] == "completed", first
    second = run(make_home_of(agent=volumes, env={"SESSION_ID": first["session_id"]}),
                 "what is my name")
    assert second["result"] == "You said: my name is Ada / what is my name"
    assert second["session_id"] == first["session_id"]
    assert len(models.questions()) == 2


def test_a_session_that_is_gone_is_a_clear_failure(make_home_of):
    session = "73bd8111-0376-4e67-bb8d-f4275ff90ec1"
    job = run(make_home_of(env={"SESSION_ID": session}), "go on")
    assert "session cannot be continued" in failure_of(job)
    assert session in job["error"]


@pytest.mark.parametrize("status, words", [(529, "overloaded (529)"), (429, "limits the rate (429)")])
def test_trouble_with_the_api_is_a_clear_failure(make_home_of, models, status, words):
    models.status = status
    job = run(make_home_of(env={"CLAUDE_CODE_MAX_RETRIES": "1"}), "hello")
    assert words in failure_of(job)
    assert len(models.questions()) == 2


def test_a_refused_key_is_a_clear_failure(make_home_of, models):
    models.key = "another"
    job = run(make_home_of(), "hello")
    assert "refused the key or login (401)" in failure_of(job)
    assert KEY not in job["error"]


def test_no_login_is_a_clear_failure(make_home_of, models):
    job = run(make_home_of(env={"ANTHROPIC_API_KEY": ""}), "hello")
    assert "there is no login" in failure_of(job)
    assert models.asked == []


def test_a_stream_that_hangs_ends_with_the_time_limit(make_home_of, models):
    models.hangs = True
    home = make_home_of(timeout="8s")
    job = run(home, "hello")
    assert (job["state"], job["reason"]) == ("timed_out", "timeout")
    assert "stopped by SIGTERM" in log_of(home, job)
    assert len(job["session_id"]) == 36


def test_a_prompt_that_is_too_long_for_a_variable_arrives_whole(make_home_of, models):
    prompt = "begin " + "word " * 40000 + "end"
    job = run(make_home_of(), prompt)
    assert job["state"] == "completed", job
    assert job["result"] == "You said: " + prompt


def test_a_login_in_the_home_is_used_when_there_is_no_key(make_home_of, models, tmp_path):
    store = tmp_path / "store"
    (store / ".claude").mkdir(parents=True)
    (store / ".claude" / ".credentials.json").write_text(json.dumps({"claudeAiOauth": {
        "accessToken": "sk-ant-oat01-0123456789", "refreshToken": "sk-ant-ort01-0123456789",
        "expiresAt": 4102444800000, "scopes": ["user:inference"], "subscriptionType": "max"}}))
    for folder in (store, store / ".claude"):
        os.chmod(folder, 0o777)
    volumes = f"  volumes:\n    - {store}:/home/pylon:rw\n"
    job = run(make_home_of(agent=volumes, env={"ANTHROPIC_API_KEY": ""}), "hello")
    assert job["state"] == "completed", job
    assert models.asked[0][1]["Authorization"] == "Bearer sk-ant-oat01-0123456789"
