# SPDX-License-Identifier: MIT
"""kill -9 of the daemon and of the container engine in the middle of ten runs of Claude Code."""
import signal
import sqlite3
import subprocess

from agents import base, make_agent_home, models  # noqa: F401 pylint: disable=unused-import
from harness import Engine, wait_for
from own_engine import own_engine  # noqa: F401 pylint: disable=unused-import

IMAGE = "pylon/agent-claude"
RUNS = 10


def copy_image(source, target):
    """From one engine to another, as it is."""
    with subprocess.Popen(["curl", "-sS", "--fail", "--unix-socket", source,
                           f"http://engine/v1.41/images/{IMAGE}/get"], stdout=subprocess.PIPE) as get:
        put = subprocess.run(["curl", "-sS", "--fail-with-body", "--unix-socket", target, "-X", "POST",
                              "-H", "Content-Type: application/x-tar", "-T", "-",
                              "http://engine/v1.41/images/load"],
                             stdin=get.stdout, capture_output=True, check=False)
    assert put.returncode == 0, put.stdout + put.stderr


def assert_sound(home):
    db = sqlite3.connect(home.path("pylons", "hook", "jobs.db"))
    try:
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
    finally:
        db.close()


def kill_in_the_middle(home, e, models, goes_on):  # noqa: F811 pylint: disable=redefined-outer-name
    """Ten runs are asking their model when everything is killed; answers come when it is back, or
    before if the runs go on meanwhile. The ids of their jobs."""
    asked = len(models.questions())
    models.hang()
    jobs = [home.post({"prompt": f"say {i}"}, f"d-{i}")[1]["job_id"] for i in range(RUNS)]
    wait_for(lambda: len(models.questions()) >= asked + RUNS, 120, "all ten to ask")
    assert len(e.engine.containers(home)) == RUNS
    home.kill9()
    e.end(signal.SIGKILL)
    if goes_on:
        models.resume()
    e.start()
    models.resume()
    home.start()
    return jobs


def assert_honest(home, e, jobs, attempts):
    for i, job_id in enumerate(jobs):
        job = home.wait_state(job_id, "completed", "failed", "lost", "timed_out", timeout=120)
        assert (job["state"], job["result"]) == ("completed", f"You said: say {i}"), job
        assert job["attempt"] == attempts
        assert home.post({"prompt": f"say {i}"}, f"d-{i}")[1] == {
            "job_id": job_id, "status": "duplicate"}
    assert home.rows("select count(*) from jobs") == [(RUNS,)]
    assert home.rows("select count(*) from runs where state not in ('exited', 'lost')") == [(0,)]
    wait_for(lambda: e.engine.containers(home) == [], 30, "the containers to go")
    assert home.stop() == 0
    assert_sound(home)


def test_ten_runs_go_on_or_are_done_once_more(make_agent_home, make_home, own_engine, models):  # noqa: F811 pylint: disable=redefined-outer-name
    make_agent_home("claude", env={"ANTHROPIC_API_KEY": "none"}).stop()  # has the image built
    e = own_engine("--live-restore")
    copy_image(Engine().path, e.socket)

    def begin():
        return make_home(
            docker=e.url, agent_type="claude", prompt="{{ .body.prompt }}", max_concurrent=RUNS,
            agent="  network: host\n  api_key: sk-ant-test-0123456789\n  retries: 1\n"
                  "  retry_backoff: 1s\n  timeout: 5m\n  env:\n"
                  f"    ANTHROPIC_BASE_URL: http://127.0.0.1:{models.port}\n").start()
    home = begin()
    jobs = kill_in_the_middle(home, e, models, goes_on=True)
    assert_honest(home, e, jobs, attempts=1)

    e.options = []
    e.end()
    e.start()
    home = begin()
    jobs = kill_in_the_middle(home, e, models, goes_on=False)
    assert_honest(home, e, jobs, attempts=2)
    # The engine ended the first ones at its start: they had the time to say so, or not.
    reasons = home.rows("select distinct reason from runs where attempt = 1")
    assert set(reasons) <= {("agent",), ("interrupted",)}, reasons
