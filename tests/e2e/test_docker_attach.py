# SPDX-License-Identifier: MIT
"""`pylon attach`: a program in the container of a running job, with a real engine and a terminal."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from busybox import IMAGE, busybox  # noqa: F401 pylint: disable=unused-import
from harness import PYLON, wait_for


@pytest.fixture
def job(make_docker_home, busybox):  # noqa: F811
    """A home with a running job whose image has a shell."""
    script = "trap 'exit 0' TERM; echo begun; while :; do sleep 1; done"
    home = make_docker_home(agent_type="command", agent=f"  image: {IMAGE}\n"
                            f"  command: {json.dumps(['/bin/sh', '-c', script])}\n").start()
    status, answer = home.post({"n": 1})
    assert status == 202, answer
    home.wait_state(answer["job_id"], "running")
    return home, answer["job_id"]


class Terminal:
    """`pylon attach` as a person starts it: with a terminal of its own."""

    def __init__(self, home, *args, rows=24, columns=80):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.seen = b""

        def own_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen([PYLON, "--home", home.dir, "attach", *args],
                                        stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        preexec_fn=own_terminal, env=dict(os.environ, TERM="xterm"))

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def expect(self, pattern, timeout=20):
        """Waits until the screen has something like this behind what was expected before."""
        end = time.monotonic() + timeout
        while True:
            found = re.search(pattern.encode(), self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return found
            left = end - time.monotonic()
            assert left > 0, f"{pattern!r} did not come: {self.seen!r}"
            if select.select([self.master], [], [], left)[0]:
                self.seen += os.read(self.master, 65536)

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO)

    def end(self):
        """The exit status. Nobody reads the terminal any more, so its last words are taken here."""
        end = time.monotonic() + 20
        while self.process.poll() is None:
            assert time.monotonic() < end, self.seen
            if select.select([self.master], [], [], 0.05)[0]:
                self.seen += os.read(self.master, 65536)
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def attach():
    opened = []

    def make(*args, **kw):
        opened.append(Terminal(*args, **kw))
        return opened[-1]
    yield make
    for t in opened:
        t.close()


def test_a_shell_takes_what_is_typed_and_leaves_the_terminal_as_it_was(job, attach):
    home, job_id = job
    t = attach(home, job_id[:8])
    t.expect(r"[#$] ")
    assert t.is_raw()
    t.type("echo $((6 * 7)) $TERM\r")
    t.expect(r"\n42 xterm\r\n")
    t.type("echo $JOB_ID\r")
    t.expect("\n" + job_id)
    t.type("exit 9\r")
    assert t.end() == 9
    assert termios.tcgetattr(t.slave) == t.before
    assert home.job(job_id)["state"] == "running"


def test_the_program_has_the_size_of_the_window_also_after_it_changed(job, attach):
    home, job_id = job
    t = attach(home, job_id, rows=31, columns=101)
    t.expect(r"[#$] ")
    t.type("stty size\r")
    t.expect(r"\n31 101\r\n")
    t.resize(17, 71)

    def told():
        t.type("stty size\r")
        return t.expect(r"\n(\d+ \d+)\r\n")[1] == b"17 71"
    wait_for(told, 20, "the new size")
    t.type("exit\r")
    assert t.end() == 0


def test_keys_reach_the_program_and_not_us(job, attach):
    home, job_id = job
    t = attach(home, job_id, "--", "sh", "-c", "trap 'echo caught; exit 5' INT; echo go; "
               "while :; do sleep 0.1; done")
    t.expect("go")
    t.type("\x03")
    t.expect("caught")
    assert t.end() == 5


def test_a_key_is_not_held_back(job, attach):
    home, job_id = job
    t = attach(home, job_id, "--", "sh", "-c", "stty raw -echo; echo go; dd bs=1 count=1 "
               "2>/dev/null | od -An -tx1")
    t.expect("go")
    t.type("\x10")
    t.expect("10")
    assert t.end() == 0


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_and_restores_the_terminal(job, attach, sig):
    home, job_id = job
    t = attach(home, job_id)
    t.expect(r"[#$] ")
    assert t.is_raw()
    t.process.send_signal(sig)
    assert t.end() == -sig
    assert termios.tcgetattr(t.slave) == t.before


def test_when_the_job_ends_the_shell_ends_and_the_terminal_is_restored(job, attach):
    home, job_id = job
    t = attach(home, job_id)
    t.expect(r"[#$] ")
    home.cli("kill", job_id)
    assert t.end() in (1, 137)
    assert termios.tcgetattr(t.slave) == t.before


def attach_plain(home, job_id, *command, **kw):
    return subprocess.run([PYLON, "--home", home.dir, "attach", job_id, "--", *command],
                          capture_output=True, timeout=60, check=False, **kw)


def test_without_a_terminal_it_is_a_filter_with_two_outputs(job):
    home, job_id = job
    data = os.urandom(3 << 20)
    r = attach_plain(home, job_id, "cat", input=data)
    assert (r.returncode, r.stdout, r.stderr) == (0, data, b"")
    r = attach_plain(home, job_id, "sh", "-c", "echo out; echo err >&2; exit 7",
                     stdin=subprocess.DEVNULL)
    assert (r.returncode, r.stdout, r.stderr) == (7, b"out\n", b"err\n")


def test_a_shell_reads_commands_from_a_file(job):
    home, job_id = job
    r = home.cli("attach", job_id, text="cd /workspace && echo here >note; cat note; exit 3\n",
                 check=False)
    assert (r.returncode, r.stdout) == (3, "here\n"), r.stderr


def test_a_program_that_is_not_there_did_not_start(job):
    home, job_id = job
    r = home.cli("attach", job_id, "--", "/no/such/program", check=False)
    assert r.returncode in (125, 126, 127)
    assert "/no/such/program" in r.stdout + r.stderr


def test_an_image_without_a_shell_is_told(make_docker_home):
    home = make_docker_home(prompt="mock:sleep 60000").start()
    status, answer = home.post({"n": 1})
    assert status == 202
    home.wait_state(answer["job_id"], "running")
    r = home.cli("attach", answer["job_id"], check=False)
    assert r.returncode in (126, 127)
    assert "there is no shell (/bin/sh) in this container" in r.stderr


def test_a_job_that_is_over_has_no_shell(make_docker_home):
    home = make_docker_home(prompt="mock:result done").start()
    status, answer = home.post({"n": 1})
    assert status == 202
    home.wait_state(answer["job_id"])
    r = home.cli("attach", answer["job_id"][:8], check=False)
    assert r.returncode == 1
    assert "the job is completed" in r.stderr
