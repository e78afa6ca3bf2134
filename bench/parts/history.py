# SPDX-License-Identifier: MIT
"""A database with a long history: how soon the daemon listens, lists and accepts.

One real job is run and then multiplied in SQL with all its rows (event, run, delivery), each copy
with ids and times of its own, the finished ones spread over the last 60 days. So the rows are what
the program writes, whatever the schema is; only their bodies are short, to save disk.
"""
import os
import socket
import sqlite3
import subprocess
import time

from parts import accept, common
from parts.fake_engine import FakeEngine

DAY_US = 86400 * 10**6
UUID = ("lower(hex(randomblob(4))||'-'||hex(randomblob(2))||'-4'||substr(hex(randomblob(2)),2)||"
        "'-8'||substr(hex(randomblob(2)),2)||'-'||hex(randomblob(6)))")
# The template's times move back by this, so that row n of `total` is older than row n+1.
SHIFT = "(:total - n) * :step"
CHUNK = 50000


# --- making it ---

def columns(db, table):
    return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]


def copy_rows(db, table, special, source, numbers):
    names = columns(db, table)

    def value(name):
        if name in special:
            return special[name]
        if name == "seq":
            return "t.seq + n"
        if name.endswith("_at"):
            return f"CASE WHEN t.{name} > 0 THEN t.{name} - {SHIFT} ELSE t.{name} END"
        return f"t.{name}"

    db.execute("WITH RECURSIVE k(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM k WHERE n < :last) "
               f"INSERT INTO {table}({', '.join(names)}) "
               f"SELECT {', '.join(map(value, names))} FROM k, (SELECT * FROM {table} {source}) t",
               numbers)


def multiply(path, total):
    db = sqlite3.connect(path, isolation_level=None)
    job, base = db.execute("SELECT id, seq FROM jobs WHERE finished_at > 0").fetchone()
    for pragma in ("synchronous=OFF", "cache_size=-400000", "wal_autocheckpoint=0"):
        db.execute("PRAGMA " + pragma)
    new_id = f"(SELECT id FROM jobs WHERE seq = {base} + n)"
    numbers = {"job": job, "base": base, "total": total, "step": 60 * DAY_US // total}
    for first in range(1, total, CHUNK):
        numbers.update(first=first, last=min(first + CHUNK - 1, total - 1))
        db.execute("BEGIN")
        copy_rows(db, "jobs", {"id": UUID, "delivery_id": "'d' || n"},
                  "WHERE id = :job", numbers)
        copy_rows(db, "events", {"id": UUID, "job_seq": f"{base} + n"}, "WHERE job_seq = :base",
                  numbers)
        copy_rows(db, "runs", {"id": UUID, "job_id": new_id}, "WHERE job_id = :job", numbers)
        copy_rows(db, "deliveries", {"id": UUID, "job_id": new_id}, "WHERE job_id = :job", numbers)
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # Keys older than a week would have been forgotten.
    numbers.update(first=max(1, total * 54 // 60), last=total - 1)
    copy_rows(db, "dedupe", {"key": "'d' || n", "job_id": new_id}, "WHERE job_id = :job", numbers)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    count = db.execute("SELECT count(*) FROM jobs").fetchone()[0]
    db.close()
    return count


def make(bench, total):
    fake = FakeEngine(str(bench.folder / "history.sock"))
    home = bench.home(docker=fake.url)
    try:
        home.start()
        _, answer = home.post({"n": 1}, "template")
        home.wait_state(answer["job_id"])
        time.sleep(0.5)  # its result is printed
    finally:
        home.stop()
        fake.close()
    path = home.path("pylons", "hook", "jobs.db")
    made = multiply(path, total)
    return home, path, made


# --- using it ---

def forget_pages(path):
    """The file's pages leave memory, as after a restart of the machine."""
    for name in (path, path + "-wal"):
        if os.path.exists(name):
            fd = os.open(name, os.O_RDONLY)
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


def remember_pages(path):
    """The file is in memory, as far as that is large enough."""
    with open(path, "rb") as f:
        while f.read(1 << 20):
            pass


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as s:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return s.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def start_ms(home):
    start = time.perf_counter()
    home.start(wait=False)
    while not answers(home.port):
        if time.perf_counter() - start > 60 or home.process.poll() is not None:
            raise RuntimeError("it does not listen: " + home.output())
        time.sleep(0.001)
    return 1000 * (time.perf_counter() - start)


def command_ms(home, *args, times=11):
    found = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run([os.environ["PYLON"], "--home", home.dir, *args], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found.append(1000 * (time.perf_counter() - start))
    return common.median(found)


def starts(home, path, times):
    """Median times of cold and warm starts; the daemon of the last one goes on."""
    cold, warm = [], []
    for _ in range(times):
        forget_pages(path)
        cold.append(start_ms(home))
        home.stop()
        warm.append(start_ms(home))
        home.stop()
    start_ms(home)
    return common.median(cold), common.median(warm)


def run(bench):
    total = 100_000 if bench.quick else 1_000_000
    bench.seconds = 1 if bench.quick else 2
    empty = bench.home()
    found = {}
    try:
        found["empty_start_ms"] = common.median([start_and_stop(empty) for _ in range(5)])
    finally:
        bench.drop(empty)
    bench.say(f"making a database of {total:,} finished jobs")
    home, path, found["jobs"] = make(bench, total)
    try:
        found["bytes"] = os.path.getsize(path)
        found["cold_start_ms"], found["warm_start_ms"] = starts(home, path, 3)
        found["jobs_ms"] = command_ms(home, "jobs")
        found["status_ms"] = command_ms(home, "status")
        found["version_ms"] = command_ms(home, "version")
        common.settle(home.process.pid)
        found["memory"] = common.memory_kb(home.process.pid)
        remember_pages(path)
        found["accept"] = bench.steady(accept.load, bench, home.process.pid, home.port, 64)
    finally:
        bench.drop(home)
    found["accept_fresh"] = bench.steady(accept.pylon, bench, 64)
    bench.raw["history"] = found
    add_rows(bench, found)


def start_and_stop(home):
    took = start_ms(home)
    home.stop()
    return took


def add_rows(bench, found):
    with_history = f"with {found['jobs']:,} finished jobs"
    bench.row(f"start until /healthz answers, {with_history} ({found['bytes'] / 2**30:.1f} GiB)",
              f"{found['warm_start_ms']:.0f} ms; {found['cold_start_ms']:.0f} ms when nothing of "
              "the file is in memory", f"an empty home: {found['empty_start_ms']:.0f} ms",
              found["warm_start_ms"] / found["empty_start_ms"])
    bench.row(f"`pylon jobs`, {with_history}", f"{found['jobs_ms']:.1f} ms",
              f"`pylon version`: {found['version_ms']:.1f} ms; `pylon status`: "
              f"{found['status_ms']:.1f} ms", found["jobs_ms"] / found["version_ms"])
    bench.row(f"durable accepts, 64 connections, {with_history}", accept.told([found["accept"]]),
              f"a fresh database: {found['accept_fresh']['rate']:,.0f}/s",
              found["accept"]["rate"] / found["accept_fresh"]["rate"])
    bench.row(f"memory, idle, {with_history}", f"{found['memory']['rss'] / 1024:.1f} MB resident")
