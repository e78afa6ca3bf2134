# SPDX-License-Identifier: MIT
"""`pylon mcp`: by hand, with the official client, and with Claude Code against a Messages API of ours.

The two programs come from npm into a folder of the test; without npm, or where it cannot install,
their tests are skipped.
"""
import json
import os
import shutil
import subprocess

import pytest

from fake_models import FakeModels
from harness import PYLON, wait_for

TOOLS = ["background_command", "subagent", "list_jobs", "job_log", "trigger_pylon"]
NO_RETRIES = ["--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=0"]

# Calls tools as they are asked for on standard input, one JSON line each, and prints what came.
CLIENT = """
import * as readline from "node:readline";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: "test", version: "1" });
const say = (value) => console.log(JSON.stringify(value));

await client.connect(new StdioClientTransport({ command, args, stderr: "inherit" }));
say({ server: client.getServerVersion(), instructions: client.getInstructions() });
for await (const line of readline.createInterface({ input: process.stdin })) {
	const { method, params } = JSON.parse(line);
	try {
		say(await client[method](params));
	} catch (error) {
		say({ code: error.code, message: error.message });
	}
}
await client.close();
"""

# A subagent's command: it tells what it was told, in the manner of Claude Code.
AGENT = """#!/bin/sh
session=5f0c1b9e-0000-4000-8000-000000000000
for word; do prompt=$word; done
case " $* " in *" --resume $session "*) prompt="again: $prompt" ;; esac
printf '{"type":"result","subtype":"success","is_error":false,"result":"did: %s",' "$prompt"
printf '"session_id":"%s","total_cost_usd":0.5,"usage":{"input_tokens":1,"output_tokens":2}}\\n' $session
"""


def install(folder, package):
    """Installs a package of npm into a folder, or skips."""
    if not shutil.which("npm"):
        pytest.skip("there is no npm")
    made = subprocess.run(["npm", "install", *NO_RETRIES, "--prefix", str(folder), package],
                          capture_output=True, text=True, check=False, timeout=300)
    if made.returncode != 0:
        pytest.skip(f"npm cannot install {package}: " + made.stderr.strip()[-300:])
    return folder


@pytest.fixture(scope="session")
def sdk(tmp_path_factory):
    folder = install(tmp_path_factory.mktemp("sdk"), "@modelcontextprotocol/sdk@1")
    (folder / "client.mjs").write_text(CLIENT)
    return folder / "client.mjs"


@pytest.fixture(scope="session")
def claude(tmp_path_factory):
    folder = install(tmp_path_factory.mktemp("claude"), "@anthropic-ai/claude-code")
    program = folder / "node_modules" / ".bin" / "claude"
    tried = subprocess.run([program, "--version"], capture_output=True, text=True, check=False,
                           env=dict(os.environ, HOME=str(folder)))
    if tried.returncode != 0:
        pytest.skip("Claude Code does not run here: " + (tried.stderr or tried.stdout)[-300:])
    return program


@pytest.fixture
def home(make_home):
    h = make_home()
    h.write("agent", AGENT)
    os.chmod(h.path("agent"), 0o755)
    with open(h.path("config.yaml"), "a", encoding="utf-8") as f:
        f.write(f"daemon:\n  agent:\n    command: [{h.path('agent')}]\n")
    return h


class Client:
    """The official client, in its own process."""

    def __init__(self, script, home):
        self.process = subprocess.Popen(
            ["node", str(script), PYLON, "--home", home.dir, "mcp"], text=True, cwd=home.dir,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=dict(os.environ, PYLON_HOME=home.dir, HOME=home.dir))
        self.hello = json.loads(self.process.stdout.readline())

    def ask(self, method, params=None):
        self.process.stdin.write(json.dumps({"method": method, "params": params or {}}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def text(self, tool, is_error=False, /, **arguments):
        result = self.ask("callTool", {"name": tool, "arguments": arguments})
        assert result["isError"] is is_error, result
        return result["content"][0]["text"]

    def call(self, tool, /, **arguments):
        return json.loads(self.text(tool, **arguments))

    def wait(self, tool, work_id, *statuses):
        def reached():
            got = self.call(tool, action="get", id=work_id)
            return got if got["status"] in statuses else None
        return wait_for(reached, 30, f"{work_id} to become {statuses}")

    def close(self):
        self.process.stdin.close()
        return self.process.wait(20)


@pytest.fixture
def connect(sdk):
    clients = []

    def make(home):
        clients.append(Client(sdk, home))
        return clients[-1]
    yield make
    for client in clients:
        if client.process.poll() is None:
            client.process.kill()
            client.process.wait()


# --- by hand ---

def talk(home, *messages, raw=None):
    """The answers, each parsed; the server must have ended well and said nothing else."""
    text = raw if raw is not None else "".join(json.dumps(m) + "\n" for m in messages)
    r = home.cli("mcp", text=text)
    assert r.stderr == ""
    return [json.loads(line) for line in r.stdout.splitlines()]


def request(number, method, **params):
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def test_it_ends_with_its_input_and_says_only_what_the_protocol_wants(home):
    assert talk(home) == []
    answers = talk(home, request(1, "initialize", protocolVersion="2025-03-26", capabilities={},
                                 clientInfo={"name": "x", "version": "1"}),
                   {"jsonrpc": "2.0", "method": "notifications/initialized"},
                   request(2, "ping"), [request(3, "ping"), request(4, "no/such")],
                   request(5, "tools/list"))
    assert answers[0]["result"]["protocolVersion"] == "2025-03-26"
    assert answers[1] == {"jsonrpc": "2.0", "id": 2, "result": {}}
    assert [a.get("error", {}).get("code") for a in answers[2]] == [None, -32601]
    assert [t["name"] for t in answers[3]["result"]["tools"]] == TOOLS
    assert len(answers) == 4


def test_garbage_is_answered_and_the_next_message_counts(home):
    ping = json.dumps(request(1, "ping"))
    answers = talk(home, raw="{\n" + "x" * (4 << 20) + "y\n" + ping.ljust(4 << 20) + "\n")
    assert [a.get("error", {}).get("code") for a in answers] == [-32700, -32600, None]


def test_without_a_daemon_the_tools_say_how_to_start_it(home):
    call = request(1, "tools/call", name="list_jobs", arguments={})
    result = talk(home, call)[0]["result"]
    assert result["isError"]
    assert "`pylon start`" in result["content"][0]["text"]
    assert home.path("daemon") in result["content"][0]["text"]


def test_it_takes_no_words(home):
    assert home.cli("mcp", "now", check=False).returncode == 2


# --- the official client ---

def test_the_official_client_agrees_and_sees_the_tools(home, connect):
    client = connect(home)
    assert client.hello["server"]["name"] == "pylon"
    assert "goes on" in client.hello["instructions"]
    assert client.ask("ping") == {}
    tools = client.ask("listTools")["tools"]
    assert [t["name"] for t in tools] == TOOLS
    assert all(t["inputSchema"]["additionalProperties"] is False for t in tools)
    assert client.ask("callTool", {"name": "no_such"})["code"] == -32602
    assert client.close() == 0


def test_a_command_is_started_watched_and_repeated(home, connect):
    home.start()
    client = connect(home)
    work = client.call("background_command", action="start", name="three",
                       command="echo out; echo err >&2; pwd; exit 3")
    done = client.wait("background_command", work["id"], "failed")
    assert (done["exitCode"], done["taskSlug"], done["cwd"]) == (3, "three", home.dir)
    log = client.text("background_command", action="logs", id=work["id"][:8])
    assert sorted(log.split()) == sorted(["out", "err", home.dir])
    assert client.text("background_command", action="logs", id=work["id"], tail=1).count("\n") == 1
    again = client.call("background_command", action="rerun", id=work["id"])
    assert again["id"] != work["id"]
    client.wait("background_command", again["id"], "failed")
    listed = client.call("background_command", action="list")["items"]
    assert [w["id"] for w in listed] == [again["id"], work["id"]]
    assert client.call("subagent", action="list")["items"] == []


def test_a_command_is_cancelled(home, connect):
    home.start()
    client = connect(home)
    work = client.call("background_command", action="start", argv=["sleep", "600"])
    client.wait("background_command", work["id"], "running")
    assert client.call("background_command", action="cancel", id=work["id"])["cancelled"]
    client.wait("background_command", work["id"], "cancelled")
    assert "already" in client.text("background_command", True, action="cancel", id=work["id"])


def test_work_outlives_its_client_and_the_daemon(home, connect):
    home.start()
    first = connect(home)
    gate = home.path("gate")
    work = first.call("background_command", action="start",
                      command=f"until [ -e {gate} ]; do sleep 0.05; done; echo through")
    first.wait("background_command", work["id"], "running")
    assert first.close() == 0
    second = connect(home)
    home.kill9()
    assert "not running" in second.text("background_command", True, action="list")
    home.start()
    home.write("gate", "")
    done = second.wait("background_command", work["id"], "completed", "failed", "interrupted")
    assert (done["status"], done["exitCode"]) == ("completed", 0)
    assert second.text("background_command", action="logs", id=work["id"]) == "through\n"


def test_a_subagent_tells_its_result_and_goes_on(home, connect):
    home.start()
    client = connect(home)
    work = client.call("subagent", action="start", prompt="count to three")
    done = client.wait("subagent", work["id"], "completed", "failed")
    assert (done["status"], done["result"]) == ("completed", "did: count to three"), done
    assert done["total_cost_usd"] == 0.5
    more = client.call("subagent", action="follow_up", id=work["id"], prompt="to four")
    done = client.wait("subagent", more["id"], "completed", "failed")
    assert done["result"] == "did: again: to four"
    assert len(client.call("subagent", action="list")["items"]) == 2


def test_a_pylon_is_triggered_and_its_job_seen(home, connect):
    home.start()
    client = connect(home)
    answer = client.call("trigger_pylon", name="hook", payload={"n": 1})
    assert answer["status"] == "accepted"
    jobs = client.call("list_jobs", pylon="hook")["items"]
    assert [j["id"] for j in jobs] == [answer["job_id"]]
    assert client.text("job_log", id=answer["job_id"])
    assert "pylon" in client.text("trigger_pylon", True, name="no-such")


# --- Claude Code ---

def test_claude_code_starts_work_that_outlives_it(home, claude, tmp_path):
    home.start()
    models = FakeModels()
    models.tool = ("mcp__pylon__background_command",
                   {"action": "start", "command": "sleep 1; echo made by claude", "cwd": home.dir})
    servers = {"mcpServers": {"pylon": {"command": PYLON, "args": ["--home", home.dir, "mcp"]}}}
    try:
        r = subprocess.run(
            [claude, "--print", "--strict-mcp-config", "--mcp-config", json.dumps(servers),
             "--allowedTools", "mcp__pylon__background_command", "--", "start it"],
            capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            env=dict(os.environ, HOME=str(tmp_path), CLAUDE_CONFIG_DIR=str(tmp_path / "claude"),
                     ANTHROPIC_BASE_URL=f"http://127.0.0.1:{models.port}",
                     ANTHROPIC_API_KEY="sk-ant-test-0123456789", CLAUDE_CODE_MAX_RETRIES="0",
                     CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1", DISABLE_AUTOUPDATER="1"))
        questions = models.questions()
    finally:
        models.close()
    assert r.returncode == 0, r.stdout + r.stderr
    offered = {tool["name"]: tool for tool in questions[-1]["tools"]}
    schema = offered["mcp__pylon__background_command"]["input_schema"]
    assert schema["required"] == ["action"]
    result = questions[-1]["messages"][-1]["content"][0]
    assert not result.get("is_error"), result
    content = result["content"]
    work = json.loads(content if isinstance(content, str) else content[0]["text"])

    def over():
        listed = json.loads(talk(home, request(1, "tools/call", name="background_command",
                                               arguments={"action": "get", "id": work["id"]})
                                 )[0]["result"]["content"][0]["text"])
        return listed["status"] == "completed"
    wait_for(over, 30, "the end of the work")
    with open(work["logPath"], encoding="utf-8") as f:
        assert f.read() == "made by claude\n"
