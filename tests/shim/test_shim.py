# SPDX-License-Identifier: MIT
"""pylon-shim from outside: what stands in DIR/status, and who is still alive afterwards."""
import json
import os
import pathlib
import resource
import signal
import stat
import subprocess
import time

import pytest

SHIM = os.environ["PYLON_SHIM"]
LIMIT = 20


def until(condition, what):
    """Waits for something that must become true."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("never happened: " + what)


def status(folder):
    try:
        return json.loads((folder / "status").read_text())
    except FileNotFoundError:
        return None


def start(folder, *command, options=(), **kw):
    return subprocess.Popen([SHIM, *options, "--dir", str(folder), "--", *command], **kw)


def run(folder, *command, options=()):
    p = start(folder, *command, options=options)
    assert p.wait(LIMIT) == 0
    return status(folder)


def start_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        return int(f.read().rpartition(")")[2].split()[19])


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def pids_in(folder, count):
    """The pids that the command's processes wrote, one per line."""
    def enough():
        try:
            lines = (folder / "pids").read_text().split()
        except FileNotFoundError:
            return None
        return [int(x) for x in lines] if len(lines) >= count else None
    return until(enough, f"{count} processes")


# Three processes in sessions of their own that ignore every polite signal.
STUBBORN = """
for i in 1 2 3; do
    setsid sh -c 'trap "" TERM HUP INT; echo $$ >>pids; while :; do sleep 5; done' &
done
while [ "$(wc -l <pids 2>/dev/null || echo 0)" -lt 3 ]; do sleep 0.01; done
"""


def test_exit_code_output_and_times_are_recorded(tmp_path):
    before = time.time() * 1e6
    s = run(tmp_path, "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (s["version"], s["state"], s["exit_code"], s["signal"]) == (1, "exited", 3, None)
    assert (s["timed_out"], s["stopped"], s["left"], s["killed"], s["error"]) == (
        False, False, False, 0, None)
    assert (tmp_path / "stdout.log").read_text() == "out\n"
    assert (tmp_path / "stderr.log").read_text() == "err\n"
    assert before - 1e6 <= s["started_real"] <= s["ended_real"] <= time.time() * 1e6 + 1e6
    assert s["rusage"]["maxrss_kb"] > 0 and s["pid_start"] > 0
    for name in ("status", "stdout.log", "stderr.log"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["status", "stderr.log", "stdout.log"]


def test_death_by_signal_is_recorded(tmp_path):
    s = run(tmp_path, "sh", "-c", "kill -SEGV $$")
    assert (s["exit_code"], s["signal"]) == (None, signal.SIGSEGV)


def test_output_is_appended(tmp_path):
    run(tmp_path, "echo", "one")
    run(tmp_path, "echo", "two")
    assert (tmp_path / "stdout.log").read_text() == "one\ntwo\n"


def test_running_status_identifies_both_processes(tmp_path):
    p = start(tmp_path, "sleep", "60")
    s = until(lambda: (x := status(tmp_path)) and x["state"] == "running" and x, "running")
    with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as f:
        assert s["boot_id"] == f.read().strip()
    assert (s["shim_pid"], s["shim_start"]) == (p.pid, start_of(p.pid))
    assert s["pid_start"] == start_of(s["pid"])
    assert "exit_code" not in s
    p.terminate()
    assert p.wait(LIMIT) == 0
    assert status(tmp_path)["pid_start"] == s["pid_start"]


def test_working_folder_and_stdin_and_descriptors(tmp_path):
    inner = tmp_path / "cwd"
    inner.mkdir()
    r, w = os.pipe()
    p = start(tmp_path, "sh", "-c", "pwd; cat; ls /proc/self/fd | wc -l", pass_fds=[w],
              options=["--cwd", str(inner)])
    os.close(w)
    assert p.wait(LIMIT) == 0
    assert os.read(r, 1) == b""
    os.close(r)
    # 0, 1, 2 and the folder that ls itself reads.
    assert (tmp_path / "stdout.log").read_text().split() == [str(inner), "4"]


def test_a_command_that_cannot_be_executed_is_127_with_the_reason(tmp_path):
    s = run(tmp_path, "/nonexistent/command")
    assert (s["state"], s["exit_code"]) == ("exited", 127)
    assert "No such file or directory" in s["error"]


def test_a_missing_working_folder_is_127(tmp_path):
    s = run(tmp_path, "true", options=["--cwd", str(tmp_path / "none")])
    assert s["exit_code"] == 127 and s["error"]


def test_left_over_children_die_with_the_command(tmp_path):
    s = run(tmp_path, "sh", "-c", STUBBORN + "exit 5", options=["--cwd", str(tmp_path)])
    assert s["exit_code"] == 5 and s["killed"] >= 3 and not s["left"]
    assert all(is_gone(pid) for pid in pids_in(tmp_path, 3))


def test_stop_reaches_a_tree_that_ignores_sigterm(tmp_path):
    p = start(tmp_path, "sh", "-c", 'trap "" TERM; ' + STUBBORN + "while :; do sleep 5; done",
              options=["--cwd", str(tmp_path), "--grace-ms", "300"])
    pids = pids_in(tmp_path, 3)
    began = time.monotonic()
    p.terminate()
    assert p.wait(LIMIT) == 0
    took = time.monotonic() - began
    s = status(tmp_path)
    assert 0.29 <= took < 10
    assert (s["stopped"], s["timed_out"], s["signal"]) == (True, False, signal.SIGKILL)
    assert all(is_gone(pid) for pid in pids)


def test_sigterm_is_forwarded_to_processes_in_other_sessions(tmp_path):
    script = """setsid sh -c 'trap "echo told; exit" TERM; echo $$ >>pids; while :; do sleep 0.05; done' &
        trap "wait; exit 9" TERM; wait; wait"""
    p = start(tmp_path, "sh", "-c", script, options=["--cwd", str(tmp_path)])
    pids_in(tmp_path, 1)
    p.terminate()
    assert p.wait(LIMIT) == 0
    assert "told" in (tmp_path / "stdout.log").read_text()
    s = status(tmp_path)
    assert (s["exit_code"], s["stopped"]) == (9, True)


def test_a_second_sigterm_skips_the_grace(tmp_path):
    p = start(tmp_path, "sh", "-c", 'trap "" TERM; echo $$ >>pids; while :; do sleep 5; done',
              options=["--cwd", str(tmp_path), "--grace-ms", "600000"])
    pids_in(tmp_path, 1)
    p.terminate()
    # The same signal twice in a row may be merged by the kernel, so a different one.
    until(lambda: int(pending(p.pid), 16) == 0, "first signal taken")
    p.send_signal(signal.SIGINT)
    assert p.wait(LIMIT) == 0
    assert status(tmp_path)["signal"] == signal.SIGKILL


def pending(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return [line.split()[1] for line in f if line.startswith("ShdPnd")][0]


def test_timeout_stops_and_is_told(tmp_path):
    s = run(tmp_path, "sleep", "60", options=["--timeout-ms", "200", "--grace-ms", "5000"])
    assert (s["timed_out"], s["stopped"], s["signal"]) == (True, False, signal.SIGTERM)
    assert 190_000 <= s["ended_real"] - s["started_real"] < 5_000_000


def test_other_signals_do_nothing(tmp_path):
    p = start(tmp_path, "sleep", "0.5")
    until(lambda: (x := status(tmp_path)) and x["state"] == "running", "running")
    for sig in (signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT, signal.SIGPIPE):
        p.send_signal(sig)
    assert p.wait(LIMIT) == 0
    assert status(tmp_path)["exit_code"] == 0


def test_the_command_starts_with_clean_signals(tmp_path):
    run(tmp_path, "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status")
    values = (tmp_path / "stdout.log").read_text().split()[1::2]
    assert values == ["0" * 16, "0" * 16]


def test_it_survives_its_starter_and_still_records(tmp_path):
    starter = subprocess.Popen(
        ["sh", "-c", '"$@" & echo $!; wait', "sh", SHIM, "--dir", str(tmp_path), "--", "sh", "-c",
         "while [ ! -e go ]; do sleep 0.01; done; exit 4"],
        cwd=tmp_path, stdout=subprocess.PIPE, start_new_session=True)
    shim = int(starter.stdout.readline())
    until(lambda: (x := status(tmp_path)) and x["state"] == "running", "running")
    os.killpg(starter.pid, signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    assert not is_gone(shim)
    (tmp_path / "go").touch()
    s = until(lambda: (x := status(tmp_path)) and x["state"] == "exited" and x, "recorded end")
    assert s["exit_code"] == 4
    until(lambda: is_gone(shim), "shim ended")


def test_nobody_waits_for_our_output(tmp_path):
    """The starter's pipe must end while the command still runs."""
    p = start(tmp_path, "sleep", "60", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert p.stdout.read() == b""
    assert p.poll() is None
    p.terminate()
    p.wait(LIMIT)
    p.stdout.close()


@pytest.mark.parametrize("args", [
    [], ["--dir"], ["--dir", "d"], ["--dir", "d", "--"], ["--", "true"],
    ["--dir", "d", "--timeout-ms", "-1", "--", "true"],
    ["--dir", "d", "--grace-ms", "1x", "--", "true"], ["--what", "d", "--", "true"]])
def test_a_bad_command_line_is_refused(tmp_path, args):
    r = subprocess.run([SHIM, *args], cwd=tmp_path, capture_output=True, timeout=LIMIT)
    assert r.returncode == 2 and b"usage: pylon-shim" in r.stderr
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_is_refused_before_anything_runs(tmp_path):
    r = subprocess.run([SHIM, "--dir", str(tmp_path / "none"), "--", "touch", str(tmp_path / "ran")],
                       capture_output=True, timeout=LIMIT)
    assert r.returncode == 1 and b"No such file" in r.stderr
    assert os.listdir(tmp_path) == []


# --- one log for both streams ---

def logged(folder, *command, options=()):
    return run(folder, *command, options=["--log", str(folder / "log"), *options])


def streams(folder):
    return [line.split() for line in (folder / "log.streams").read_text().splitlines()]


def running(folder):
    return until(lambda: (x := status(folder)) and x["state"] == "running" and x, "running")


def rss_kb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as f:
        return [int(line.split()[1]) for line in f if line.startswith("Rss:")][0]


def test_one_log_takes_both_streams_in_order(tmp_path):
    before = time.time() * 1e3
    script = "echo out; sleep 0.05; echo err >&2; sleep 0.05; echo again"
    s = logged(tmp_path, "sh", "-c", script)
    assert (tmp_path / "log").read_text() == "out\nerr\nagain\n"
    assert s["log"] == {"bytes": 14, "lost": 0, "error": None, "is_cut": False}
    lines = streams(tmp_path)
    assert [line[:2] for line in lines] == [["0", "1"], ["4", "2"], ["8", "1"]]
    times = [int(line[2]) for line in lines]
    assert before - 1e3 <= times[0] <= times[1] <= times[2] <= time.time() * 1e3 + 1e3
    assert sorted(os.listdir(tmp_path)) == ["log", "log.mark", "log.streams", "status"]
    for name in os.listdir(tmp_path):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_without_a_log_status_says_so(tmp_path):
    assert run(tmp_path, "true")["log"] is None


@pytest.mark.parametrize("size", [1199, 1200, 1201])
def test_a_log_beyond_its_limits_says_what_it_left_out(tmp_path, size):
    s = logged(tmp_path, "sh", "-c", f"head -c {size} /dev/zero",
               options=["--log-head", "1000", "--log-tail", "100"])
    assert s["log"]["bytes"] == size
    content = (tmp_path / "log").read_bytes()
    if size <= 1200:
        assert content == b"\0" * size
    else:
        assert content == b"\0" * 1000 + b"\n[pylon left out 100 bytes here]\n" + b"\0" * 101


def test_binary_output_without_a_newline_is_kept_as_it_is(tmp_path):
    data = bytes(range(256)) * 100 + b"\xff\x00\xfe"
    (tmp_path / "data").write_bytes(data)
    logged(tmp_path, "cat", str(tmp_path / "data"))
    assert (tmp_path / "log").read_bytes() == data


def test_a_flood_in_one_line_takes_neither_memory_nor_disk(tmp_path):
    script = r"""head -c 50000000 /dev/zero | tr '\0' x; echo >&2; touch flooded; exec sleep 60"""
    p = start(tmp_path, "sh", "-c", script,
              options=["--cwd", str(tmp_path), "--log", str(tmp_path / "log"),
                       "--log-head", "100000", "--log-tail", "50000"])
    until((tmp_path / "flooded").exists, "the flood")
    assert rss_kb(p.pid) <= 100
    assert sum(f.stat().st_size for f in tmp_path.glob("log*")) < 100000 + 2 * 50000 + 1000
    p.terminate()
    assert p.wait(LIMIT) == 0
    assert status(tmp_path)["log"]["bytes"] == 50000001
    assert (tmp_path / "log").stat().st_size <= 100000 + 2 * 50000 + 100


def test_a_flood_delays_neither_stop_nor_timeout(tmp_path):
    s = logged(tmp_path, "sh", "-c", "trap '' TERM; while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyy; done",
               options=["--timeout-ms", "300", "--grace-ms", "300",
                        "--log-head", "1000", "--log-tail", "1000"])
    assert (s["timed_out"], s["signal"]) == (True, signal.SIGKILL)
    assert 590_000 <= s["ended_real"] - s["started_real"] < 5_000_000


def test_all_that_was_in_the_pipe_at_the_end_is_kept(tmp_path):
    """The command is over long before its 60,000 bytes are read."""
    s = logged(tmp_path, "python3", "-c", "import os; os.write(1, b'x' * 60000); os.write(2, b'y' * 60000)")
    assert s["log"] == {"bytes": 120000, "lost": 0, "error": None, "is_cut": False}
    content = (tmp_path / "log").read_bytes()
    assert (content.count(b"x"), content.count(b"y")) == (60000, 60000)


def test_a_pipe_that_a_stranger_holds_is_read_until_the_grace_is_over(tmp_path):
    script = "echo held; echo $$ >pids; while [ ! -e go ]; do sleep 0.01; done"
    p = start(tmp_path, "sh", "-c", script, options=["--cwd", str(tmp_path), "--grace-ms", "300",
                                                    "--log", str(tmp_path / "log")])
    pid = pids_in(tmp_path, 1)[0]
    with open(f"/proc/{pid}/fd/1", "w", encoding="utf-8") as f:
        (tmp_path / "go").touch()
        until(lambda: is_gone(pid), "command over")
        f.write("late\n")
        f.flush()
        assert p.wait(LIMIT) == 0
    s = status(tmp_path)
    assert (s["exit_code"], s["log"]["is_cut"]) == (0, True)
    assert (tmp_path / "log").read_text() == "held\nlate\n"


def test_a_closed_stream_is_no_end(tmp_path):
    s = logged(tmp_path, "sh", "-c", "exec >&-; sleep 0.05; echo still >&2; exit 6")
    assert s["exit_code"] == 6
    assert (tmp_path / "log").read_text() == "still\n"


def test_a_command_that_closed_both_streams_is_waited_for(tmp_path):
    s = logged(tmp_path, "sh", "-c", "exec >&- 2>&-; sleep 0.2; exit 6")
    assert s["exit_code"] == 6 and s["ended_real"] - s["started_real"] >= 190_000


def test_a_log_that_cannot_be_written_does_not_hold_up_the_command(tmp_path):
    """The file size limit of the shim stands for a full disk; it comes before the status file's."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
    p = start(tmp_path, "sh", "-c", "head -c 200000 /dev/zero; exit 8",
              options=["--log", str(tmp_path / "log")], preexec_fn=limit)
    assert p.wait(LIMIT) == 0
    s = status(tmp_path)
    assert s["exit_code"] == 8
    assert s["log"]["bytes"] == 5000 and s["log"]["lost"] == 195000 and s["log"]["error"]


def test_a_log_that_cannot_be_opened_is_127(tmp_path):
    s = logged(tmp_path, "touch", str(tmp_path / "ran"), options=["--log", str(tmp_path / "none" / "log")])
    assert s["exit_code"] == 127 and "output: No such file" in s["error"] and s["log"] is None
    assert not (tmp_path / "ran").exists()


# --- the command's conditions ---

def test_niceness_is_added(tmp_path):
    own = os.nice(0)
    run(tmp_path, "nice", options=["--nice", "3"])
    assert int((tmp_path / "stdout.log").read_text()) == min(own + 3, 19)


def test_resource_limits_are_the_commands_alone(tmp_path):
    p = start(tmp_path, "sh", "-c", "ulimit -n; ulimit -Hn; ulimit -c; exec sleep 60",
              options=["--rlimit", "nofile=100", "--rlimit", "nofile=123", "--rlimit", "core=0"])
    running(tmp_path)
    until(lambda: (tmp_path / "stdout.log").read_text().split() == ["123", "123", "0"], "limits")
    soft, _ = resource.prlimit(p.pid, resource.RLIMIT_NOFILE)
    assert soft == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    p.terminate()
    assert p.wait(LIMIT) == 0


def test_a_resource_limit_that_may_not_be_set_is_127(tmp_path):
    s = run(tmp_path, "true", options=["--rlimit", "nofile=9223372036854775807"])
    assert s["exit_code"] == 127 and "resource limit: Operation not permitted" in s["error"]


@pytest.mark.parametrize("args", [
    ["--rlimit", "nofile"], ["--rlimit", "what=1"], ["--nice", "x"], ["--log-tail", "0"], ["--log", ""]])
def test_bad_values_are_refused(tmp_path, args):
    r = subprocess.run([SHIM, "--dir", str(tmp_path), *args, "--", "true"], capture_output=True, timeout=LIMIT)
    assert r.returncode == 2 and os.listdir(tmp_path) == []


# --- deaths ---

def start_below(folder, *options):
    """A shim whose starter is a process of its own; returns both."""
    starter = subprocess.Popen(
        ["sh", "-c", '"$@" & echo $!; wait', "sh", SHIM, *options, "--dir", str(folder), "--",
         "sh", "-c", 'trap "exit 9" TERM; ' + STUBBORN + "while :; do sleep 0.05; done"],
        cwd=folder, stdout=subprocess.PIPE, start_new_session=True)
    shim = int(starter.stdout.readline())
    starter.stdout.close()
    return starter, shim


def test_with_die_with_parent_its_starters_death_stops_the_tree(tmp_path):
    starter, shim = start_below(tmp_path, "--die-with-parent", "--cwd", str(tmp_path))
    pids = pids_in(tmp_path, 3)
    running(tmp_path)
    starter.kill()
    starter.wait()
    s = until(lambda: (x := status(tmp_path)) and x["state"] == "exited" and x, "recorded end")
    assert (s["stopped"], s["exit_code"], s["left"]) == (True, 9, False)
    assert all(is_gone(pid) for pid in pids)
    until(lambda: is_gone(shim), "shim ended")


def keeper_of(pid):
    with open(f"/proc/{pid}/environ", "rb") as f:
        found = [x for x in f.read().split(b"\0") if x.startswith(b"PYLON_KEEPER=")]
    return found[0].decode().partition("=")[2]


def test_a_killed_shim_takes_the_command_and_leaves_traces_of_the_rest(tmp_path):
    p = start(tmp_path, "sh", "-c", "echo before; : >pids; " + STUBBORN + "exec sleep 60",
              options=["--cwd", str(tmp_path), "--log", str(tmp_path / "log")])
    pids = pids_in(tmp_path, 3)
    s = running(tmp_path)
    until(lambda: (tmp_path / "log").read_text() == "before\n", "output")
    p.kill()
    p.wait()
    until(lambda: is_gone(s["pid"]), "the command's death")
    assert status(tmp_path) == s
    assert (tmp_path / "log").read_text() == "before\n"
    try:
        for pid in pids:
            assert not is_gone(pid)
            assert keeper_of(pid) == f"{s['shim_pid']}.{s['shim_start']}"
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


# What a command may do to get away from its keeper, and what is to become of its log.
HIDE = "echo $$ >>pids; while :; do sleep 5; done"
ESCAPES = {
    "setsid": f"setsid sh -c '{HIDE}' &",
    "double fork": f"( ( setsid sh -c '{HIDE}' & ) & )",
    "closed descriptors": f"setsid sh -c 'exec <&- >&- 2>&-; {HIDE}' &",
    "clean environment": f"env -i setsid sh -c '{HIDE}' &",
    "ignored signals": f"setsid sh -c 'trap \"\" TERM HUP INT; {HIDE}' &",
    "stopped": "setsid sh -c 'echo $$ >>pids; kill -STOP $$' &",
    "writes after its parent": "setsid sh -c 'echo $$ >>pids; while :; do echo late; done' &",
}


@pytest.mark.parametrize("how", ESCAPES)
@pytest.mark.parametrize("log", [False, True], ids=["plain", "log"])
def test_nobody_gets_away(tmp_path, how, log):
    script = ESCAPES[how] + "\nwhile [ ! -s pids ]; do sleep 0.01; done; echo main; exit 5"
    options = ["--cwd", str(tmp_path)] + (["--log", str(tmp_path / "log")] if log else [])
    s = run(tmp_path, "sh", "-c", script, options=options)
    assert (s["exit_code"], s["left"]) == (5, False) and s["killed"] >= 1
    assert all(is_gone(pid) for pid in pids_in(tmp_path, 1))
    text = (tmp_path / ("log" if log else "stdout.log")).read_text()
    assert "main\n" in text
    if log:
        assert s["log"]["is_cut"] is False and s["log"]["bytes"] == len(text)


# --- cgroups ---

def cgroup2():
    for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        if os.path.exists(root + "/cgroup.procs") and os.path.exists(root + "/cgroup.controllers"):
            return pathlib.Path(root)
    return None


@pytest.fixture
def delegated():
    """A cgroup of ours, that a manager might have delegated."""
    root = cgroup2()
    group = root and root / f"pylon-test-{os.getpid()}"
    try:
        if group is None or os.getuid() != 0:
            raise OSError
        group.mkdir()
    except OSError:
        pytest.skip("no cgroup of version 2 that we may divide")
    yield group
    for folder, folders, _ in os.walk(group, topdown=False):
        for name in folders:
            os.rmdir(os.path.join(folder, name))
    group.rmdir()


def start_in(group, folder, *command, options=()):
    def enter():
        (group / "cgroup.procs").write_text("0")
    return start(folder, *command, options=options, preexec_fn=enter)


def folders_in(group):
    return [x for x in group.iterdir() if x.is_dir()]


def test_in_a_delegated_cgroup_the_command_has_its_own(tmp_path, delegated):
    os.setxattr(delegated, "user.delegate", b"1")
    p = start_in(delegated, tmp_path, "sh", "-c", STUBBORN + "while [ ! -e go ]; do sleep 0.01; done; exit 3",
                 options=["--cwd", str(tmp_path)])
    pids = pids_in(tmp_path, 3)
    s = running(tmp_path)
    group = pathlib.Path(s["cgroup"])
    assert group.parent == delegated
    inside = {int(x) for x in (group / "cgroup.procs").read_text().split()}
    assert {s["pid"], *pids} <= inside and p.pid not in inside
    (tmp_path / "go").touch()
    assert p.wait(LIMIT) == 0
    end = status(tmp_path)
    assert (end["exit_code"], end["left"], end["cgroup"]) == (3, False, s["cgroup"]) and end["killed"] >= 3
    assert all(is_gone(pid) for pid in pids)
    assert folders_in(delegated) == []


def test_cgroups_that_the_command_made_go_with_its_own(tmp_path, delegated):
    os.setxattr(delegated, "user.delegate", b"1")
    script = """own=$(sed -n 's/^0:://p' /proc/self/cgroup); mkdir -p "$0$own/a/b"
        setsid sh -c 'echo 0 >"$0/cgroup.procs"; echo $$ >>pids; while :; do sleep 5; done' "$0$own/a/b" &
        while [ ! -s pids ]; do sleep 0.01; done"""
    p = start_in(delegated, tmp_path, "sh", "-c", script, str(cgroup2()), options=["--cwd", str(tmp_path)])
    assert p.wait(LIMIT) == 0
    assert status(tmp_path)["exit_code"] == 0
    assert all(is_gone(pid) for pid in pids_in(tmp_path, 1))
    assert folders_in(delegated) == []


def test_what_a_killed_shim_left_is_in_its_cgroup(tmp_path, delegated):
    os.setxattr(delegated, "user.delegate", b"1")
    p = start_in(delegated, tmp_path, "sh", "-c", STUBBORN + "exec sleep 60", options=["--cwd", str(tmp_path)])
    pids = pids_in(tmp_path, 3)
    s = running(tmp_path)
    p.kill()
    p.wait()
    group = pathlib.Path(s["cgroup"])
    assert set(pids) <= {int(x) for x in (group / "cgroup.procs").read_text().split()}
    (group / "cgroup.kill").write_text("1")
    until(lambda: all(is_gone(pid) for pid in pids), "their death")
    until(lambda: "populated 0" in (group / "cgroup.events").read_text(), "empty cgroup")


def test_a_cgroup_that_is_not_delegated_is_left_alone(tmp_path, delegated):
    p = start_in(delegated, tmp_path, "sh", "-c", STUBBORN + "exit 3", options=["--cwd", str(tmp_path)])
    assert p.wait(LIMIT) == 0
    s = status(tmp_path)
    assert (s["exit_code"], s["cgroup"], s["left"]) == (3, None, False)
    assert all(is_gone(pid) for pid in pids_in(tmp_path, 3))


def test_a_command_that_cannot_start_leaves_no_cgroup(tmp_path, delegated):
    os.setxattr(delegated, "user.delegate", b"1")
    p = start_in(delegated, tmp_path, "/nonexistent/command")
    assert p.wait(LIMIT) == 0
    assert status(tmp_path)["exit_code"] == 127
    assert folders_in(delegated) == []


def test_the_cgroup_is_killed_as_a_whole(tmp_path, delegated):
    """Also what is no descendant of the shim's."""
    os.setxattr(delegated, "user.delegate", b"1")
    p = start_in(delegated, tmp_path, "sh", "-c", "while [ ! -e go ]; do sleep 0.01; done",
                 options=["--cwd", str(tmp_path)])
    group = pathlib.Path(running(tmp_path)["cgroup"])
    with subprocess.Popen(["sleep", "60"], preexec_fn=lambda: (group / "cgroup.procs").write_text("0")) as other:
        try:
            (tmp_path / "go").touch()
            assert p.wait(LIMIT) == 0
            s = status(tmp_path)
            assert (s["exit_code"], s["left"], s["killed"]) == (0, False, 1)
            assert other.wait(LIMIT) == -signal.SIGKILL
        finally:
            other.kill()
    assert folders_in(delegated) == []
