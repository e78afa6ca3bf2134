# SPDX-License-Identifier: MIT
"""Durable accepts over HTTP, next to the same rows without HTTP and to Debian's `webhook`.

Every point of a round is measured with a fresh database, one after the other, so that what else the
machine does hits all alike; ratios are taken within a round.
"""
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import harness
from parts import common

CONNECTIONS = (1, 16, 64, 256)


# --- the points ---

def store(bench, what, batch):
    return bench.program("store_batch", what, "--dir", bench.folder, "--batch", batch,
                         "--seconds", bench.seconds)


def load(bench, pid, port, connections, path="/hook", expect=202):
    before = common.cpu_seconds(pid)
    found = bench.program("post_load", "--port", port, "--path", path, "--connections", connections,
                          "--seconds", bench.seconds, "--warmup", "0.3", "--expect", expect)
    found["server_cpu_us"] = 1e6 * (common.cpu_seconds(pid) - before) / max(found["answers"], 1)
    found["server_peak_kb"] = common.memory_kb(pid)["peak"]
    return found


def pylon(bench, connections):
    home = bench.home()
    try:
        home.start()
        found = load(bench, home.process.pid, home.port, connections)
        found["rows"] = home.rows("select count(*) from jobs")[0][0]
        # A 202 is a row, and a row is at most a 202 that was under way at the end.
        if found["ok"] > found["rows"]:
            raise RuntimeError(f"{found['ok']} were acknowledged, {found['rows']} are there")
        return found
    finally:
        bench.drop(home)


# --- Debian's webhook ---

def webhook_program(bench):
    """The installed one, else unpacked from Debian's package without installing it."""
    found = shutil.which("webhook")
    if not found:
        folder = bench.folder / "webhook"
        folder.mkdir()
        subprocess.run("apt-get -q download webhook && dpkg-deb -x webhook_*.deb .", shell=True,
                       cwd=folder, capture_output=True, check=False)
        found = str(folder / "usr" / "bin" / "webhook")
    if not os.path.exists(found):
        return None
    version = subprocess.run([found, "-version"], capture_output=True, text=True, check=False)
    return found if "webhook version 2" in version.stdout + version.stderr else None


def write_hooks(path):
    signed = {"match": {"type": "payload-hmac-sha256", "secret": "s3cret",
                        "parameter": {"source": "header", "name": "X-Hub-Signature-256"}}}
    never = {"match": {"type": "value", "value": "refs/heads/never",
                       "parameter": {"source": "payload", "name": "ref"}}}
    hook = {"execute-command": "/bin/true", "command-working-directory": "/",
            "response-message": "ok"}
    with open(path, "w", encoding="utf-8") as f:
        json.dump([dict(hook, id="command", **{"trigger-rule": signed}),
                   dict(hook, id="rule", **{"trigger-rule": {"and": [signed, never]}})], f)


def answers(port):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
    except urllib.error.HTTPError:
        pass
    except OSError:
        return False
    return True


def webhook(bench, program, hook, connections):
    path = bench.folder / "hooks.json"
    write_hooks(path)
    port = harness.free_port()
    child = bench.spawn(program, "-hooks", path, "-ip", "127.0.0.1", "-port", port,
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        harness.wait_for(lambda: answers(port), 10, "webhook")
        return load(bench, child.pid, port, connections, f"/hooks/{hook}", 200)
    finally:
        bench.end(child)
        time.sleep(0.2)  # its commands may still be ending


# --- rounds and rows ---

def measure(bench, program):
    found = {}

    def keep(name, connections, value):
        found.setdefault(name, {}).setdefault(connections, []).append(value)

    for number in range(bench.rounds):
        for n in CONNECTIONS:
            bench.say(f"accept: round {number + 1} of {bench.rounds}, {n} connections")
            keep("t1", n, bench.steady(store, bench, "t1", n))
            keep("pylon", n, bench.steady(pylon, bench, n))
            keep("plain", n, bench.steady(store, bench, "plain", n))
            if program:
                keep("webhook_command", n, webhook(bench, program, "command", n))
                keep("webhook_rule", n, webhook(bench, program, "rule", n))
    return found


def rates(found, name, n):
    return [point["rate"] for point in found[name][n]]


def store_told(points):
    rate, cpu = (common.median([x[key] for x in points]) for key in ("rate", "cpu_us"))
    return f"{rate:,.0f}/s; {cpu:.0f} us CPU"


def told(points):
    p = {key: common.median([x[key] for x in points])
         for key in ("rate", "p50_us", "p99_us", "server_cpu_us")}
    bad = sum(x["other"] + x["errors"] for x in points)
    worst = max(x["max_us"] for x in points) / 1000
    return (f"{p['rate']:,.0f}/s; p50 {p['p50_us'] / 1000:.1f}, p99 {p['p99_us'] / 1000:.1f}, max "
            f"{worst:.0f} ms; {p['server_cpu_us']:.0f} us CPU" + (f"; {bad} failed" if bad else ""))


def add_rows(bench, found):
    for n in CONNECTIONS:
        who = f"durable accepts, {n} connection" + ("s" if n > 1 else "")
        ours = rates(found, "pylon", n)
        bench.row(who, told(found["pylon"][n]),
                  f"the same statements, {n} to a commit, no HTTP: " + store_told(found["t1"][n]),
                  common.ratios(ours, rates(found, "t1", n)))
        bench.row("", "", f"SQLite alone, one plain row each, {n} to a commit: "
                  + store_told(found["plain"][n]), common.ratios(ours, rates(found, "plain", n)))
        if n == 64:
            bench.row("", "", "itself with 1 connection, so one transaction per request: "
                      f"{common.median(rates(found, 'pylon', 1)):,.0f}/s",
                      common.ratios(ours, rates(found, "pylon", 1)))
            bench.row("", "", "the same statements, one transaction per request, no HTTP: "
                      + store_told(found["t1"][1]), common.ratios(ours, rates(found, "t1", 1)))
        for name, what in (("webhook_command", "`webhook` 2.8 running /bin/true (keeps nothing)"),
                           ("webhook_rule", "`webhook` 2.8 running nothing (keeps nothing)")):
            if name in found:
                bench.row("", "", f"{what}: {told(found[name][n])}",
                          common.ratios(ours, rates(found, name, n)))


def run(bench):
    bench.seconds = 1 if bench.quick else 2
    program = webhook_program(bench)
    if not program:
        bench.say("Debian's webhook is not there (apt-get install webhook): left out")
    found = measure(bench, program)
    bench.raw["accept"] = found
    add_rows(bench, found)
