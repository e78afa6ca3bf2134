# SPDX-License-Identifier: MIT
"""OpenCode itself, in the image that the daemon builds, against a chat completions API of ours."""
import json
import os

import pytest

from agents import base, failure_of, log_of, make_agent_home, models, run  # noqa: F401 pylint: disable=unused-import

KEY = "fake-key-0123456789"


@pytest.fixture
def make_home_of(make_agent_home, models):  # noqa: F811 pylint: disable=redefined-outer-name
    config = {
        "model": "fake/m1",
        "provider": {"fake": {
            "npm": "@ai-sdk/openai-compatible", "name": "Fake",
            "options": {"baseURL": f"http://host.docker.internal:{models.port}/v1",
                        "apiKey": "{env:FAKE_API_KEY}"},
            # Dollars for a million tokens.
            "models": {"m1": {"name": "M1", "cost": {"input": 10, "output": 20}}}}}}

    def make(env=(), **kw):
        return make_agent_home("opencode", env={
            "OPENCODE_CONFIG_CONTENT": json.dumps(config), "FAKE_API_KEY": KEY,
            "OPENCODE_PROVIDER": "fake", "OPENCODE_DISABLE_MODELS_FETCH": "1", **dict(env)}, **kw)
    return make


def test_answer_and_tool_events_come_with_session_cost_and_usage(make_home_of, models):
    models.tool = ("bash", {"command": "id -un; pwd", "description": "look"})
    home = make_home_of()
    job = run(home, "look around")
    assert job["state"] == "completed", job
    assert job["result"] == "You said: look around"
    assert job["session_id"].startswith("ses_")
    assert job["total_cost_usd"] == pytest.approx(2 * (1000 * 10 + 100 * 20) / 1e6)
    usage = job["output"]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (2000, 200)
    assert log_of(home, job).count("> $ id -un; pwd") == 1
    assert "pylon\n/workspace" in models.questions()[-1]["messages"][-1]["content"]
    assert all(headers["Authorization"] == "Bearer " + KEY for _, headers, _ in models.asked)
    assert KEY not in log_of(home, job)


def test_a_session_goes_on_where_the_home_outlives_the_container(make_home_of, models, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    os.chmod(store, 0o777)
    volumes = f"  volumes:\n    - {store}:/home/pylon:rw\n"
    first = run(make_home_of(agent=volumes), "my name is Ada")
    assert first["state"] == "completed", first
    second = run(make_home_of(agent=volumes, env={"SESSION_ID": first["session_id"]}),
                 "what is my name")
    assert second["result"] == "You said: my name is Ada / what is my name"
    assert second["session_id"] == first["session_id"]
    assert len(models.questions()) == 2


def test_a_session_that_is_gone_is_a_clear_failure(make_home_of):
    session = "ses_e06bb3c42ffex0zIaD57bnKN47"
    job = run(make_home_of(env={"SESSION_ID": session}), "go on")
    assert f"session {session} cannot be continued" in failure_of(job)


@pytest.mark.parametrize("status, words", [(529, "overloaded error"), (429, "rate limit error")])
def test_trouble_with_the_api_ends_as_a_clear_failure(make_home_of, models, status, words):
    models.status = status
    job = run(make_home_of(env={"OPENCODE_MAX_RETRIES": "1"}), "hello")
    assert f"the model API answered 2 times with an error: {words}" in failure_of(job)
    assert len(models.questions()) == 2


def test_a_refused_key_is_a_clear_failure(make_home_of, models):
    models.key = "another"
    job = run(make_home_of(), "hello")
    assert "refused the key (401)" in failure_of(job)
    assert KEY not in job["error"]


def test_a_provider_without_a_key_is_a_clear_failure_and_no_other_is_taken(make_home_of, models):
    home = make_home_of(env={"OPENCODE_PROVIDER": "openai", "OPENCODE_CONFIG_CONTENT": ""})
    assert "no key for the model API of openai" in failure_of(run(home, "hello"))
    assert models.asked == []


def test_a_configuration_that_the_provider_cannot_be_put_into_is_refused(make_home_of):
    job = run(make_home_of(env={"OPENCODE_CONFIG_CONTENT": "{} // none"}), "hello")
    assert job["state"] == "failed"
    assert "must be JSON without comments" in job["error"]


def test_a_stream_that_hangs_ends_with_the_time_limit(make_home_of, models):
    models.hangs = True
    models.tool = ("bash", {"command": "true", "description": "look"})
    home = make_home_of(timeout="10s")
    job = run(home, "hello")
    assert (job["state"], job["reason"]) == ("timed_out", "timeout")
    # What it said before is no answer.
    assert "I will see." in log_of(home, job)
    assert "agent: failed" in log_of(home, job)
    assert "stopped by SIGTERM" in log_of(home, job)


def test_a_prompt_that_is_too_long_for_a_variable_arrives_whole(make_home_of):
    prompt = "begin " + "word " * 40000 + "end"
    job = run(make_home_of(), prompt)
    assert job["state"] == "completed", job
    assert job["result"] == "You said: " + prompt
