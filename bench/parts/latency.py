# SPDX-License-Identifier: MIT
"""From the POST to the engine's "start" call, one at a time, with an engine that answers at once."""
import time

from parts import common
from parts.fake_engine import FakeEngine

SENDER = {"n": 1, "title": "x" * 1900}


def prepare(bench):
    """A daemon beside a fake engine, with its image built."""
    fake = FakeEngine(str(bench.folder / "fake.sock"))
    home = bench.home(docker=fake.url, max_concurrent=4)
    home.start()
    home.post(SENDER, "first")
    fake.wait_started(1, 20)
    return fake, home


def measure(bench):
    fake, home = prepare(bench)
    total, create = [], []
    count = 40 if bench.quick else 200
    try:
        for i in range(count):
            time.sleep(0.02)  # low load: the last one is over
            sent = time.monotonic()
            _, answer = home.post(SENDER, f"d{i}")
            fake.wait_started(i + 2)
            made = next(c for c in reversed(fake.containers.values())
                        if c["body"]["Labels"]["pylon.job"] == answer["job_id"])
            total.append(1000 * (made["started"] - sent))
            create.append(1000 * (made["created"] - sent))
    finally:
        bench.drop(home)
        fake.close()
    return total, create


def run(bench):
    total, create = bench.steady(measure, bench)
    bench.raw["latency"] = {"start_ms": total, "create_ms": create}
    bench.row("POST to the engine's start call, one at a time",
              f"median {common.median(total):.2f}, p99 {common.quantile(total, 0.99):.1f} ms",
              f"of this until the create call: median {common.median(create):.2f} ms (sync of the "
              "accept, sync of the claim, folders)")
