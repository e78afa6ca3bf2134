# SPDX-License-Identifier: MIT
"""A container engine of a test's own, to be stopped, killed, frozen and run out of disk.

Only processes that belong to its folder are ever touched, each by its pid.
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

import pytest

from harness import Engine, wait_for


def processes_of(text):
    """Pids of all processes that have this in their command line."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as f:
                if text.encode() in f.read():
                    found.append(int(name))
        except OSError:
            pass
    return found


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(child) for child in f.read().split()]
    except OSError:
        return []


def is_dead(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(") ")[2][0] in "ZX"
    except OSError:
        return True


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class OwnEngine:
    """dockerd without a bridge: containers have the network "none" or "host"."""

    def __init__(self, *options):
        # Short: sockets lie deep below it, and their paths are at most 107 bytes.
        # It also names containerd's namespaces, so only letters and digits will do.
        self.name = "oe" + os.urandom(4).hex()
        self.folder = os.path.join("/tmp", self.name)
        os.mkdir(self.folder, 0o711)
        self.data = os.path.join(self.folder, "data")
        self.socket = os.path.join(self.folder, "d.sock")
        self.url = "unix://" + self.socket
        # Not this machine's own, whose settings are another engine's.
        self.config = os.path.join(self.folder, "daemon.json")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write("{}")
        self.options = list(options)
        self.process = None
        self.engine = Engine()
        self.engine.path = self.socket

    def answers(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as f:
                raise AssertionError("dockerd ended: " + f.read()[-2000:])
        try:
            return self.engine.call("GET", "/_ping")[0] == 200
        except OSError:
            return False

    def start(self):
        pid_file = os.path.join(self.folder, "pid")
        if os.path.exists(pid_file):
            os.unlink(pid_file)  # of one that was killed
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                ["dockerd", "--config-file", self.config, "--data-root", self.data, "--exec-root",
                 os.path.join(self.folder, "exec"), "-H", self.url, "--pidfile", pid_file,
                 "--bridge", "none", "--iptables=false", "--containerd-namespace", self.name,
                 "--containerd-plugins-namespace", self.name + "-plugins", *self.options],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_for(self.answers, 60, "the engine")
        return self

    def end(self, how=signal.SIGTERM):
        """Ends dockerd; with --live-restore, or when it is killed, its containers go on."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(how)
        self.process.wait(60)
        self.process = None
        self.forget_dead_containerd()

    def forget_dead_containerd(self):
        """It dies with a dockerd that is killed. Where nobody reaps it the next dockerd would take
        it for a living one."""
        pid_file = os.path.join(self.folder, "exec/containerd/containerd.pid")
        try:
            with open(pid_file, encoding="ascii") as f:
                pid = f.read().strip()
            wait_for(lambda: is_dead(pid), 20, "the end of containerd")
            os.unlink(pid_file)
        except FileNotFoundError:
            pass

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.end(signal.SIGKILL)
        for pid in processes_of(self.folder + "/exec"):
            # A container's first process is the shim's child, and takes all others with it.
            for child in children_of(pid):
                kill(child)
            kill(pid)
        with open("/proc/mounts", encoding="utf-8") as f:
            points = [line.split()[1] for line in f]
        for point in sorted(points, reverse=True):
            if point.startswith(self.folder + "/"):
                subprocess.run(["umount", "-l", point], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


class Gate:
    """A socket through which an engine is reached, for as long as it is open."""

    def __init__(self, target):
        self.target = target
        self.folder = tempfile.mkdtemp(prefix="gate-", dir="/tmp")
        self.path = os.path.join(self.folder, "s")
        self.url = "unix://" + self.path
        self.listener = None
        self.ends = []
        self.open()

    def open(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(64)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                here, _ = listener.accept()
            except OSError:
                return
            there = socket.socket(socket.AF_UNIX)
            there.connect(self.target)
            self.ends += [here, there]
            for pair in ((here, there), (there, here)):
                threading.Thread(target=self.carry, args=pair, daemon=True).start()

    @staticmethod
    def carry(source, sink):
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def shut(self):
        """The socket is gone, and so is every connection."""
        os.unlink(self.path)
        for s in (self.listener, *self.ends):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
        self.ends = []

    def close(self):
        if os.path.exists(self.path):
            self.shut()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def gate():
    g = Gate(Engine().path)
    yield g
    g.close()


@pytest.fixture
def own_engine():
    """own_engine(OPTION...) starts one."""
    made = []

    def make(*options, prepare=None):
        if os.geteuid() != 0 or shutil.which("dockerd") is None:
            pytest.skip("an engine of one's own needs root and dockerd")
        e = OwnEngine(*options)
        made.append(e)
        if prepare:
            prepare(e)
        return e.start()
    yield make
    for e in made:
        e.close()


__all__ = ["gate", "own_engine", "processes_of"]
