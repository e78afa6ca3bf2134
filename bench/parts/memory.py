# SPDX-License-Identifier: MIT
"""Memory: idle, with many pylons, with many connections, with many readers of events.

There is an engine (one that runs nothing), so that the client of its API is in the numbers.
"""
import resource
import subprocess

from parts import common, events
from parts.fake_engine import FakeEngine

CONNECTIONS = 1000
SUBSCRIBERS = 500
PYLONS = 100


def settled(home):
    common.settle(home.process.pid)
    return common.memory_kb(home.process.pid)


def started(home):
    home.start()
    return settled(home)


def add_pylons(home, count):
    for i in range(1, count):
        home.write(f"pylons/hook{i}/pylon.yaml", f"""name: hook{i}
created: 2026-01-01T00:00:00Z
trigger:
  type: webhook
  path: /hook{i}
  secret: s3cret-{i}
  signature_header: X-Hub-Signature-256
workspace:
  type: none
channel:
  type: stdout
agent:
  type: mock
  prompt: "hello {{{{ .body.n }}}}"
""")


def many_connections(bench, home, at_once):
    child = bench.spawn(bench.build / "bench" / "post_load", "--port", home.port, "--connections",
                        CONNECTIONS, "--each", 1, "--in-flight", at_once, "--hold", "--seconds", 30,
                        "--warmup", 0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        result = child.stdout.readline()
        if f'"ok":{CONNECTIONS},' not in result:
            raise RuntimeError("not all connections were served: " + result)
        return settled(home)
    finally:
        bench.end(child)


def many_readers(home):
    path = home.path("daemon", "socket")
    warm = events.open_stream(path, "/api/events")[0]
    home.post({"n": 1}, "warm")
    before = settled(home)
    readers = [events.open_stream(path, "/api/events")[0] for _ in range(SUBSCRIBERS)]
    for i in range(5):
        home.post({"n": i}, f"event{i}")
    for reader in readers:
        reader.recv(65536)
    after = settled(home)
    for reader in [warm, *readers]:
        reader.close()
    return before, after


def measure(bench, engine):
    found = {}

    def with_home(fill, use):
        home = bench.home(docker=engine.url, config=common.QUEUE)
        try:
            fill(home)
            found_idle = started(home)
            return use(home, found_idle)
        finally:
            bench.drop(home)

    def nothing(_home):
        pass

    found["idle"], found["connections"] = with_home(
        nothing, lambda home, idle: (idle, many_connections(bench, home, 8)))
    found["burst"] = with_home(
        nothing, lambda home, _: many_connections(bench, home, CONNECTIONS))
    found["readers_before"], found["readers_after"] = with_home(
        nothing, lambda home, _: many_readers(home))
    found["pylons"] = with_home(lambda home: add_pylons(home, PYLONS), lambda _, idle: idle)
    return found


def mb(found):
    return f"{found['rss'] / 1024:.1f} MB resident, {found['private_dirty'] / 1024:.1f} MB its own"


def run(bench):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    engine = FakeEngine(str(bench.folder / "memory.sock"))
    try:
        found = measure(bench, engine)
    finally:
        engine.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    bench.raw["memory"] = found
    add_rows(bench, found)


def add_rows(bench, found):
    idle = found["idle"]
    bench.row("memory, idle, 1 pylon", mb(idle))
    bench.row(f"memory, idle, {PYLONS} pylons", mb(found["pylons"]), "idle with 1 pylon",
              found["pylons"]["rss"] / idle["rss"])
    for name, how in (("connections", "8 at a time"), ("burst", "all at once")):
        more = found[name]["rss"] - idle["rss"]
        bench.row(f"memory, {CONNECTIONS} kept connections that made a request each, {how}",
                  mb(found[name]), f"idle; {more / CONNECTIONS:.1f} kB more per connection",
                  found[name]["rss"] / idle["rss"])
    grown = {key: (found["readers_after"][key] - found["readers_before"][key]) / SUBSCRIBERS
             for key in ("rss", "private_dirty")}
    bench.row(f"memory per reader of /api/events ({SUBSCRIBERS} readers)",
              f"{grown['rss']:.2f} kB resident, {grown['private_dirty']:.2f} kB its own")
