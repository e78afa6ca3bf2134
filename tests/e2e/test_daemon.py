# SPDX-License-Identifier: MIT
"""The daemon without a container engine: doors, locks, limits, full disks, busy databases."""
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import pytest

from harness import PYLON, wait_for, wake_ups


def test_the_banner_is_that_of_the_documentation(make_home):
    home = make_home()
    home.write("pylons/manual/pylon.yaml", "name: manual\ncreated: 2026-01-01T00:00:00Z\n"
               "trigger:\n  type: manual\nworkspace:\n  type: none\nchannel:\n  type: stdout\n"
               "agent:\n  type: mock\n  prompt: x\n")
    home.start()
    out = wait_for(lambda: "listening on" in home.output() and home.output(), 10)
    assert "\nPowering up pylons...\n" in out
    assert "\n  hook                     ok  webhook /hook\n" in out
    assert f"\n2 pylons active -- listening on 0.0.0.0:{home.port}\n" in out


def test_only_the_named_pylons_start(make_home):
    home = make_home()
    home.write("pylons/two/pylon.yaml", "name: two\ncreated: 2026-01-01T00:00:00Z\n"
               "trigger:\n  type: webhook\n  path: /two\nworkspace:\n  type: none\n"
               "channel:\n  type: stdout\nagent:\n  type: mock\n  prompt: x\n")
    home.start(args=["two"])
    assert home.post({}, path="/two")[0] == 202
    assert home.post({}, path="/hook")[0] == 404
    home.stop()
    home.start(args=["nobody"], wait=False)
    assert home.process.wait(10) == 1
    assert "no pylon named nobody" in home.output()
    home.write("pylons/bad/pylon.yaml", "name: bad\ntrigger:\n  type: webhok\n")
    before = len(home.output())
    home.start(args=["two"])
    assert "bad                      not ready" not in home.output()[before:]


def test_with_no_pylons_it_says_so_and_keeps_running(make_home):
    home = make_home()
    shutil.rmtree(home.path("pylons", "hook"))
    home.start()
    assert "No pylons yet" in home.output()
    assert json.loads(home.cli("status", "--json").stdout)["running"] is True


def test_a_second_daemon_exits_with_the_pid_of_the_first(make_home):
    home = make_home().start()
    first = home.process
    r = subprocess.run([PYLON, "start"], env=dict(os.environ, PYLON_HOME=home.dir, HOME=home.dir),
                       capture_output=True, text=True, timeout=10, check=False)
    assert r.returncode == 1
    assert str(first.pid) in r.stderr
    assert first.poll() is None
    with open(home.path("daemon", "lock"), "w", encoding="ascii") as f:
        f.write("1\n")
    home.kill9()
    home.start()  # a stale pid in the file means nothing


def test_a_closed_stdout_gets_no_words_meant_for_it(make_home):
    """Without a stdout the next file opened would become it: the lock, or a socket."""
    home = make_home(channel="  type: stdout\n  approval: true\n")
    home.start(preexec=lambda: [os.close(fd) for fd in (0, 1, 2)])
    assert home.post({"n": 1})[0] == 202

    def told():
        sent = json.loads(home.cli("deliveries", "--json").stdout)["items"][0]
        return sent if sent["attempt"] > 0 else None
    delivery = wait_for(told, 10)
    assert (delivery["state"], delivery["error"]) == ("pending", "stdout is closed")
    with open(home.path("daemon", "lock"), encoding="utf-8") as f:
        assert f.read().strip() == str(home.process.pid)


def test_messages_of_all_pylons_are_listed_newest_first(make_home):
    home = make_home(channel="  type: stdout\n  approval: true\n")
    with open(home.path("pylons", "hook", "pylon.yaml"), encoding="utf-8") as f:
        text = f.read()
    home.write("pylons/also/pylon.yaml", text.replace("name: hook", "name: also")
               .replace("/hook", "/also"))
    home.start()
    for path in ("/hook", "/also", "/hook", "/also"):
        assert home.post({}, path=path)[0] == 202
    items = json.loads(home.cli("deliveries", "--json").stdout)["items"]
    assert [d["pylon"] for d in items] == ["also", "hook", "also", "hook"]
    items = json.loads(home.cli("deliveries", "--json", "--limit", "1").stdout)["items"]
    assert [d["pylon"] for d in items] == ["also"]


def test_the_table_of_jobs_stays_in_line(make_home):
    home = make_home(channel="  type: stdout\n  approval: true\n")
    home.start()
    assert home.post({})[0] == 202
    header, row = home.cli("jobs").stdout.splitlines()
    assert "awaiting_approval" in row
    assert row[header.index("DURATION"):] == "--"


def test_a_broken_database_is_told_once(make_home):
    home = make_home()
    home.write("pylons/hook/jobs.db", "this is no database " * 1000)
    home.start()
    for _ in range(3):
        assert home.post({})[0] == 503
    home.cli("jobs")
    assert home.output().count("error [engine] hook: database") == 1, home.output()


def test_help_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "wb") as full:
        r = subprocess.run([PYLON, "--help"], stdout=full, stderr=subprocess.PIPE, timeout=10,
                           check=False)
    assert r.returncode == 1


def test_an_unusable_configuration_is_refused_with_its_place(make_home):
    home = make_home(config="  queue_limt: 5\n")
    home.start(wait=False)
    assert home.process.wait(10) == 78
    assert re.search(r"config\.yaml:\d+:\d+: .*queue_limt", home.output()), home.output()
    assert "queue_limit" in home.output()


def test_a_broken_pylon_does_not_take_the_others_with_it(make_home):
    home = make_home()
    home.write("pylons/bad/pylon.yaml", "name: bad\ntrigger:\n  type: webhok\n")
    home.start()
    assert "bad                      not ready" in home.output()
    assert home.post({"n": 1})[0] == 202


def test_accepted_jobs_survive_kill_9(make_home):
    home = make_home().start()
    ids = [home.post({"n": i}, f"d-{i}")[1]["job_id"] for i in range(20)]
    home.kill9()
    home.start()
    assert "recovered 20 pending jobs" in home.output()
    assert {r[0] for r in home.rows("select id from jobs where state='queued'")} == set(ids)
    assert home.post({"n": 3}, "d-3") == (200, {"job_id": ids[3], "status": "duplicate"})


def test_sixty_four_senders_of_one_delivery_make_one_job(make_home):
    home = make_home().start()
    answers = []

    def send():
        answers.append(home.post({"n": 1}, "same"))
    threads = [threading.Thread(target=send) for _ in range(64)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted({a[0] for a in answers}) in ([200, 202], [202])
    assert [a[0] for a in answers].count(202) == 1
    assert len({a[1]["job_id"] for a in answers}) == 1
    assert home.rows("select count(*) from jobs") == [(1,)]


@pytest.mark.parametrize("size,status", [(-1, 202), (0, 202), (1, 413)])
def test_a_body_is_limited_to_server_max_body(make_home, size, status):
    home = make_home(trigger="  max_body: 64KiB\n").start()
    raw = b'{"a":"' + b"x" * ((64 << 10) + size - 8) + b'"}'
    assert len(raw) == (64 << 10) + size
    assert home.post(None, raw=raw)[0] == status


def test_refusals_have_a_stable_code(make_home):
    home = make_home().start()
    cases = [
        (dict(raw=b"{"), 400, "invalid_json"),
        (dict(raw=b'{"a":"\xff"}'), 400, "invalid_utf8"),
        (dict(raw=b"[1]"), 400, "not_object"),
        (dict(raw=b'{"a":' + b"[" * 200 + b"]" * 200 + b"}"), 400, "too_deep"),
        (dict(body={}, headers={"X-Hub-Signature-256": "sha256=00"}), 401, "unauthorized"),
        (dict(body={}, path="/nowhere"), 404, "not_found"),
        (dict(body={}, headers={"Content-Type": "image/png"}), 415, "unsupported_type"),
        (dict(body={}, headers={"Content-Encoding": "gzip"}), 415, "unsupported_type"),
    ]
    for kw, status, code in cases:
        got = home.post(kw.pop("body", None), **kw)
        assert (got[0], got[1].get("code")) == (status, code), (kw, got)
    assert home.rows("select count(*) from jobs") in ([(0,)], [])


def test_get_on_a_webhook_is_405_and_the_old_probe_is_answered(make_home):
    home = make_home().start()
    for path, allow in (("/hook", "POST"), ("/callback/doctor-ping", "POST")):
        with socket.create_connection(("127.0.0.1", home.port)) as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            text = b""
            while chunk := s.recv(4096):
                text += chunk
        assert text.startswith(b"HTTP/1.1 405 "), text
        assert b"Allow: " + allow.encode() in text


def test_a_database_locked_by_another_program_is_waited_for_then_answered_503(make_home):
    home = make_home().start()
    assert home.post({"n": 0})[0] == 202
    db = sqlite3.connect(home.path("pylons", "hook", "jobs.db"), isolation_level=None)
    db.execute("begin immediate")
    started = time.monotonic()
    status, answer = home.post({"n": 1}, "late")
    assert (status, answer["code"]) == (503, "store_unavailable")
    assert 1.5 < time.monotonic() - started < 8
    short = threading.Timer(0.4, lambda: None)
    result = []
    t = threading.Thread(target=lambda: result.append(home.post({"n": 2}, "patient")))
    t.start()
    short.start()
    short.join()
    db.execute("rollback")
    db.close()
    t.join()
    assert result[0][0] == 202
    assert home.is_healthy()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_stops_admission_and_recovers(make_home, tmp_path):
    folder = str(tmp_path / "small")
    os.makedirs(folder)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], check=True)
    try:
        home = make_home(folder=folder).start()
        assert home.post({"n": 1}, "one")[0] == 202
        filler = os.path.join(folder, "filler")
        with open(filler, "wb") as f:
            try:
                while True:
                    f.write(b"x" * 65536)
                    f.flush()
            except OSError:
                pass
        pad = "y" * 30000

        def refused():
            status, answer = home.post({"pad": pad})
            return answer if status == 503 else None
        answer = wait_for(refused, 20, "a refusal")
        assert answer["code"] == "no_space", answer
        assert home.is_healthy()
        accepted = home.rows("select count(*) from jobs")[0][0]
        os.unlink(filler)
        wait_for(lambda: home.post({"n": 2}, "two")[0] in (200, 202), 6, "admission again")
        assert home.rows("select count(*) from jobs")[0][0] == accepted + 1
        home.stop()
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_running_out_of_descriptors_pauses_and_recovers(make_home):
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    home = make_home().start(preexec=few)
    idle = []
    for _ in range(120):
        s = socket.socket()
        s.settimeout(2)
        try:
            s.connect(("127.0.0.1", home.port))
        except OSError:
            break
        idle.append(s)
    before = cpu_ticks(home.process.pid)
    time.sleep(0.5)
    assert cpu_ticks(home.process.pid) - before < 20, "it spins"
    for s in idle:
        s.close()
    wait_for(lambda: home.post({"n": 1})[0] == 202, 10, "acceptance again")


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_sigterm_under_load_loses_nothing(make_home):
    home = make_home(when_full="queue").start()
    acked = []
    stop = threading.Event()

    def send(k):
        i = 0
        while not stop.is_set():
            i += 1
            try:
                status, answer = home.post({"n": i}, f"{k}-{i}", timeout=5)
            except (OSError, ValueError):
                return
            if status == 202:
                acked.append(answer["job_id"])
    threads = [threading.Thread(target=send, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    wait_for(lambda: len(acked) > 100, 30, "some load")
    assert home.stop() == 0
    stop.set()
    for t in threads:
        t.join()
    assert set(acked) <= {r[0] for r in home.rows("select id from jobs")}


def test_approve_dismiss_and_retry_from_the_command_line(make_home):
    home = make_home(channel="  type: stdout\n  approval: true\n  message: may I {{ .body.n }}?\n")
    home.start()
    first = home.post({"n": 1})[1]["job_id"]
    second = home.post({"n": 2})[1]["job_id"]
    wait_for(lambda: "may I 1?" in home.output(), 10, "the question")
    assert home.job(first)["state"] == "awaiting_approval"
    home.cli("approve", first[:8])
    assert home.job(first)["state"] == "queued"
    home.cli("dismiss", second[:8])
    assert home.job(second)["state"] == "dismissed"
    assert home.cli("approve", second[:8], check=False).returncode == 1
    home.cli("kill", first[:8])
    assert home.job(first)["state"] == "cancelled"
    home.cli("retry", first[:8])
    assert home.job(first)["state"] == "queued"


def test_the_local_socket_is_private_and_answers(make_home):
    home = make_home().start()
    mode = os.stat(home.path("daemon", "socket")).st_mode & 0o777
    assert mode == 0o600
    for name, want in (("", 0o700), ("daemon", 0o700), ("jobs", 0o700)):
        assert os.stat(home.path(name)).st_mode & 0o777 == want
    assert os.stat(home.path("pylons", "hook", "jobs.db")).st_mode & 0o777 == 0o600 \
        if os.path.exists(home.path("pylons", "hook", "jobs.db")) else True
    status = json.loads(home.cli("status", "--json").stdout)
    assert status["running"] is True and status["pid"] == home.process.pid
    assert status["uptimeMs"] >= 0
    home.stop()
    assert not os.path.exists(home.path("daemon", "socket"))
    r = home.cli("status", check=False)
    assert r.returncode == 69


def test_the_api_on_tcp_needs_host_origin_and_token_in_this_order(make_home):
    home = make_home(config="").start()

    def ask(path, **headers):
        with socket.create_connection(("127.0.0.1", home.port)) as s:
            h = {"Host": "127.0.0.1", **headers}
            lines = "".join(f"{k}: {v}\r\n" for k, v in h.items())
            s.sendall(f"GET {path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())
            return int(s.recv(4096).split()[1])
    assert ask("/api/jobs", Host="evil.example") == 403
    assert ask("/api/jobs", Origin="http://evil.example") == 403
    assert ask("/api/jobs") == 401
    assert ask("/api/jobs", Authorization="Bearer wrong") == 401
    assert ask("/metrics") == 401
    assert ask("/healthz", Host="anything.example") == 200
    assert ask("/readyz", Host="anything.example") == 200


def test_pylon_test_signs_its_request(make_home):
    home = make_home().start()
    r = home.cli("test", "hook", "--payload", '{"n": 5}')
    assert "202" in r.stdout
    assert home.rows("select count(*) from jobs") == [(1,)]


@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_database_of_the_go_program_is_migrated(make_home, version):
    home = make_home()
    db = sqlite3.connect(home.path("pylons", "hook", "jobs.db"))
    if version > 0:
        db.execute("create table schema_version(version integer not null)")
        db.execute("insert into schema_version values (?)", (version,))
    db.execute("""create table jobs(id text primary key, pylon_name text not null,
        status text not null default 'pending', trigger_payload text, agent_output text,
        telegram_topic_id text default '', telegram_message_id text default '',
        container_id text default '', callback_url text default '', session_id text default '',
        error text default '', created_at timestamp default current_timestamp,
        started_at timestamp, completed_at timestamp)""")
    if version == 2:
        db.execute("""create table payload_sample(pylon_name text primary key,
            payload text not null, updated_at timestamp default current_timestamp)""")
    rows = [("completed", "completed"), ("failed", "failed"), ("timeout", "timed_out"),
            ("dismissed", "dismissed"), ("queued", "queued"), ("pending", "queued"),
            ("triggered", "queued"), ("running", "lost"), ("active", "lost"),
            ("awaiting_approval", "awaiting_approval")]
    for i, (old, _) in enumerate(rows):
        db.execute("insert into jobs(id, pylon_name, status, trigger_payload, agent_output, "
                   "created_at, completed_at) values (?,?,?,?,?,?,?)",
                   (f"9b2e1c1e-0000-4000-8000-{i:012d}", "hook", old, '{"n":1}',
                    '{"result":"old text","session_id":"s"}' if old == "completed" else None,
                    "2026-11-20 03:00:37.861883312 -0500 EST m=+0.000032429", None))
    db.commit()
    db.close()
    home.start()
    assert "database migrated from version" in home.output(), home.output()
    found = dict(home.rows("select id, state from jobs"))
    for i, (_, new) in enumerate(rows):
        assert found[f"9b2e1c1e-0000-4000-8000-{i:012d}"] == new
    assert os.listdir(home.path("pylons", "hook", ".backups"))
    job = home.job("9b2e1c1e-0000-4000-8000-000000000000")
    assert job["result"] == "old text"
    assert job["created_at"].startswith("2026-11-20T08:00:37.861")


def test_a_damaged_database_makes_its_pylon_not_ready_and_is_left_untouched(make_home):
    home = make_home()
    path = home.path("pylons", "hook", "jobs.db")
    junk = os.urandom(8192)
    with open(path, "wb") as f:
        f.write(junk)
    home.start()
    assert "hook                     not ready" in home.output()
    with open(path, "rb") as f:
        assert f.read() == junk
    status, answer = home.post({"n": 1})
    assert status == 503, answer


def test_idle_means_no_wake_ups(make_home):
    home = make_home().start()
    assert home.post({"n": 1})[0] == 202
    time.sleep(6)  # the first housekeeping is over
    # The engine's socket does not exist here: only its growing back-off may wake the daemon.
    before = wake_ups(home.process.pid)
    time.sleep(5)
    assert wake_ups(home.process.pid) - before <= 3


def test_a_broken_configuration_does_not_disturb_a_running_daemon(make_home):
    home = make_home().start()
    assert home.post({"n": 1})[0] == 202
    home.write("config.yaml", "server: [this is no configuration\n")
    home.write("pylons/hook/pylon.yaml", "name: hook\ntrigger:\n  type: webhok\n")
    home.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "SIGHUP" in home.output(), 10, "the signal to be noticed")
    assert home.post({"n": 2})[0] == 202
    assert home.post({"n": 3}, headers={"X-Hub-Signature-256": "sha256=00"})[0] == 401
    assert home.process.poll() is None
    assert home.stop() == 0
    home.start(wait=False)
    assert home.process.wait(10) == 78


def trace_of(home, act, path):
    """What the daemon asked of the kernel during act(), in order; None where tracing is forbidden."""
    calls = "fsync,fdatasync,read,recvfrom,recvmsg,write,writev,sendto,sendmsg"
    tracer = subprocess.Popen(["strace", "-f", "-s", "64", "-o", path, "-e", "trace=" + calls,
                               "-p", str(home.process.pid)], stderr=subprocess.PIPE, text=True)
    try:
        if "attached" not in tracer.stderr.readline():
            return None
        act()
    finally:
        tracer.terminate()
        tracer.communicate(timeout=10)
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read().splitlines()


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_202_leaves_only_after_a_sync_to_the_disk(make_home, tmp_path):
    home = make_home().start()
    assert home.post({"n": 0})[0] == 202  # the database has been made
    answers = []
    lines = trace_of(home, lambda: answers.append(home.post({"n": 1})), str(tmp_path / "trace"))
    if lines is None:
        pytest.skip("processes may not be traced here")
    assert answers[0][0] == 202

    def places(pattern):
        return [i for i, line in enumerate(lines) if re.search(pattern, line)]
    (asked,) = places(r"(read|recv\w*)\(.*POST /hook")
    (answered,) = places(r"(write|writev|send\w*)\(.*HTTP/1\.1 202")
    synced = places(r"f(data)?sync\(.*= 0")
    assert any(asked < i < answered for i in synced), "\n".join(lines)


def test_nothing_is_accepted_into_a_database_that_was_removed_or_replaced(make_home):
    home = make_home().start()
    assert home.post({"n": 1}, "one")[0] == 202
    path = home.path("pylons", "hook", "jobs.db")
    os.rename(path, path + ".away")
    status, answer = home.post({"n": 2}, "two")
    assert (status, answer["code"]) == (503, "store_unavailable")
    with open(path, "wb"):
        pass
    assert home.post({"n": 3}, "three")[0] == 503
    os.rename(path + ".away", path)
    assert home.post({"n": 4}, "four")[0] == 202
    assert home.rows("select count(*) from jobs") == [(2,)]
