# SPDX-License-Identifier: MIT
"""The whole flow with a real container engine: what a run gets, how it ends, who survives whom."""
import base64
import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import time

from harness import Engine, engine_socket, wait_for, wake_ups


def accept(home, body, delivery=None):
    status, answer = home.post(body, delivery)
    assert status == 202, answer
    return answer["job_id"]


def test_a_signed_webhook_becomes_a_container_run_and_its_result_is_printed(make_docker_home, engine):
    home = make_docker_home(prompt="mock:result the answer is {{ .body.n }}").start()
    job_id = accept(home, {"n": 42}, "d-1")
    job = home.wait_state(job_id)
    assert job["state"] == "completed", job
    assert job["result"] == "the answer is 42"
    assert job["exit_code"] == 0
    wait_for(lambda: "the answer is 42" in home.output(), 10, "the stdout channel")
    wait_for(lambda: engine.containers(home) == [], 10, "the container to go")
    log = home.cli("logs", job_id[:8]).stdout
    assert "mock agent: job " + job_id in log


def test_the_result_is_delivered_as_a_signed_webhook(make_docker_home, receiver):
    receiver.answers = [500, 200]
    secret = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
    home = make_docker_home(
        prompt="mock:result fine", channel=f"  type: webhook\n  webhook:\n    url: {receiver.url}\n"
        f"    secret: {secret}\n    allow_private: true\n").start()
    job_id = accept(home, {"n": 1})
    wait_for(lambda: len(receiver.got) == 2, 30, "the second attempt")
    (first, _), (headers, body) = receiver.got
    assert headers["webhook-id"] == first["webhook-id"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = hmac.new(b"0123456789abcdef0123456789abcdef", signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
    message = json.loads(body)
    assert message["type"] == "job.completed"
    assert message["data"]["id"] == job_id
    wait_for(lambda: home.rows("select state from deliveries") == [("sent",)], 10, "sent")


def test_a_run_outlives_the_daemon_and_is_adopted_with_its_whole_log(make_docker_home, engine):
    lines = "".join(f"mock:print line {i}\nmock:sleep 60\n" for i in range(40))
    home = make_docker_home(prompt=lines + "mock:result survived").start()
    job_id = accept(home, {"n": 1})
    home.wait_state(job_id, "running")
    for _ in range(3):
        time.sleep(0.3)
        home.kill9()
        assert [c["State"] for c in engine.containers(home)] == ["running"]
        home.start()
    job = home.wait_state(job_id)
    assert (job["state"], job["result"], job["attempt"]) == ("completed", "survived", 1)
    log = home.cli("logs", job_id).stdout
    got = [line for line in log.splitlines() if line.startswith("line ")]
    assert got == [f"line {i}" for i in range(40)]


def test_a_run_that_ended_while_nobody_looked_is_finished_from_its_exit_status(make_docker_home):
    home = make_docker_home(prompt="mock:sleep 400\nmock:result done alone\nmock:exit 0").start()
    job_id = accept(home, {"n": 1})
    home.wait_state(job_id, "running")
    home.kill9()
    time.sleep(1.2)
    home.start()
    job = home.wait_state(job_id)
    assert (job["state"], job["result"]) == ("completed", "done alone")


def test_sigterm_leaves_runs_alone_and_a_second_signal_stops_at_once(make_docker_home, engine):
    home = make_docker_home(prompt="mock:sleep 1500\nmock:result later").start()
    job_id = accept(home, {"n": 1})
    home.wait_state(job_id, "running")
    assert home.stop() == 0
    assert [c["State"] for c in engine.containers(home)] == ["running"]
    home.start()
    assert home.wait_state(job_id)["result"] == "later"


def test_on_stop_stop_ends_runs_within_the_grace(make_docker_home, engine):
    home = make_docker_home(prompt="mock:sleep 60000", config="daemon:\n  on_stop: stop\n"
                                                             "  grace: 5s\n").start()
    job_id = accept(home, {"n": 1})
    home.wait_state(job_id, "running")
    assert home.stop() == 0
    assert home.rows("select state, reason from jobs where id=?", job_id) == [
        ("failed", "interrupted")]
    assert [c["State"] for c in engine.containers(home)] in ([], ["exited"])


def test_an_agent_that_never_ends_is_timed_out(make_docker_home, engine):
    home = make_docker_home(prompt="mock:hang", agent="  timeout: 1s\n").start()
    job_id = accept(home, {"n": 1})
    job = home.wait_state(job_id, timeout=40)
    assert job["state"] == "timed_out", job
    wait_for(lambda: engine.containers(home) == [], 10, "the container to go")


def test_an_agent_over_its_memory_fails_as_oom(make_docker_home):
    home = make_docker_home(prompt="mock:alloc 200", agent="  memory: 64MiB\n").start()
    job = home.wait_state(accept(home, {"n": 1}))
    assert (job["state"], job["reason"]) == ("failed", "oom"), job


def test_a_fork_bomb_stops_at_its_limit_and_others_go_on(make_docker_home):
    home = make_docker_home(prompt="{{ .body.prompt }}", agent="  pids: 32\n").start()
    bomb = accept(home, {"prompt": "mock:fork 500\nmock:sleep 300"})
    other = accept(home, {"prompt": "mock:result unharmed"})
    assert home.wait_state(other)["result"] == "unharmed"
    home.wait_state(bomb)
    log = home.cli("logs", bomb).stdout
    forked = int(re.search(r"forked (\d+) of 500", log)[1])
    assert 20 <= forked < 32, log


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))


def test_fifty_megabytes_of_output_keep_head_and_tail_on_disk(make_docker_home):
    home = make_docker_home(
        prompt="mock:print the beginning\nmock:bytes 50000000\nmock:print the end").start()
    job_id = accept(home, {"n": 1})
    job = home.wait_state(job_id, timeout=120)
    assert job["state"] == "completed", job
    size = os.path.getsize(home.path("jobs", job_id + ".log"))
    assert 16 << 20 <= size <= 26 << 20
    log = home.cli("logs", job_id).stdout
    assert "the beginning" in log[:4000]
    assert "the end" in log[-4000:]
    assert "left out" in log or "omitted" in log or "..." in log


def test_one_line_of_ten_megabytes_without_a_newline_is_kept(make_docker_home):
    home = make_docker_home(prompt="mock:oneline 10000000").start()
    job_id = accept(home, {"n": 1})
    home.wait_state(job_id, timeout=120)
    with open(home.path("jobs", job_id + ".log"), "rb") as f:
        data = f.read()
    assert data.count(b"x") >= 9_900_000


def test_a_failing_agent_tells_why(make_docker_home):
    home = make_docker_home(prompt="{{ .body.prompt }}").start()
    failed = home.wait_state(accept(home, {"prompt": "mock:print on my way\nmock:stderr broken\n"
                                                     "mock:no-result\nmock:exit 3"}))
    assert (failed["state"], failed["exit_code"]) == ("failed", 3)
    assert "broken" in failed["error"]
    said = home.wait_state(accept(home, {"prompt": "mock:fail no key"}))
    assert (said["state"], said["error"]) == ("failed", "no key")
    line = home.wait_state(accept(home, {"prompt": "mock:json\nmock:result from stdout"}))
    assert (line["state"], line["result"]) == ("completed", "from stdout")


def test_kill_ends_a_run(make_docker_home, engine):
    home = make_docker_home(prompt="mock:sleep 60000").start()
    job_id = accept(home, {"n": 1})
    home.wait_state(job_id, "running")
    home.cli("kill", job_id[:8])
    assert home.wait_state(job_id, timeout=30)["state"] == "cancelled"
    wait_for(lambda: engine.containers(home) == [], 10, "the container to go")


def test_a_container_gets_hardened_defaults(make_docker_home, engine):
    home = make_docker_home(prompt="mock:sleep 3000", agent="  memory: 128MiB\n").start()
    job_id = accept(home, {"n": 1})
    home.wait_state(job_id, "running")
    (found,) = engine.containers(home)
    _, c = engine.call("GET", f"/v1.41/containers/{found['Id']}/json")
    host = c["HostConfig"]
    assert host["CapDrop"] == ["ALL"] and not host["CapAdd"] and not host["Privileged"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"] or \
        host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Memory"] == 128 << 20 and host["MemorySwap"] == 128 << 20
    assert host["PidsLimit"] == 512 and host["NanoCpus"] == 2_000_000_000
    assert host["Init"] is True and host["AutoRemove"] is False
    assert host["RestartPolicy"]["Name"] in ("", "no")
    assert "docker.sock" not in json.dumps(host)
    labels = c["Config"]["Labels"]
    assert labels["pylon.job"] == job_id and labels["pylon.run"] and labels["pylon.home"]
    writable = {m["Destination"] for m in c["Mounts"] if m["RW"]}
    assert writable == {"/workspace", "/run/pylon"}
    home.cli("kill", job_id)


def test_orphans_of_finished_jobs_are_removed_and_foreign_containers_are_not(make_docker_home,
                                                                            engine):
    home = make_docker_home(prompt="mock:sleep 200").start()
    job_id = accept(home, {"n": 1})
    home.wait_state(job_id)
    home.stop()
    (run_id,) = home.rows("select id from runs")[0]
    with open(home.path(".id"), encoding="ascii") as f:
        home_id = f.read().strip()

    def create(name, labels):
        status, made = engine.call("POST", "/v1.41/containers/create?name=" + name,
                                   {"Image": "pylon/agent-mock", "Labels": labels})
        assert status == 201, made
        return made["Id"]
    orphan = create("t-orphan-" + home_id[:8], {"pylon.home": home_id, "pylon.job": job_id,
                                                "pylon.run": run_id})
    unknown = create("t-unknown-" + home_id[:8],
                     {"pylon.home": home_id, "pylon.job": "0" * 8 + job_id[8:],
                      "pylon.run": "0" * 8 + run_id[8:]})
    foreign = create("t-foreign-" + home_id[:8], {"pylon.job": job_id, "pylon.run": run_id,
                                                  "pylon.home": "somebody-else"})
    try:
        home.start()
        wait_for(lambda: orphan not in [c["Id"] for c in engine.containers(home)], 10,
                 "the orphan to go")
        assert unknown in [c["Id"] for c in engine.containers(home)]
        assert engine.call("GET", f"/v1.41/containers/{foreign}/json")[0] == 200
    finally:
        for c in (unknown, foreign):
            engine.call("DELETE", f"/v1.41/containers/{c}?force=1")


def test_reject_refuses_the_next_event_when_all_slots_are_taken(make_docker_home):
    home = make_docker_home(prompt="mock:sleep 1500", max_concurrent=2,
                            when_full="reject").start()
    first = [accept(home, {"n": i}, f"d-{i}") for i in range(2)]
    status, answer = home.post({"n": 2}, "d-2")
    assert (status, answer["code"]) == (503, "full")
    rejected = home.rows("select id, state from jobs where delivery_id='d-2'")
    assert [r[1] for r in rejected] == ["rejected"]
    for job_id in first:
        home.wait_state(job_id)
    status, answer = home.post({"n": 2}, "d-2")
    assert (status, answer["job_id"]) == (202, rejected[0][0])
    assert home.wait_state(answer["job_id"])["state"] == "completed"


def test_a_missing_image_is_built_and_a_foreign_one_makes_the_pylon_not_ready(make_docker_home,
                                                                             engine):
    engine.call("DELETE", "/v1.41/images/pylon/agent-mock?force=1")
    home = make_docker_home(prompt="mock:result built")
    home.write("pylons/other/pylon.yaml", """name: other
created: 2026-01-01T00:00:00Z
trigger:
  type: webhook
  path: /other
workspace:
  type: none
channel:
  type: stdout
agent:
  type: command
  image: pylon-test/no-such-image
  command: ["/bin/true"]
""")
    home.start()
    assert engine.call("GET", "/v1.41/images/pylon/agent-mock/json")[0] == 200
    assert "1 pylon active" in home.output()
    assert "other                    not ready" in home.output()
    assert home.wait_state(accept(home, {"n": 1}))["result"] == "built"
    status, answer = home.post({"n": 1}, path="/other")
    assert status == 202
    job = home.wait_state(answer["job_id"])
    assert (job["state"], job["reason"]) == ("failed", "no_image")


def start_private_engine(folder):
    """A second dockerd, to be stopped and killed; None where none can be started."""
    os.makedirs(folder, exist_ok=True)
    sock = os.path.join(folder, "d.sock")
    log = open(os.path.join(folder, "log"), "ab")
    p = subprocess.Popen(["dockerd", "--data-root", folder + "/data", "--exec-root",
                          folder + "/exec", "-H", "unix://" + sock, "--pidfile", folder + "/pid",
                          "--bridge", "none", "--iptables=false"], stdout=log, stderr=log)
    e = Engine()
    e.path = sock

    def answers():
        try:
            return e.call("GET", "/_ping")[0] == 200
        except OSError:
            return False
    wait_for(answers, 60, "the private engine")
    return p, e, "unix://" + sock


def stop_engine(p):
    p.send_signal(signal.SIGTERM)
    p.wait(60)


def test_an_engine_restart_interrupts_runs_and_queued_jobs_start_when_it_is_back(make_home):
    import shutil
    import tempfile
    folder = tempfile.mkdtemp(prefix="pe-", dir="/tmp")
    p, e, url = start_private_engine(folder)
    home = None
    try:
        home = make_home(docker=url, prompt="{{ .body.prompt }}", agent="  network: none\n")
        home.start()
        running = accept(home, {"prompt": "mock:hang"})
        home.wait_state(running, "running")
        stop_engine(p)
        waiting = accept(home, {"prompt": "mock:result waited"})
        wait_for(lambda: "does not answer" in json.dumps(home.job(waiting)), 20, "the reason")
        assert home.job(waiting)["state"] == "queued"
        p, e, _ = start_private_engine(folder)
        job = home.wait_state(running, timeout=60)
        assert (job["state"], job["reason"]) == ("failed", "interrupted"), job
        assert home.wait_state(waiting, timeout=60)["result"] == "waited"
    finally:
        if home:
            home.stop()
        stop_engine(p)
        shutil.rmtree(folder, ignore_errors=True)


def test_idle_beside_an_engine_means_no_wake_ups(make_docker_home, engine):
    home = make_docker_home(prompt="mock:result done").start()
    home.wait_state(accept(home, {"n": 1}))
    wait_for(lambda: engine.containers(home) == [], 10, "the container to go")
    time.sleep(6)  # the first housekeeping is over
    before = wake_ups(home.process.pid)
    time.sleep(4)
    assert wake_ups(home.process.pid) - before <= 2


def test_a_container_removed_by_hand_is_reported_lost(make_docker_home, engine):
    home = make_docker_home(prompt="mock:sleep 60000").start()
    job_id = accept(home, {"n": 1})
    home.wait_state(job_id, "running")
    (found,) = engine.containers(home)
    engine.call("DELETE", f"/v1.41/containers/{found['Id']}?force=1")
    job = home.wait_state(job_id, timeout=30)
    assert job["state"] in ("lost", "failed"), job
    assert engine_socket()
