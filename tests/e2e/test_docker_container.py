# SPDX-License-Identifier: MIT
"""What a container may and may not do, seen from inside one and from its engine.

The numbers of docs/security.md are these: a change here is a change there.
"""
import base64
import json
import re

import pytest

from busybox import IMAGE, busybox, make_image  # noqa: F401 pylint: disable=unused-import
from harness import Engine, wait_for

CANARY = "canary-3f9a1c77d2"

LOOK = r"""
status() { sed -n "s/^$1:[[:space:]]*/$1 /p" /proc/self/status; }
for f in CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp; do status $f; done
echo "id $(id -u):$(id -g)"
echo "files $(ulimit -Hn) core $(ulimit -Hc)"
echo "init $(cat /proc/1/comm)"
for f in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
	[ -r $f ] && echo "memory $(cat $f)"
done
for f in /sys/fs/cgroup/memory.swap.max /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes; do
	[ -r $f ] && echo "swap $(cat $f)"
done
for f in /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max; do [ -r $f ] && echo "pids $(cat $f)"; done
for p in / /tmp /workspace /run/pylon /run/pylon/prompt /run/pylon/event.json /etc/passwd; do
	if [ -d $p ]; then t=$p/.try; else t=$p; fi
	if (: >>$t) 2>/dev/null; then echo "write $p yes"; else echo "write $p no"; fi
done
awk '{ print "mount " $5 }' /proc/self/mountinfo
ip -o link | awk '{ sub(":", "", $2); print "link " $2 }'
env | sed 's/=.*//; s/^/env /'
mount -t tmpfs none /mnt 2>/dev/null && echo "may mount"
chown 1 /workspace 2>/dev/null && echo "may chown"
nc -w 1 169.254.169.254 80 </dev/null 2>/dev/null && echo "reached metadata"
nc -w 1 1.1.1.1 53 </dev/null 2>&1 | sed 's/^/net /'
true
"""

# What the engine and the kernel mount into any container.
ENGINES_OWN = re.compile(r"^(/|/proc(/.*)?|/sys(/.*)?|/dev(/.*)?|/etc/(hosts|hostname|resolv\.conf)|"
                         r"/sbin/docker-init)$")
NOTHING = "0000000000000000"


def home_that_runs(make_docker_home, script, agent="", image=IMAGE, **kw):
    lines = f"  image: {image}\n  command: {json.dumps(['/bin/sh', '-c', script])}\n"
    return make_docker_home(agent_type="command", agent=lines + agent, **kw)


def look(make_docker_home, agent="", **kw):
    """What one job of such a pylon sees: {first word: [rest, ...]}."""
    home = home_that_runs(make_docker_home, LOOK, agent, **kw).start()
    status, answer = home.post({"n": 1})
    assert status == 202
    job = home.wait_state(answer["job_id"])
    assert job["state"] == "completed", job
    seen = {}
    for line in home.cli("logs", job["id"]).stdout.splitlines():
        word, _, rest = line.partition(" ")
        seen.setdefault(word, []).append(rest)
    return seen


def writable(seen):
    return {name for name, answer in (line.split() for line in seen["write"]) if answer == "yes"}


@pytest.mark.usefixtures("busybox")
def test_an_agent_has_no_power_over_its_machine(make_docker_home):
    seen = look(make_docker_home)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert seen[name] == [NOTHING], name
    assert seen["NoNewPrivs"] == ["1"]
    assert seen["Seccomp"] == ["2"]
    assert seen["files"] == ["16384 core 0"]
    assert "docker-init" in seen["init"][0]
    assert "may" not in seen


@pytest.mark.usefixtures("busybox")
def test_memory_processes_and_swap_are_limited(make_docker_home):
    seen = look(make_docker_home, "  memory: 64MiB\n  pids: 77\n  cpus: 0.5\n")
    assert seen["memory"] == [str(64 << 20)]
    assert seen["swap"] in (["0"], [str(64 << 20)])  # v2 counts swap alone, v1 both together
    assert seen["pids"] == ["77"]


@pytest.mark.usefixtures("busybox")
def test_only_what_was_given_is_mounted(make_docker_home):
    seen = look(make_docker_home)
    own = [m for m in seen["mount"] if not ENGINES_OWN.match(m)]
    assert sorted(own) == ["/run/pylon", "/run/pylon/event.json", "/run/pylon/prompt", "/workspace"]
    assert writable(seen) == {"/", "/tmp", "/workspace", "/run/pylon", "/etc/passwd"}


@pytest.mark.usefixtures("busybox")
def test_only_what_is_documented_is_in_the_environment(make_docker_home):
    seen = look(make_docker_home, "  env:\n    MINE: yes\n")
    assert set(seen["env"]) - {"PATH", "HOSTNAME", "HOME", "PWD", "SHLVL", "_", "OLDPWD"} == {
        "PROMPT", "JOB_ID", "RUN_ID", "ATTEMPT", "CALLBACK_URL", "HOOKS_URL", "MINE"}


@pytest.mark.usefixtures("busybox")
def test_without_a_network_there_is_none(make_docker_home):
    seen = look(make_docker_home, "  network: none\n")
    assert seen["link"] == ["lo"]
    assert "reached" not in seen
    assert "unreachable" in seen["net"][0]


@pytest.mark.usefixtures("busybox")
def test_closed_off_completely_it_is_nobody_and_writes_only_to_its_own_places(make_docker_home):
    seen = look(make_docker_home, "  network: none\n  read_only: true\n")
    assert seen["id"] == ["65534:65534"]
    assert writable(seen) == {"/tmp", "/workspace", "/run/pylon"}


def test_an_image_with_a_user_keeps_it(make_docker_home):
    image = make_image(Engine().path, "pylon-e2e/busybox-user:latest", user="agent")
    seen = look(make_docker_home, "  network: none\n  read_only: true\n", image=image)
    assert seen["id"] == ["1234:1234"]
    assert writable(seen) == {"/tmp", "/workspace", "/run/pylon"}


def test_a_command_runs_in_the_workspace_whatever_the_image_would_run(make_docker_home):
    image = make_image(Engine().path, "pylon-e2e/busybox-false:latest", entrypoint="false")
    home = home_that_runs(make_docker_home, "pwd", image=image).start()
    status, answer = home.post({"n": 1})
    assert status == 202
    assert home.wait_state(answer["job_id"])["result"] == "/workspace"


# What may differ from a container that was created with nothing but its image, and how.
EXPECTED = {
    "CapDrop": ["ALL"],
    "SecurityOpt": ["no-new-privileges:true"],
    "IpcMode": "private",
    "Init": True,
    "PidsLimit": 512,
    "Memory": 2 << 30,
    "MemorySwap": 2 << 30,
    "NanoCpus": 2 * 10**9,
    "ShmSize": 64 << 20,
    "NetworkMode": "bridge",
    "ExtraHosts": ["host.docker.internal:host-gateway"],
    "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    "Ulimits": [{"Name": "nofile", "Hard": 16384, "Soft": 16384},
                {"Name": "core", "Hard": 0, "Soft": 0}],
    "LogConfig": {"Type": "local", "Config": {"max-size": "64m", "max-file": "2",
                                              "compress": "false"}},
    "OomKillDisable": False,
}


def test_the_engine_was_asked_for_nothing_else(make_docker_home, engine, busybox):  # noqa: F811 pylint: disable=redefined-outer-name
    home = home_that_runs(make_docker_home, "sleep 30").start()
    home.post({"n": 1})
    found = wait_for(lambda: engine.containers(home), 20, "the container")
    ours = engine.call("GET", f"/v1.41/containers/{found[0]['Id']}/json")[1]
    plain_id = engine.call("POST", "/v1.41/containers/create", {
        "Image": busybox, "Cmd": ["true"]})[1]["Id"]
    try:
        engine.call("POST", f"/v1.41/containers/{plain_id}/start")
        plain = engine.call("GET", f"/v1.41/containers/{plain_id}/json")[1]
    finally:
        engine.call("DELETE", f"/v1.41/containers/{plain_id}?force=1")
    differing = {key: value for key, value in ours["HostConfig"].items()
                 if value != plain["HostConfig"].get(key)}
    mounts = differing.pop("Mounts")
    for key, value in differing.items():
        assert key in EXPECTED, (key, value)
        assert value == EXPECTED[key], key
    for key, value in EXPECTED.items():
        assert ours["HostConfig"][key] == value or (key == "OomKillDisable"), key
    assert not ours["HostConfig"]["Privileged"] and not ours["HostConfig"]["Binds"]
    assert all(m["Type"] == "bind" and m["BindOptions"]["Propagation"] == "rprivate" for m in mounts)
    assert all(m["Source"].startswith(home.dir) for m in mounts)


SEARCH = r"""
env; cat /proc/*/environ 2>/dev/null | tr '\0' '\n'
find / -xdev -type f -size -200k ! -path '/proc/*' ! -path '/sys/*' 2>/dev/null | while read -r f; do
	grep -F "$1" "$f" 2>/dev/null
done
"""


@pytest.mark.usefixtures("busybox")
def test_nothing_of_the_hosts_secrets_is_inside(make_docker_home):
    """Keys in the daemon's environment, in .env files and of other pylons are not to be found."""
    parts = [CANARY[:6], CANARY[6:]]  # the search must not find its own text
    script = f'set -- "{parts[0]}""{parts[1]}"\n{SEARCH}'
    home = home_that_runs(make_docker_home, script)
    home.write(".env", f"HOME_SECRET={CANARY}-home\n")
    home.write("pylons/hook/.env", f"OWN_SECRET={CANARY}-own\n")
    home.write("pylons/other/.env", f"OTHER_SECRET={CANARY}-other\n")
    home.write("pylons/other/pylon.yaml", "name: other\ntrigger:\n  type: manual\n"
               "workspace:\n  type: none\nagent:\n  type: mock\n")
    home.start(env={"DAEMON_SECRET": CANARY + "-daemon", "ANTHROPIC_API_KEY": CANARY + "-key"})
    status, answer = home.post({"n": 1})
    assert status == 202
    home.wait_state(answer["job_id"])
    log = home.cli("logs", answer["job_id"]).stdout
    assert "PROMPT=hello 1" in log  # it did look
    assert CANARY not in log
    # Known secrets would be masked: there is none but the run's own.
    assert all(line.startswith(("CALLBACK_URL=", "HOOKS_URL=")) for line in log.splitlines()
               if "<redacted>" in line), log


@pytest.mark.usefixtures("busybox")
def test_a_secret_that_was_given_is_nowhere_to_be_read_afterwards(make_docker_home, receiver):
    """However the agent prints it: not in the log, the database, the channel, our own output."""
    secret = "tok/3n+\"quoted\"-0123456789abcdef"
    script = r"""
echo "plain $THE_TOKEN"
printf '%s' "${THE_TOKEN%??????????}"; sleep 0.5; echo "${THE_TOKEN#"${THE_TOKEN%??????????}"}"
printf '%s' "xx${THE_TOKEN}yy" | base64
echo "{\"status\":\"completed\",\"output\":{\"result\":\"it is $(printf '%s' "$THE_TOKEN" | sed 's/"/\\"/g')\"}}" >/run/pylon/result.json
"""
    home = home_that_runs(
        make_docker_home, script, "  env:\n    THE_TOKEN: ${THE_TOKEN}\n",
        channel=f"  type: webhook\n  webhook:\n    url: {receiver.url}\n    allow_private: true\n")
    home.write("pylons/hook/.env", f"THE_TOKEN={secret}\n")
    home.start()
    status, answer = home.post({"n": 1})
    assert status == 202
    job = home.wait_state(answer["job_id"])
    assert (job["state"], job["result"]) == ("completed", "it is <redacted>"), job
    wait_for(lambda: receiver.got, 20, "the channel")
    log = home.cli("logs", job["id"]).stdout
    assert "plain <redacted>\n<redacted>\n" in log, log
    everything = [log.encode(), home.output().encode(), json.dumps(job).encode(),
                  receiver.got[0][1]]
    for name in ("jobs.db", "jobs.db-wal"):
        try:
            with open(home.path("pylons", "hook", name), "rb") as f:
                everything.append(f.read())
        except FileNotFoundError:
            pass
    core = b"0123456789abcdef"  # of the secret: whatever its ends were turned into
    coded = [base64.b64encode(core[i:i + 12]) for i in range(3)]
    for text in everything:
        assert core not in text
        for piece in coded:
            assert piece not in text

