# SPDX-License-Identifier: MIT
"""The mock agent outside a container: each directive does what its line in directives.c says."""
import http.server
import json
import os
import signal
import subprocess
import threading

import pytest

AGENT = os.environ["PYLON_AGENT_MOCK"]


class Agent:
    def __init__(self, folder):
        self.run_dir = folder / "run"
        self.workspace = folder / "workspace"
        self.run_dir.mkdir()
        self.workspace.mkdir()

    def env(self, **more):
        return {"JOB_ID": "j-1", "ATTEMPT": "2", "MOCK_RUN_DIR": str(self.run_dir),
                "MOCK_WORKSPACE": str(self.workspace), **more}

    def run(self, prompt, **env):
        data = prompt if isinstance(prompt, bytes) else prompt.encode()
        (self.run_dir / "prompt").write_bytes(data)
        return subprocess.run([AGENT], env=self.env(**env), capture_output=True, timeout=20)

    def result(self):
        return json.loads((self.run_dir / "result.json").read_bytes())


@pytest.fixture
def agent(tmp_path):
    return Agent(tmp_path)


def test_prompt_is_printed_and_answered(agent):
    r = agent.run('say "hi"\nand bye')
    assert r.returncode == 0
    assert r.stdout.decode().splitlines() == [
        "mock agent: job j-1 attempt 2", 'prompt: say "hi"', "prompt: and bye"]
    assert agent.result() == {"status": "completed", "output": {
        "result": 'Mock agent received the prompt: say "hi"\nand bye', "session_id": "mock-j-1",
        "total_cost_usd": 0, "usage": {"input_tokens": 0, "output_tokens": 0}}}
    assert os.listdir(agent.run_dir).count("result.json.tmp") == 0


def test_prompt_comes_from_the_environment_without_a_file(agent):
    subprocess.run([AGENT], env=agent.env(PROMPT="from env"), check=True, capture_output=True)
    assert agent.result()["output"]["result"].endswith(": from env")


def test_only_the_first_200_bytes_are_quoted_and_no_half_character(agent):
    agent.run("a" * 199 + "é" + "b" * 50)
    assert agent.result()["output"]["result"] == "Mock agent received the prompt: " + "a" * 199


def test_bytes_that_are_not_utf8_are_replaced(agent):
    agent.run(b"a\xff\xc0\x80\xed\xa0\x80\tb")
    text = agent.result()["output"]["result"]
    assert text.startswith("Mock agent received the prompt: a\ufffd")
    assert text.endswith("\ufffd\tb")


def test_exit_and_result_and_fail(agent):
    assert agent.run("mock:exit 7\nmock:result did it").returncode == 7
    assert agent.result()["output"]["result"] == "did it"
    agent.run("mock:fail too hard")
    assert (agent.result()["status"], agent.result()["error"]) == ("failed", "too hard")


def test_no_result_and_json(agent):
    agent.run("mock:no-result")
    assert not (agent.run_dir / "result.json").exists()
    r = agent.run("mock:json\nmock:result x")
    assert json.loads(r.stdout.splitlines()[-1])["output"]["result"] == "x"
    assert not (agent.run_dir / "result.json").exists()


def test_print_stderr_env_and_write(agent):
    r = agent.run("mock:print one two\nmock:stderr three\nmock:env\nmock:write note.txt a b c", K="v")
    assert b"\none two\n" in r.stdout and b"env: K=v\n" in r.stdout
    assert r.stderr == b"three\n"
    assert (agent.workspace / "note.txt").read_text() == "a b c\n"


@pytest.mark.parametrize("count", [0, 1, 79, 80, 81, 100000])
def test_bytes_are_exactly_as_many_as_asked(agent, count):
    r = agent.run(f"mock:bytes {count}")
    out = r.stdout.split(b"\n", 2)[2]
    assert len(out) == count
    assert all(len(line) <= 79 for line in out.split(b"\n"))


def test_oneline_has_no_newline(agent):
    out = agent.run("mock:oneline 5000").stdout.split(b"\n", 2)[2]
    assert out == b"x" * 5000


def test_alloc_and_fork_report(agent):
    r = agent.run("mock:alloc 3\nmock:fork 2")
    assert b"allocated 3 of 3 MB" in r.stdout and b"forked 2 of 2" in r.stdout


def test_hang_ignores_sigterm(agent):
    (agent.run_dir / "prompt").write_text("mock:hang")
    with subprocess.Popen([AGENT], env=agent.env(), stdout=subprocess.PIPE) as p:
        for line in p.stdout:
            if line == b"hanging\n":
                break
        p.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            p.wait(0.3)
        p.kill()


def test_sigterm_ends_it_otherwise(agent):
    (agent.run_dir / "prompt").write_text("mock:print ready\nmock:sleep 60000")
    with subprocess.Popen([AGENT], env=agent.env(), stdout=subprocess.PIPE) as p:
        for line in p.stdout:
            if line == b"ready\n":
                break
        p.send_signal(signal.SIGTERM)
        assert p.wait(5) == 143


class Handler(http.server.BaseHTTPRequestHandler):
    got = []
    answer = 200

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Handler.got.append((self.path, self.headers["Host"], json.loads(body)))
        self.send_response(Handler.answer)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.mark.parametrize("answer,exit_code", [(200, 0), (404, 1)])
def test_callback_posts_the_result(agent, answer, exit_code):
    Handler.got, Handler.answer = [], answer
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_port
    r = agent.run("mock:callback\nmock:result posted", CALLBACK_URL=f"http://localhost:{port}/callback/j/t")
    server.shutdown()
    server.server_close()
    assert r.returncode == exit_code, r.stderr
    path, host, body = Handler.got[0]
    assert (path, host, body["output"]["result"]) == ("/callback/j/t", f"localhost:{port}", "posted")
    assert not (agent.run_dir / "result.json").exists()


def test_an_unknown_directive_is_told(agent):
    assert b"unknown directive mock:nonsense" in agent.run("mock:nonsense 1").stderr
