# SPDX-License-Identifier: MIT
"""The engine in trouble: restarted, killed, frozen, out of reach, full; containers that vanish or
leave something behind. Each job ends in a recorded state, and its slot is free afterwards."""
import json
import os
import signal
import subprocess
import time

import pytest

from busybox import IMAGE, busybox, make_image  # noqa: F401 pylint: disable=unused-import
from harness import OVER, wait_for
from own_engine import gate, own_engine, processes_of  # noqa: F401 pylint: disable=unused-import

OFFLINE = "  network: none\n"


def shell(script):
    """A pylon's agent: this script, in the small image."""
    return f"  image: {IMAGE}\n  command: {json.dumps(['/bin/sh', '-c', script])}\n"


def accept(home, body=None):
    """Accepted at once, whatever the engine does."""
    since = time.monotonic()
    status, answer = home.post(body or {"n": 1})
    assert status == 202, answer
    assert time.monotonic() - since < 2
    return answer["job_id"]


def wait_running(home, job_id):
    job = home.wait_state(job_id, "running", *OVER)
    assert job["state"] == "running", (job, home.output())


def assert_all_slots_are_free(home, count=2):
    """As many jobs as there are slots run side by side: each waits for the other."""
    jobs = [accept(home, {"prompt": "mock:sleep 700\nmock:result late"}) for _ in range(count)]
    wait_for(lambda: all(home.job(j)["state"] == "running" for j in jobs), 20, "all to run at once")
    for job_id in jobs:
        assert home.wait_state(job_id)["state"] == "completed"


# --- restarted ---

LINES = 60
TALK = "".join(f"mock:print line {i}\nmock:sleep 60\n" for i in range(LINES)) + "mock:result said"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_goes_on_when_its_engine_is_restarted_with_live_restore(make_home, own_engine, how):  # noqa: F811
    e = own_engine("--live-restore")
    home = make_home(docker=e.url, prompt=TALK, agent=OFFLINE).start()
    job_id = accept(home)
    wait_running(home, job_id)
    wait_for(lambda: "line 5\n" in home.cli("logs", job_id).stdout, 20, "some output")
    e.end(how)
    e.start()
    job = home.wait_state(job_id, timeout=40)
    assert (job["state"], job["result"], job["attempt"]) == ("completed", "said", 1), job
    log = home.cli("logs", job_id).stdout
    said = [line for line in log.splitlines() if line.startswith("line ")]
    assert said == [f"line {i}" for i in range(LINES)]
    assert home.rows("select count(*) from runs") == [(1,)]
    wait_for(lambda: e.engine.containers(home) == [], 20, "the container to go")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_died_with_its_engine_is_retried_when_that_is_back(make_home, own_engine, how):  # noqa: F811
    e = own_engine()
    make_image(e.socket)
    script = 'if [ "$ATTEMPT" = 1 ]; then exec sleep 600; fi; echo again'
    home = make_home(docker=e.url, agent_type="command", max_concurrent=1,
                     agent=shell(script) + OFFLINE + "  retries: 1\n  retry_backoff: 1s\n").start()
    job_id = accept(home)
    wait_running(home, job_id)
    e.end(how)
    e.start()
    wait_for(lambda: home.job(job_id)["attempt"] == 2, 30, "the second attempt")
    job = home.wait_state(job_id)
    assert job["state"] == "completed", job
    assert home.rows("select reason from runs order by attempt limit 1") == [("interrupted",)]
    wait_for(lambda: e.engine.containers(home) == [], 20, "the containers to go")


# --- out of reach ---

def test_a_frozen_engine_costs_nobody_anything_but_time(make_home, own_engine):  # noqa: F811
    e = own_engine()
    home = make_home(docker=e.url, prompt="{{ .body.prompt }}", agent=OFFLINE).start()
    running = accept(home, {"prompt": "mock:sleep 2000\nmock:result ran on"})
    wait_running(home, running)
    e.freeze()
    waiting = [accept(home, {"prompt": f"mock:result {i}"}) for i in range(3)]
    end = time.monotonic() + 13  # longer than a call is waited for
    while time.monotonic() < end:
        waiting.append(accept(home, {"prompt": f"mock:result {len(waiting)}"}))
        assert home.is_healthy()
        time.sleep(1)
    e.thaw()
    job = home.wait_state(running, timeout=40)
    assert (job["state"], job["result"]) == ("completed", "ran on")
    for i, job_id in enumerate(waiting):
        job = home.wait_state(job_id, timeout=60)
        assert (job["state"], job["result"]) == ("completed", str(i)), job
    # What was asked for while it was frozen was not done twice.
    assert home.rows("select max(n) from (select count(*) as n from runs where started_at > 0 "
                     "group by job_id)") == [(1,)]
    assert_all_slots_are_free(home)
    wait_for(lambda: e.engine.containers(home) == [], 20, "the containers to go")


def test_a_socket_that_is_gone_for_some_seconds_only_delays(make_home, gate, engine):  # noqa: F811
    home = make_home(docker=gate.url, prompt="{{ .body.prompt }}").start()
    running = accept(home, {"prompt": "mock:sleep 1500\nmock:result ran on"})
    wait_running(home, running)
    gate.shut()
    waiting = accept(home, {"prompt": "mock:result waited"})
    wait_for(lambda: "no such socket" in json.dumps(home.job(waiting)), 20, "the reason")
    time.sleep(3)
    assert home.job(waiting)["state"] == "queued"
    assert home.job(running)["state"] == "running"
    gate.open()
    assert home.wait_state(waiting, timeout=40)["result"] == "waited"
    job = home.wait_state(running, timeout=40)
    assert (job["state"], job["result"], job["attempt"]) == ("completed", "ran on", 1)
    assert_all_slots_are_free(home)
    wait_for(lambda: engine.containers(home) == [], 20, "the containers to go")


# --- full ---

def test_a_full_disk_of_the_engine_is_told_and_is_not_for_ever(make_home, own_engine):  # noqa: F811
    def small_disk(e):
        os.mkdir(e.data)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", e.data], check=True)
    # Whole copies: a container needs as much as its image.
    e = own_engine("--storage-driver", "vfs", prepare=small_disk)
    home = make_home(docker=e.url, prompt="mock:result fine", agent=OFFLINE).start()
    assert home.wait_state(accept(home))["result"] == "fine"
    wait_for(lambda: e.engine.containers(home) == [], 20, "the container to go")
    ballast = os.path.join(e.data, "ballast")
    subprocess.run(["sh", "-c", 'cat /dev/zero >"$0" 2>/dev/null', ballast], check=False)
    job = home.wait_state(accept(home), timeout=40)
    assert (job["state"], job["reason"]) == ("failed", "no_space"), job
    assert "no space left on device" in job["error"]
    # An image of ours cannot be built there either.
    e.engine.call("DELETE", "/v1.41/images/pylon/agent-mock?force=1")
    subprocess.run(["sh", "-c", 'cat /dev/zero >"$0" 2>/dev/null', ballast + "2"], check=False)
    job = home.wait_state(accept(home), timeout=40)
    assert (job["state"], job["reason"]) == ("failed", "no_space"), job
    os.unlink(ballast)
    os.unlink(ballast + "2")
    assert home.wait_state(accept(home), timeout=40)["result"] == "fine"


# --- by hand ---

def test_a_container_removed_by_hand_is_lost_and_frees_its_slot(make_docker_home, engine):
    home = make_docker_home(prompt="{{ .body.prompt }}", max_concurrent=1).start()
    job_id = accept(home, {"prompt": "mock:print was here\nmock:sleep 60000"})
    wait_running(home, job_id)
    waiting = accept(home, {"prompt": "mock:result next"})
    wait_for(lambda: "was here" in home.cli("logs", job_id).stdout, 10, "its output")
    (found,) = engine.containers(home)
    engine.call("DELETE", f"/v1.41/containers/{found['Id']}?force=1")
    job = home.wait_state(job_id, timeout=30)
    assert (job["state"], job["reason"]) == ("lost", "container_gone"), job
    assert "was here" in home.cli("logs", job_id).stdout
    assert home.wait_state(waiting)["result"] == "next"


def test_an_image_removed_while_its_job_is_queued_is_made_again(make_docker_home, engine):
    home = make_docker_home(prompt="{{ .body.prompt }}", max_concurrent=1).start()
    first = accept(home, {"prompt": "mock:sleep 1000\nmock:result first"})
    wait_running(home, first)
    queued = accept(home, {"prompt": "mock:result second"})
    # The container of the first keeps what it runs from, but its name is gone.
    status, answer = engine.call("DELETE", "/v1.41/images/pylon/agent-mock?force=1")
    assert status == 200, answer
    assert home.wait_state(first)["result"] == "first"
    assert home.wait_state(queued, timeout=40)["result"] == "second"
    assert "image pylon/agent-mock is built" in home.output()


# --- what a run leaves behind ---

def test_what_daemonized_itself_ends_with_its_run(make_docker_home, busybox, engine):  # noqa: F811
    nap = 100000 + os.getpid()
    script = (f"for i in 1 2 3; do setsid setsid sleep {nap} </dev/null >/dev/null 2>&1 & done; "
              f"(trap '' TERM HUP; exec setsid sleep {nap}) & sleep 0.3; echo left behind")
    home = make_docker_home(agent_type="command", agent=shell(script), max_concurrent=1).start()
    for _ in range(2):  # the second gets the slot of the first
        job = home.wait_state(accept(home), timeout=40)
        assert (job["state"], job["exit_code"]) == ("completed", 0), job
    wait_for(lambda: engine.containers(home) == [], 20, "the containers to go")
    assert processes_of(f"sleep\0{nap}") == []


# --- starting ---

def starts_and_creations(engine, home, since):
    """(what, container) of all containers of this home, in their order."""
    with open(home.path(".id"), encoding="ascii") as f:
        label = "pylon.home=" + f.read().strip()
    filters = json.dumps({"label": [label], "event": ["create", "start"]})
    done = subprocess.run(
        ["curl", "-sSG", "--unix-socket", engine.path, "http://engine/v1.41/events",
         "-d", f"since={since}", "-d", f"until={int(time.time()) + 1}",
         "--data-urlencode", "filters=" + filters], capture_output=True, text=True, check=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return [(e["Action"], e["Actor"]["ID"]) for e in events]


def test_max_starting_bounds_how_many_containers_are_being_started(make_docker_home, engine):
    home = make_docker_home(prompt="mock:sleep 300\nmock:result {{ .body.n }}", max_concurrent=6,
                            config="  max_starting: 1\n").start()
    since = int(time.time())
    for job_id in [accept(home, {"n": n}) for n in range(6)]:
        assert home.wait_state(job_id)["state"] == "completed"
    events = starts_and_creations(engine, home, since)
    assert len(events) == 12
    for (first, created), (second, started) in zip(events[::2], events[1::2]):
        assert (first, second) == ("create", "start")
        assert created == started
