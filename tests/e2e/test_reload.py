# SPDX-License-Identifier: MIT
"""The configuration is edited while the daemon works: taken over by itself, whole or not at all."""
import json
import os
import signal
import subprocess
import threading
import time

from harness import PYLON, wait_for

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
    wait_for(lambda: any("config.yaml:" in p for p in status(home)["config"]["problems"]), 5)
    assert "config.yaml:" in home.output()
    refused = home.cli("reload", check=False)
    assert refused.returncode == 78
    assert "config.yaml:2:1: " in refused.stderr
    home.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "received SIGHUP" in home.output(), 5)
    assert home.post({"n": 1})[0] == 202
    assert status(home)["slots"]["total"] == 7


# --- how files are replaced ---

def current(home, version, path="/hook", timeout=5):
    """Waits until the pylon at that path asks with that version."""
    def is_new():
        code, answer = home.post({"n": 0}, path=path)
        name = path.strip("/")
        if code != 202:
            return False
        rows = home.rows("select message from deliveries where job_id=?", answer["job_id"],
                         name=name)
        return json.loads(rows[0][0])["topic"] == version
    wait_for(is_new, timeout, f"{version} at {path}")


def in_place(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def as_vim(path, text):
    """With a swap file, a probe for the folder's rights, and a backup by renaming."""
    folder = os.path.dirname(path)
    swap = os.path.join(folder, ".pylon.yaml.swp")
    probe = os.path.join(folder, "4913")
    in_place(swap, "swap")
    in_place(probe, "")
    os.remove(probe)
    os.rename(path, path + "~")
    in_place(path, text)
    os.remove(path + "~")
    os.remove(swap)


def as_emacs(path, text):
    """With a lock that is a link to nowhere, and a backup that is a copy."""
    folder, name = os.path.split(path)
    lock = os.path.join(folder, ".#" + name)
    os.symlink("someone@host.1:2", lock)
    with open(path, encoding="utf-8") as f:
        in_place(path + "~", f.read())
    in_place(path, text)
    os.remove(lock)


def as_sed(path, text):
    """A new file in the same folder takes its place."""
    new = os.path.join(os.path.dirname(path), "sedXyZ123")
    in_place(new, text)
    os.rename(new, path)


def as_checkout(path, text):
    """git removes a file before it writes the other one."""
    os.remove(path)
    in_place(path, text)


def test_every_editor_is_noticed(make_home):
    home = make_home()
    path = home.path("pylons", "hook", "pylon.yaml")
    replace(home, "pylons/hook/pylon.yaml", pylon("start"))
    home.start()
    for edit in (in_place, as_vim, as_emacs, as_sed, as_checkout):
        edit(path, pylon(edit.__name__))
        current(home, edit.__name__)
    assert "previous configuration" not in home.output()


def link(target, path):
    """As `ln -sfn` does when it is careful: a new link takes the place of the old one."""
    os.symlink(target, path + ".new")
    os.rename(path + ".new", path)


def test_a_folder_that_is_a_link_is_followed_wherever_it_leads(make_home):
    home = make_home()
    replace(home, "releases/1/hook/pylon.yaml", pylon("one"))
    replace(home, "releases/2/hook/pylon.yaml", pylon("two"))
    link(home.path("releases", "1"), home.path("current"))
    os.remove(home.path("pylons", "hook", "pylon.yaml"))
    os.rmdir(home.path("pylons", "hook"))
    os.symlink("../current/hook", home.path("pylons", "hook"))
    home.start()
    current(home, "one")
    replace(home, "releases/1/hook/pylon.yaml", pylon("one again"))
    current(home, "one again")
    link("releases/2", home.path("current"))  # a link on the way, relative now
    current(home, "two")
    replace(home, "releases/2/hook/pylon.yaml", pylon("two again"))
    current(home, "two again")
    # What it leads to is gone for longer than anybody waits, and comes back.
    os.rename(home.path("releases", "2"), home.path("away"))
    wait_for(lambda: home.post({})[0] == 404, 5)
    replace(home, "away/hook/pylon.yaml", pylon("back"))
    os.rename(home.path("away"), home.path("releases", "2"))
    current(home, "back")


def test_a_file_that_is_a_link_into_a_folder_that_changes_as_a_whole(make_home):
    home = make_home()
    home.write("pylons/hook/..1/pylon.yaml", pylon("one"))
    home.write("pylons/hook/..2/pylon.yaml", pylon("two"))
    os.symlink("..1", home.path("pylons", "hook", "..data"))
    link("..data/pylon.yaml", home.path("pylons", "hook", "pylon.yaml"))
    home.start()
    current(home, "one")
    link("..2", home.path("pylons", "hook", "..data"))
    current(home, "two")


def test_the_target_of_a_link_may_be_missing_for_a_while(make_home):
    home = make_home()
    home.write("elsewhere/file", pylon("one"))
    link(home.path("elsewhere", "file"), home.path("pylons", "hook", "pylon.yaml"))
    home.start()
    current(home, "one")
    os.remove(home.path("elsewhere", "file"))
    wait_for(lambda: status(home)["config"]["problems"] or home.post({})[0] == 404, 5)
    home.write("elsewhere/file", pylon("two"))
    current(home, "two")


def test_all_pylons_moved_away_and_back_lose_nothing(make_home):
    home = make_home()
    replace(home, "pylons/hook/pylon.yaml", pylon("one"))
    home.start()
    current(home, "one")
    os.rename(home.path("pylons"), home.path("away"))
    wait_for(lambda: status(home)["config"]["problems"], 5)
    assert home.post({})[0] == 503  # and not 404: the sender shall try again
    os.rename(home.path("away"), home.path("pylons"))
    current(home, "one")
    wait_for(lambda: not status(home)["config"]["problems"], 5)
    replace(home, "pylons/hook/pylon.yaml", pylon("two"))
    current(home, "two")


def watches(home):
    """inotify watches of the daemon."""
    folder = f"/proc/{home.process.pid}/fdinfo"
    count = 0
    for name in os.listdir(folder):
        try:
            with open(os.path.join(folder, name), encoding="ascii") as f:
                count += sum(line.startswith("inotify") for line in f)
        except FileNotFoundError:
            pass
    return count


def test_what_is_no_longer_looked_at_is_no_longer_watched(make_home):
    home = make_home()
    home.start()

    def round_of(n):
        for i in range(n):
            home.write(f"targets/{i}/pylon.yaml", pylon(f"v{i}", name="linked", path="/linked"))
            link(home.path("targets", str(i)), home.path("pylons", "linked"))
            home.write(f"pylons/p{i}/pylon.yaml", pylon("x", name=f"p{i}", path=f"/p{i}"))
        current(home, f"v{n - 1}", path="/linked")
        wait_for(lambda: home.post({}, path=f"/p{n - 1}")[0] == 202, 5)
        for i in range(n):
            os.remove(home.path("pylons", f"p{i}", "pylon.yaml"))
            os.rename(home.path("pylons", f"p{i}"), home.path(f"gone-{i}-{time.monotonic()}"))
        wait_for(lambda: home.post({}, path=f"/p{n - 1}")[0] == 404, 5)
        time.sleep(1)
        return watches(home), len(os.listdir(f"/proc/{home.process.pid}/fd"))
    before = round_of(5)
    after = round_of(40)
    assert after[0] == before[0]
    # A database more or less may be open at the moment, but not one for each that came and went.
    assert abs(after[1] - before[1]) < 10


def test_a_file_that_is_never_at_rest_is_read_all_the_same(make_home):
    home = make_home()
    replace(home, "pylons/hook/pylon.yaml", pylon("old"))
    home.start()
    start = time.monotonic()
    while "new" not in {v for v, _ in versions(home).values()}:
        replace(home, "pylons/hook/pylon.yaml", pylon("new"))
        home.post({"n": 0})
        assert time.monotonic() - start < 10
        time.sleep(0.05)


def test_what_a_reload_takes_over_is_in_force(make_home):
    home = make_home()
    home.start()
    path = home.path("config.yaml")
    with open(path, encoding="utf-8") as f:
        text = f.read()

    def seen_from(host):
        import http.client
        c = http.client.HTTPConnection("127.0.0.1", home.port, timeout=10)
        c.request("GET", "/api/status", headers={"Host": host})
        return c.getresponse().status
    unknown = seen_from("elsewhere.example")
    replace(home, "config.yaml", text.replace("server:\n", "server:\n  public_url: "
                                              "https://elsewhere.example\n") +
            "log:\n  level: debug\n")
    home.cli("reload")
    assert seen_from("elsewhere.example") != unknown
    assert " debug " not in home.output()
    assert home.post({"n": 1})[0] == 202
    assert " debug " in home.output()


def test_a_second_daemon_leaves_the_pylons_of_the_first_alone(make_home):
    home = make_home()
    home.start()
    assert home.post({"n": 1})[0] == 202
    env = dict(os.environ, PYLON_HOME=home.dir, HOME=home.dir, PYLON_DAEMON_NAMESPACE="two")
    with open(home.path("two.log"), "wb") as log:
        second = subprocess.Popen([PYLON, "start"], env=env, stdout=log, stderr=log)
    try:
        wait_for(lambda: os.path.exists(home.path("daemon-two", "socket")), 10)
        replace(home, "pylons/hook/pylon.yaml", pylon("new"))
        wait_for(lambda: "configuration reloaded" in home.output(), 5)
        time.sleep(1)
        files = {os.path.basename(os.readlink(f"/proc/{second.pid}/fd/{fd}"))
                 for fd in os.listdir(f"/proc/{second.pid}/fd")}
        assert not {name for name in files if name.startswith("jobs.db")}
        assert home.post({"n": 2})[0] == 202
    finally:
        second.terminate()
        assert second.wait(20) == 0
