# SPDX-License-Identifier: MIT
"""The configuration is edited while the daemon works: taken over by itself, whole or not at all."""
import json
import os
import signal
import threading
import time

from harness import wait_for

WEBHOOK = """name: {name}
trigger:
  type: webhook
  path: {path}
  secret: {secret}
  signature_header: X-Hub-Signature-256
{trigger}workspace:
  type: none
channel:
  type: stdout
  approval: true
  topic: "{version}"
  message: "{version} {{{{ .body.n }}}}"
{channel}agent:
  type: mock
  prompt: "{version}"
{agent}"""


def pylon(version, name="hook", path="/hook", secret="s3cret", trigger="", channel="", agent=""):
    return WEBHOOK.format(version=version, name=name, path=path, secret=secret, trigger=trigger,
                          channel=channel, agent=agent)


def replace(home, name, text):
    """As editors do: a new file takes the place of the old one."""
    path = home.path(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + "~", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(path + "~", path)


def api(home, path):
    import http.client
    import socket
    c = http.client.HTTPConnection("localhost", timeout=10)
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect(home.path("daemon", "socket"))
    c.request("GET", path)
    return json.loads(c.getresponse().read())


def status(home):
    return json.loads(home.cli("status", "--json").stdout)


class Load(threading.Thread):
    """Fifty webhooks a second, each with an id of its own."""

    def __init__(self, home):
        super().__init__()
        self.home = home
        self.answers = []  # (delivery id, status, job id)
        self.ended = threading.Event()
        self.failed = None

    def run(self):
        start = time.monotonic()
        n = 0
        try:
            while not self.ended.is_set() and n < 950:
                code, answer = self.home.post({"n": n}, delivery=f"load-{n}")
                self.answers.append((f"load-{n}", code, answer.get("job_id")))
                n += 1
                self.ended.wait(max(0, start + n / 50 - time.monotonic()))
        except Exception as e:  # pylint: disable=broad-except
            self.failed = e

    def stop(self):
        self.ended.set()
        self.join()


# One edit of each kind; every one of them still lets the load through.
EDITS = [
    {"agent": "  timeout: 5m\n"},
    {"secret": "[other, s3cret]"},
    {"secret": "[s3cret]", "trigger": "  signature: github\n"},
    {"trigger": '  if: "{{ ge .body.n 0 }}"\n'},
    {"trigger": '  dedupe: "{{ index .headers \\"x-github-delivery\\" }}"\n'},
    {"trigger": "  dedupe: X-GitHub-Delivery\n  max_body: 2KiB\n"},
    {"trigger": "  public_url: https://elsewhere.example\n"},
    {"channel": "  approval_timeout: 2h\n  on: [failed]\n"},
    {"agent": "  max_concurrent: 1\n  retries: 2\n  env:\n    A: b\n"},
    {"agent": "  memory: 512MiB\n  cpus: 1\n  network: none\n"},
    {"agent": "  image: some/other\n"},
]


def versions(home):
    """Version of the topic and of the text of every question that was asked, by job."""
    found = {}
    for job, message in home.rows("select job_id, message from deliveries where kind='approval'"):
        told = json.loads(message)
        found[job] = (told["topic"], told["text"].split(" ")[0])
    return found


def test_edits_under_load_lose_no_request_and_mix_no_two_configurations(make_home):
    home = make_home()
    replace(home, "pylons/hook/pylon.yaml", pylon("v0"))
    home.start()
    load = Load(home)
    load.start()
    for i, edit in enumerate(EDITS, 1):
        replace(home, "pylons/hook/pylon.yaml", pylon(f"v{i}", **edit))
        wait_for(lambda v=f"v{i}": any(t == v for t, _ in versions(home).values()), 10,
                 f"version {i}")
        if i == 3:  # others come, move and go meanwhile
            replace(home, "pylons/side/pylon.yaml", pylon("s", name="side", path="/side"))
        if i == 5:
            replace(home, "pylons/side/pylon.yaml", pylon("s", name="side", path="/moved"))
        if i == 7:
            os.remove(home.path("pylons", "side", "pylon.yaml"))
    load.stop()
    assert load.failed is None
    assert len(load.answers) >= 50
    assert {code for _, code, _ in load.answers} == {202}
    jobs = [job for _, _, job in load.answers]
    assert len(set(jobs)) == len(jobs)
    told = versions(home)
    assert set(jobs) <= set(told)
    assert all(topic == text for topic, text in told.values())
    order = [int(told[job][0][1:]) for job in jobs]
    assert order == sorted(order)
    assert home.output().count("configuration reloaded") >= len(EDITS)


def test_paths_names_and_switches_follow_the_files(make_home):
    home = make_home()
    home.start()
    replace(home, "pylons/new/pylon.yaml", pylon("x", name="new", path="/new"))
    wait_for(lambda: home.post({}, path="/new")[0] == 202, 5)
    replace(home, "pylons/new/pylon.yaml", pylon("x", name="new", path="/renamed"))
    wait_for(lambda: home.post({}, path="/renamed")[0] == 202, 5)
    assert home.post({}, path="/new")[0] == 404
    home.cli("disable", "new")
    wait_for(lambda: home.post({}, path="/renamed")[1].get("status") == "ignored", 5)
    home.cli("enable", "new")
    wait_for(lambda: home.post({}, path="/renamed")[0] == 202, 5)
    os.remove(home.path("pylons", "new", "pylon.yaml"))
    wait_for(lambda: home.post({}, path="/renamed")[0] == 404, 5)


def test_a_secret_in_an_env_file_is_replaced_without_a_restart(make_home):
    home = make_home()
    replace(home, "pylons/hook/.env", "HOOK_SECRET=first\n")
    replace(home, "pylons/hook/pylon.yaml", pylon("x", secret="${HOOK_SECRET}"))
    home.start()
    assert home.post({})[0] == 401
    replace(home, "pylons/hook/.env", "HOOK_SECRET=s3cret\n")
    wait_for(lambda: home.post({})[0] == 202, 5)


def test_a_bad_file_keeps_the_old_configuration_and_everybody_is_told(make_home):
    home = make_home()
    replace(home, "pylons/hook/pylon.yaml", pylon("good"))
    home.start()
    replace(home, "pylons/hook/pylon.yaml", pylon("bad") + "colour: blue\n")
    wait_for(lambda: status(home)["config"]["problems"], 5)
    assert "colour" in status(home)["config"]["problems"][0]
    assert "goes on with its previous configuration" in home.output()
    assert "colour" in home.cli("status").stdout
    assert "hook" in home.cli("list").stdout
    shown = api(home, "/api/pylons/hook")
    assert "colour" in shown["config_problem"]
    assert home.post({"n": 1})[0] == 202
    assert {v for v, _ in versions(home).values()} == {"good"}
    replace(home, "pylons/hook/pylon.yaml", pylon("good"))
    wait_for(lambda: not status(home)["config"]["problems"], 5)


def test_a_file_written_byte_by_byte_never_stops_the_pylon(make_home):
    home = make_home()
    replace(home, "pylons/hook/pylon.yaml", pylon("old"))
    home.start()
    path = home.path("pylons", "hook", "pylon.yaml")
    text = pylon("new").encode()
    open(path, "wb").close()  # pylint: disable=consider-using-with
    for i, byte in enumerate(text):
        with open(path, "ab") as f:
            f.write(bytes([byte]))
        if i % 10 == 0:
            assert home.post({"n": i})[0] == 202
    wait_for(lambda: home.post({"n": 0})[0] == 202
             and "new" in {v for v, _ in versions(home).values()}, 10)
    assert {v for v, _ in versions(home).values()} == {"old", "new"}


def test_config_yaml_waits_for_reload_or_a_restart(make_home):
    home = make_home(max_concurrent=2)
    home.start()
    with open(home.path("config.yaml"), encoding="utf-8") as f:
        text = f.read()
    replace(home, "config.yaml", text.replace("max_concurrent: 2", "max_concurrent: 7")
            .replace(f"port: {home.port}", "port: 1234"))
    wait_for(lambda: len(status(home)["config"]["restart_needed"]) == 2, 5)
    assert "restart needed" in home.output()
    assert status(home)["slots"]["total"] == 2
    answer = home.cli("reload")
    assert "server.port" in answer.stdout
    assert status(home)["slots"]["total"] == 7
    assert status(home)["config"]["restart_needed"] == ["server.port"]
    assert home.is_healthy()
    replace(home, "config.yaml", "server: [\n")
    refused = home.cli("reload", check=False)
    assert refused.returncode != 0
    home.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "received SIGHUP" in home.output(), 5)
    assert home.post({"n": 1})[0] == 202
    assert status(home)["slots"]["total"] == 7
