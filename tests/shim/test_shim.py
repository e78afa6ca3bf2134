# SPDX-License-Identifier: MIT
"""pylon-shim from outside: what stands in DIR/status, and who is still alive afterwards."""
import json
import os
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
