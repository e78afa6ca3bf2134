# SPDX-License-Identifier: MIT
"""How often a daemon that has nothing to do wakes up, with an engine that answers."""
import os
import time

from parts import common


def run(bench):
    host = bench.engine()
    seconds = 10 if bench.quick else 60
    home = bench.home(docker=host)
    try:
        home.start()
        pid = home.process.pid
        common.settle(pid, 6)  # the first sweeps come some seconds after the start
        before, cpu = common.switches(pid), common.cpu_seconds(pid)
        time.sleep(seconds)
        woken = common.switches(pid) - before
        used = common.cpu_seconds(pid) - cpu
        threads = len(os.listdir(f"/proc/{pid}/task"))
    finally:
        bench.drop(home)
    bench.raw["idle"] = {"seconds": seconds, "switches": woken, "cpu_s": used, "threads": threads}
    bench.row(f"idle for {seconds} s, engine up",
              f"woken {woken} times, {used * 1000:.0f} ms of processor time, {threads} thread"
              + ("s" if threads > 1 else ""))
