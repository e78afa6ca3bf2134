# SPDX-License-Identifier: MIT
"""What all parts share: the folder, the daemons under test, the rows of the table."""
import importlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import time

import harness

DISK_SLOW = 4  # times the best sync seen
IMAGE = "/images/pylon/agent-mock"
QUEUE = "  queue_limit: 10000000\n"  # of the block `docker`: every request finds room


class Skip(Exception):
    """This part cannot run here; the text says why."""


def median(values):
    return statistics.median(values) if values else float("nan")


def quantile(values, part):
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else float("nan")


def sync_times(folder, seconds):
    """Microseconds of each fdatasync after overwriting 4 KiB."""
    path = os.path.join(folder, "sync")
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    took, block = [], b"x" * 4096
    try:
        os.pwrite(fd, block, 0)
        os.fsync(fd)
        end = time.monotonic() + seconds
        while time.monotonic() < end or not took:
            start = time.perf_counter()
            os.pwrite(fd, block, 0)
            os.fdatasync(fd)
            took.append((time.perf_counter() - start) * 1e6)
    finally:
        os.close(fd)
        os.unlink(path)
    return took


def ratios(ours, theirs):
    """Median of the ratios of pairs that were measured one after the other."""
    return median([a / b for a, b in zip(ours, theirs) if b])


class Bench:
    def __init__(self, top, build, folder, quick, say):
        self.top, self.build, self.folder = top, pathlib.Path(build), pathlib.Path(folder)
        self.quick, self.say = quick, say
        self.rounds = 1 if quick else 3
        self.raw = {}
        self.rows = []
        self.homes = []
        self.children = []
        self.best_sync_us = None
        self.disturbed = 0  # measurements that the disk spoiled, and that were repeated or kept
        self.engine_folder = None
        self.engine_why = None
        self.engine_host = None
        self.had_image = False

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for home in list(self.homes):
            self.drop(home)
        for child in self.children:
            child.kill()
            child.wait()
        if self.engine_host and not self.had_image:
            engine_call(self.engine_host, "DELETE", IMAGE)
        if self.engine_folder:
            subprocess.run([self.top / "tools" / "engine", "stop", self.engine_folder],
                           stdout=subprocess.DEVNULL, timeout=120, check=False)

    # --- parts ---

    def run(self, name):
        try:
            importlib.import_module("parts." + name).run(self)
        except Skip as why:
            self.say(f"{name} skipped: {why}")
            self.row(f"{name}", f"not measured: {why}")

    def row(self, what, measured, next_to="", ratio=None):
        self.rows.append((what, measured, next_to, "" if ratio is None else f"{ratio:.2f}"))

    def table(self):
        rows = [("what", "measured", "next to", "ratio")] + self.rows
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines.insert(1, "|---|---|---|---|")
        return "\n".join(lines)

    def write_json(self, path):
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"quick": self.quick, "raw": self.raw,
                       "rows": [dict(zip(("what", "measured", "next_to", "ratio"), row))
                                for row in self.rows]}, f, indent=1)
            f.write("\n")

    # --- the disk ---

    def sync_us(self, seconds=0.05):
        """Median time of fdatasync after overwriting 4 KiB."""
        took = sync_times(self.folder, seconds)
        middle = median(took)
        self.best_sync_us = min(middle, self.best_sync_us or middle)
        return middle

    def is_disk_slow(self):
        return self.sync_us() > DISK_SLOW * self.best_sync_us

    def steady(self, measure, *args):
        """measure(*args), again when the disk was not itself.

        Rented disks are fast until an allowance is used up, and then thirty times slower for some
        seconds: whoever is measured then has no part in it.
        """
        for _ in range(3):
            end = time.monotonic() + 20
            while self.is_disk_slow() and time.monotonic() < end:
                time.sleep(1)
            found = measure(*args)
            if not self.is_disk_slow():
                return found
            self.disturbed += 1
        return found

    # --- programs ---

    def program(self, name, *args, timeout=120):
        """Runs one of bench's own programs and returns its JSON."""
        done = subprocess.run([self.build / "bench" / name, *map(str, args)], capture_output=True,
                              text=True, timeout=timeout, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{name} {args}: {done.stderr}")
        return json.loads(done.stdout)

    def spawn(self, *command, **options):
        child = subprocess.Popen(list(map(str, command)), **options)
        self.children.append(child)
        return child

    def end(self, child):
        child.kill()
        child.wait()
        self.children.remove(child)

    def home(self, **options):
        """A fresh home on the disk that is measured; not started yet."""
        folder = self.folder / f"home{len(os.listdir(self.folder))}-{time.monotonic_ns() % 10**6}"
        options.setdefault("config", QUEUE)
        made = harness.Home(folder=str(folder), **options)
        self.homes.append(made)
        return made

    def drop(self, home):
        self.homes.remove(home)
        try:
            home.stop()
        finally:
            if self.engine_host:
                remove_containers(self.engine_host, home)
            shutil.rmtree(home.dir, ignore_errors=True)

    # --- the container engine ---

    def engine(self):
        """Its Unix socket; raises Skip when there is none to be had."""
        if self.engine_host is None and self.engine_why is None:
            folder = self.folder / "e"
            self.engine_folder = folder
            done = subprocess.run([self.top / "tools" / "engine", "start", folder],
                                  stdout=subprocess.PIPE, text=True, timeout=600, check=False)
            host = done.stdout.strip().removeprefix("DOCKER_HOST=")
            if done.returncode == 0 and host.startswith("unix://"):
                self.engine_host = host
                self.had_image = engine_call(host, "GET", IMAGE + "/json") == 200
            else:
                self.engine_why = "no container engine on a Unix socket"
        if self.engine_why:
            raise Skip(self.engine_why)
        return self.engine_host


def engine_call(host, method, path):
    """The status of one call, 0 when the engine is gone."""
    os.environ["DOCKER_HOST"] = host
    try:
        return harness.Engine().call(method, "/v1.40" + path)[0]
    except OSError:
        return 0


def remove_containers(host, home):
    os.environ["DOCKER_HOST"] = host
    try:
        harness.Engine().remove_all(home)
    except OSError:
        pass


# --- processes ---

def memory_kb(pid):
    """Resident, private dirty and peak memory of a process, kB."""
    found = {}
    for name in ("smaps_rollup", "status"):
        with open(f"/proc/{pid}/{name}", encoding="ascii") as f:
            for line in f:
                key, _, rest = line.partition(":")
                if key in ("Rss", "Private_Dirty", "VmHWM"):
                    found[key] = int(rest.split()[0])
    return {"rss": found["Rss"], "private_dirty": found["Private_Dirty"], "peak": found["VmHWM"]}


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def switches(pid):
    """Times that any thread of a process was put on a processor (it was asleep or displaced)."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as f:
            total += sum(int(line.split()[1]) for line in f if "ctxt_switches" in line)
    return total


def settle(pid, seconds=0.5, limit=30):
    """Waits until a process has not run for `seconds`."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        before = switches(pid)
        time.sleep(seconds)
        if switches(pid) == before:
            return
