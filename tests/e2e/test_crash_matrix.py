# SPDX-License-Identifier: MIT
"""The daemon dies at every failpoint, with a real container engine; afterwards all promises hold.

A sender that remembers every 202 repeats what was not acknowledged, as real senders do. After the
restart: every acknowledged job is there once (I1-I3), no job ever had two living containers (I4),
each job ended completed exactly once and its result arrived (I5)."""
import json
import os
import subprocess
import threading
import time

import pytest

from harness import PYLON, Ledger, Receiver, wait_for


# Only the occurrences of a schedule pass these; the end-to-end tests of schedules die there.
OF_SCHEDULES = {"occur_before", "occur_after"}


def failpoints():
    text = subprocess.run([PYLON, "version", "--json"], capture_output=True, text=True,
                          check=True).stdout
    names = json.loads(text)["failpoints"]
    assert len(names) >= 29, names
    assert OF_SCHEDULES <= set(names), names
    return [name for name in names if name not in OF_SCHEDULES]


class Watch(threading.Thread):
    """Asks the engine all the time how many containers of one job are alive."""

    def __init__(self, engine, home):
        super().__init__(daemon=True)
        self.engine, self.home = engine, home
        self.most = 0
        self.is_over = False

    def run(self):
        while not self.is_over:
            alive = {}
            for c in self.engine.containers(self.home):
                if c["State"] == "running":
                    job = c["Labels"]["pylon.job"]
                    alive[job] = alive.get(job, 0) + 1
            self.most = max([self.most, *alive.values()])
            time.sleep(0.03)


PROMPT = ("mock:print working\nmock:callback\nmock:sleep 150\n"
          "mock:result the answer is {{ .body.n }}\n")


def finish_all(home, ledger, count):
    """Restarted for good: what was not acknowledged is sent again, and everything ends."""
    for i in range(count):
        wait_for(lambda i=i: ledger.send(f"d-{i}", {"n": i}), 30, "an acknowledgement")
    wait_for(lambda: home.rows("select count(*) from jobs where state='completed'") == [(count,)],
             60, "all jobs to complete")
    wait_for(lambda: home.rows("select count(*) from deliveries where state='sent'") == [(count,)],
             60, "all results to be delivered")


def check_all(home, ledger, receiver, watch, engine, count):
    ledger.check()
    assert len(ledger.accepted) == count
    assert home.rows("select count(*) from jobs") == [(count,)]
    assert watch.most <= 1, "two containers of one job were alive at once"
    told = {}
    for _, body in receiver.got:
        data = json.loads(body)["data"]
        told.setdefault(data["id"], []).append(data)
    for (job_id,) in home.rows("select id from jobs"):
        assert 1 <= len(told[job_id]) <= 2, told[job_id]
    living = home.rows("select count(*) from runs where state not in ('exited','lost')")
    assert living == [(0,)]
    wait_for(lambda: engine.containers(home) == [], 20, "the containers to be removed")
    assert home.rows("pragma integrity_check") == [("ok",)]
    assert [n for n in os.listdir(home.path("jobs")) if n.endswith(".run")] == []


@pytest.mark.parametrize("name", failpoints())
def test_promises_hold_when_the_daemon_dies_at(name, make_docker_home, engine):
    receiver = Receiver()
    home = make_docker_home(
        prompt=PROMPT, agent="  network: host\n",
        channel=f"  type: webhook\n  webhook:\n    url: {receiver.url}\n"
                "    allow_private: true\n")
    ledger = Ledger(home)
    watch = Watch(engine, home)
    home.start(failpoint=name + ":1")
    watch.start()
    count = 2
    for i in range(count):
        ledger.send(f"d-{i}", {"n": i})
    wait_for(lambda: home.process.poll() is not None, 30, f"the daemon to die at {name}")
    assert home.process.returncode == -9, home.output()[-2000:]
    home.start()
    finish_all(home, ledger, count)
    watch.is_over = True
    watch.join()
    check_all(home, ledger, receiver, watch, engine, count)
    assert home.stop() == 0
    receiver.close()


def test_promises_hold_under_random_kills_and_load(make_docker_home, engine):
    """Blind kills: eight deliveries, a kill every few hundred milliseconds."""
    import random

    seed = int(os.environ.get("SEED", "7"))
    print("seed", seed)
    random.seed(seed)
    receiver = Receiver()
    home = make_docker_home(
        prompt=PROMPT, agent="  network: host\n",
        channel=f"  type: webhook\n  webhook:\n    url: {receiver.url}\n"
                "    allow_private: true\n")
    ledger = Ledger(home)
    watch = Watch(engine, home)
    watch.start()
    count = 8
    for _ in range(8):
        home.start()
        for i in range(count):
            if f"d-{i}" not in ledger.accepted or random.random() < 0.3:
                ledger.send(f"d-{i}", {"n": i})
        time.sleep(random.uniform(0.05, 0.8))
        home.kill9()
    home.start()
    finish_all(home, ledger, count)
    watch.is_over = True
    watch.join()
    ledger.check()
    assert watch.most <= 1
    assert home.stop() == 0
    receiver.close()
