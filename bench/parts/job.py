# SPDX-License-Identifier: MIT
"""A whole job around an agent that does nothing, next to the raw Engine API with the same body."""
import copy
import http.client
import json
import os
import shutil
import socket
import time

from parts import common, events, latency

PHASES = ("create", "start", "die", "stored", "destroy")


class Raw:
    """create + start + wait + remove on one kept connection, as few calls as it takes."""

    def __init__(self, path, folder, body):
        self.folder = folder
        self.body = self.own_body(body)
        self.c = http.client.HTTPConnection("localhost", timeout=60)
        self.c.sock = socket.socket(socket.AF_UNIX)
        self.c.sock.settimeout(60)
        self.c.sock.connect(path)

    def own_body(self, body):
        """The daemon's body with folders of ours behind the mounts."""
        body = copy.deepcopy(body)
        body["Labels"] = {"pylon.bench": "raw"}
        for number, mount in enumerate(body["HostConfig"]["Mounts"]):
            copy_at = self.folder / f"mount{number}"
            if os.path.isdir(mount["Source"]):
                shutil.copytree(mount["Source"], copy_at)
            elif os.path.exists(mount["Source"]):
                shutil.copy(mount["Source"], copy_at)
            else:
                copy_at.mkdir()
            # Agents may run as anybody.
            os.chmod(copy_at, 0o777)
            mount["Source"] = str(copy_at)
        return json.dumps(body)

    def call(self, method, target, body=None):
        self.c.request(method, "/v1.40" + target, body,
                       {"Content-Type": "application/json"} if body else {})
        r = self.c.getresponse()
        text = r.read()
        if r.status >= 300:
            raise RuntimeError(f"{method} {target}: {r.status} {text[:300]!r}")
        return json.loads(text) if text else None

    def run(self, number):
        name = f"pylon-bench-{os.getpid()}-{number}"
        start = time.time()
        self.call("POST", f"/containers/create?name={name}", self.body)
        try:
            self.call("POST", f"/containers/{name}/start")
            code = self.call("POST", f"/containers/{name}/wait")["StatusCode"]
            waited = time.time()
        finally:
            self.call("DELETE", f"/containers/{name}?force=1&v=1")
        if code != 0:
            raise RuntimeError(f"the raw container ended with {code}")
        return name, start, waited, time.time()


def phases(seen, name, start, stored):
    """Milliseconds from `start` to what the engine told about container `name`."""
    found = {"stored": 1000 * (stored - start)}
    for action in ("create", "start", "die", "destroy"):
        _, event = seen.wait(lambda e, action=action: e.get("Action") == action and
                             e["Actor"]["Attributes"].get("name") == name)
        found[action] = event["timeNano"] / 1e6 - 1000 * start
    return found


def run_raw(raw, seen, number):
    name, start, waited, gone = raw.run(number)
    found = phases(seen, name, start, waited)
    found["total"] = 1000 * (gone - start)
    return found


def run_job(home, told, seen, number):
    start = time.time()
    _, answer = home.post(latency.SENDER, f"job{number}")
    job = answer["job_id"]
    stored, event = told.wait(lambda e: e.get("job_id") == job and e.get("state") in
                              ("completed", "failed", "lost", "timed_out"))
    if event["state"] != "completed":
        raise RuntimeError(f"the job ended as {event}: {home.job(job)}")
    _, created = seen.wait(lambda e: e.get("Action") == "create" and
                           e["Actor"]["Attributes"].get("pylon.job") == job)
    name = created["Actor"]["Attributes"]["name"]
    found = phases(seen, name, start, stored)
    found["total"] = found["stored"]
    return found


def captured_body(bench):
    """What the daemon asks of an engine, from a fake one; its folders are still there."""
    fake, home = latency.prepare(bench)
    return next(iter(fake.containers.values()))["body"], fake, home


def run(bench):
    path = bench.engine().removeprefix("unix://")
    body, fake, fake_home = captured_body(bench)
    home = bench.home(docker=bench.engine_host, max_concurrent=2)
    folder = bench.folder / "raw"
    folder.mkdir()
    found = {"job": [], "raw": []}
    count = 6 if bench.quick else 40
    seen = told = None
    try:
        home.start()
        raw = Raw(path, folder, body)
        seen, told = events.of_engine(path), events.of_daemon(home)
        for number in range(count + 2):
            pair = [lambda n=number: found["raw"].append(run_raw(raw, seen, n)),
                    lambda n=number: found["job"].append(run_job(home, told, seen, n))]
            # Whoever is second meets the first's clean-up: take turns.
            for one in pair if number % 2 else reversed(pair):
                one()
            seen.clear()
            told.clear()
    finally:
        for reader in (seen, told):
            if reader:
                reader.close()
        bench.drop(home)
        bench.drop(fake_home)
        fake.close()
    for name in found:
        del found[name][:2]  # images and connections are cold
    bench.raw["job"] = found
    add_rows(bench, found)


def add_rows(bench, found):
    def middle(name, key):
        return common.median([one[key] for one in found[name]])

    ours, theirs = middle("job", "total"), middle("raw", "total")
    bench.row("whole job, POST to result on disk",
              f"median {ours:.0f}, p99 "
              f"{common.quantile([x['total'] for x in found['job']], 0.99):.0f} ms",
              f"raw Engine API, create + start + wait + remove, same body: median {theirs:.0f} ms",
              ours / theirs)
    gone = middle("job", "destroy")
    bench.row("whole job, POST to container removed", f"median {gone:.0f} ms", "the same",
              gone / theirs)
    bench.row("where it is spent (ms after the beginning)",
              ", ".join(f"{p} {middle('job', p):.1f}" for p in PHASES),
              "raw: " + ", ".join(f"{p} {middle('raw', p):.1f}" for p in PHASES)
              .replace("stored", "waited"))
