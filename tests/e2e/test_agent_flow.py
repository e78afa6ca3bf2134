# SPDX-License-Identifier: MIT
"""A user's first day: a real agent on a real checkout, and a reply that continues its session."""
import json
import os
import subprocess

import pytest

from agents import base, failure_of, log_of, make_agent_home, models  # noqa: F401 pylint: disable=unused-import
from harness import wait_for

KEY = "sk-ant-test-0123456789"
TOKEN = "sk-ant-oat01-0123456789abcdef"
WORK = ("cat greeting; git log --format=%s -1; echo more >>greeting; "
        "git -c user.name=a -c user.email=a@b.c commit -qam changed && git status --short; id -u")


def git(*args, cwd=None):
    return subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t.t", *args], cwd=cwd,
                          check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repo(tmp_path):
    """A bare repository whose branch `main` is ahead of the tag `v1`."""
    work, bare = tmp_path / "work", tmp_path / "repo.git"
    git("init", "-q", "-b", "main", str(work))
    for text, tag in (("hello", "v1"), ("hello again", None)):
        (work / "greeting").write_text(text + "\n")
        git("add", "greeting", cwd=work)
        git("commit", "-q", "-m", "says " + text, cwd=work)
        if tag:
            git("tag", tag, cwd=work)
    git("clone", "-q", "--bare", str(work), str(bare))
    return str(bare)


def checkout(home, kind, repo, ref):  # pylint: disable=redefined-outer-name
    """Gives the home's pylon a git workspace, as a user would who edits the file."""
    path = home.path("pylons", "hook", "pylon.yaml")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    home.write("pylons/hook/pylon.yaml", text.replace(
        "workspace:\n  type: none\n",
        f"workspace:\n  type: {kind}\n  repo: {repo}\n  ref: \"{ref}\"\n"))
    home.cli("reload")


def begin(home, body):
    status, answer = home.post(body)
    assert status == 202, answer
    return home.wait_state(answer["job_id"])


def reply(home, job, text):
    home.cli("reply", job["id"], text)
    return home.wait_state(job["id"])


def claude_env(models):  # pylint: disable=redefined-outer-name
    return {"ANTHROPIC_BASE_URL": f"http://host.docker.internal:{models.port}",
            "CLAUDE_CODE_MAX_RETRIES": "0"}


def tool_output(models):  # pylint: disable=redefined-outer-name
    content = models.questions()[-1]["messages"][-1]["content"]
    return str([part.get("content") for part in content]).replace("\\n", "\n")


@pytest.mark.parametrize("kind", ["git-clone", "git-worktree"])
def test_claude_works_on_the_commit_and_a_reply_goes_on_there(make_agent_home, models, repo, kind):
    home = make_agent_home("claude", agent=f"  auth: api_key\n  api_key: {KEY}\n",
                           env=claude_env(models))
    checkout(home, kind, repo, "{{ .body.ref }}")
    models.tool = ("Bash", {"command": WORK, "description": "work"})
    first = begin(home, {"prompt": "my name is Ada", "ref": "v1"})
    assert first["state"] == "completed", first
    assert first["result"] == "You said: my name is Ada"
    output = tool_output(models)
    assert "hello\nsays hello\n1000" in output, output  # the tag, committed to, clean, as its user
    assert "greeting" in log_of(home, first)  # what it did is in the log

    models.tool = ("Bash", {"command": "cat greeting; git log --format=%s -1", "description": "l"})
    second = reply(home, first, "what is my name")
    assert second["result"] == "You said: my name is Ada / what is my name"
    assert second["session_id"] == first["session_id"]
    assert "hello\nmore\nchanged" in tool_output(models)
    assert second["attempt"] == 2 and len(second["runs"]) == 2
    # A result tells what the whole session cost; only what is new counts.
    assert first["total_cost_usd"] > 0
    assert second["total_cost_usd"] == pytest.approx(2 * first["total_cost_usd"])
    assert second["usage"]["input_tokens"] == 2 * first["usage"]["input_tokens"] > 0
    listed = json.loads(home.cli("jobs", "--json").stdout)
    assert listed["items"][0]["usage"] == second["usage"]
    assert KEY not in home.output() + log_of(home, second)


def test_a_retry_begins_a_new_session(make_agent_home, models):
    home = make_agent_home("claude", agent=f"  api_key: {KEY}\n", env=claude_env(models))
    models.status = 529
    failed = begin(home, {"prompt": "hello"})
    assert "overloaded (529)" in failure_of(failed)
    assert failed["reason"] == "agent"
    models.status = 200
    home.cli("retry", failed["id"])
    done = home.wait_state(failed["id"], "completed")
    assert done["result"] == "You said: hello"
    assert done["session_id"] != failed["session_id"]


def test_only_the_login_of_the_user_enters_and_it_goes_on_without_a_writable_home(
        make_agent_home, models):
    home = make_agent_home("claude", agent="  auth: oauth\n  read_only: true\n",
                           env=claude_env(models))
    login = json.dumps({"claudeAiOauth": {
        "accessToken": TOKEN, "refreshToken": "sk-ant-ort01-0123456789abcdef",
        "expiresAt": 4102444800000, "scopes": ["user:inference"], "subscriptionType": "max"}})
    home.write(".claude/.credentials.json", login)  # the harness's HOME is the home itself
    home.write(".claude/settings.json", json.dumps({"hooks": {"SessionStart": [{"hooks": [{
        "type": "command", "command": "touch /workspace/hooked"}]}]}}))
    home.write(".claude/CLAUDE.md", "Always answer in rhymes.")
    models.tool = ("Bash", {"command": "ls -A /home/pylon/.claude /workspace; cat ~/.claude/.cred*",
                            "description": "look"})
    first = begin(home, {"prompt": "my name is Ada"})
    assert first["state"] == "completed", first
    assert all(headers["Authorization"] == "Bearer " + TOKEN for _, headers, _ in models.asked)
    output = tool_output(models)
    assert ".credentials.json" in output
    assert "hooked" not in output and "settings.json" not in output and "CLAUDE.md" not in output
    assert not os.path.exists(home.path("jobs", first["id"], "hooked"))

    second = reply(home, first, "what is my name")
    assert second["result"] == "You said: my name is Ada / what is my name"
    # The agent did read its token; nobody else learns it.
    with open(home.path("pylons", "hook", "jobs.db"), "rb") as f:
        database = f.read()
    assert TOKEN not in home.output() + log_of(home, second)
    assert TOKEN.encode() not in database
    # The host's own login is as it was.
    with open(home.path(".claude", ".credentials.json"), encoding="utf-8") as f:
        assert f.read() == login


def test_what_the_agent_does_is_seen_while_it_works(make_agent_home, models):
    home = make_agent_home("claude", agent=f"  api_key: {KEY}\n", env=claude_env(models))
    models.tool = ("Bash", {"command": "echo looking", "description": "look"})
    models.hangs = True
    status, answer = home.post({"prompt": "hello"})
    assert status == 202
    job = wait_for(lambda: (lambda j: j if j.get("progress") else None)(home.job(answer["job_id"])),
                   60, "progress")
    assert job["progress"][-1]["line"] == "$ echo looking"
    assert "$ echo looking" in home.cli("show", answer["job_id"]).stdout
    home.cli("kill", answer["job_id"])
    assert home.wait_state(answer["job_id"])["state"] == "cancelled"


def test_opencode_goes_on_after_a_reply(make_agent_home, models):
    home = make_agent_home(
        "opencode", agent="  provider: fake\n  api_key: fake-key-0123456789\n",
        env={"OPENCODE_MODEL": "fake/fake-model", "OPENCODE_CONFIG_CONTENT": json.dumps({
            "provider": {"fake": {
                "npm": "@ai-sdk/openai-compatible", "name": "Fake", "options": {
                    "baseURL": f"http://host.docker.internal:{models.port}/v1",
                    "apiKey": "{env:FAKE_API_KEY}"},
                "models": {"fake-model": {"name": "Fake"}}}}})})
    first = begin(home, {"prompt": "my name is Ada"})
    assert first["state"] == "completed", (first, log_of(home, first))
    second = reply(home, first, "what is my name")
    assert "my name is Ada" in second["result"] and "what is my name" in second["result"], second
    assert second["session_id"] == first["session_id"]
    assert second["usage"]["input_tokens"] == 2 * first["usage"]["input_tokens"] > 0
    assert any(headers.get("Authorization") == "Bearer fake-key-0123456789"
               for _, headers, _ in models.asked)
