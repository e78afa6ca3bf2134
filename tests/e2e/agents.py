# SPDX-License-Identifier: MIT
"""The real agents: a base image to build theirs from, and homes whose pylon runs one of them.

The daemon under test builds the agent images itself; what it needs is their base. An engine that can
get it from a registry does; else it is bootstrapped from Debian's packages. Everything stays in the
engine, so only the first test pays.
"""
import json
import os
import shutil
import subprocess
import tempfile
import urllib.parse

import pytest

from fake_models import FakeModels
from harness import Engine, engine_socket

BASE = "debian:bookworm-slim"  # what our Dockerfiles name
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
INSIDE = "/etc/host-certificates.crt"  # the package ca-certificates writes its own file
# What npm and Node.js say when there is no network.
NO_NETWORK = ("ENOTFOUND", "EAI_AGAIN", "ENETUNREACH", "ETIMEDOUT", "ECONNREFUSED", "ECONNRESET",
              "Temporary failure resolving", "Could not connect")


def has_image(engine, name):
    return engine.call("GET", f"/v1.41/images/{name}/json")[0] == 200


def docker(*args, **kw):
    """curl speaks to the socket: the engine's own client need not be there."""
    return subprocess.run(["curl", "-sS", "--fail-with-body", "--unix-socket", Engine().path, *args],
                          capture_output=True, text=True, check=False, **kw)


def bootstrap_base():
    """A minimal Debian with this machine's certificates, which npm needs behind some firewalls."""
    if not shutil.which("mmdebstrap"):
        pytest.skip(f"the engine has no {BASE}, and mmdebstrap to make it is not installed")
    with tempfile.TemporaryDirectory() as folder:
        tar = os.path.join(folder, "base.tar")
        if os.path.exists(CERTIFICATES):
            hook = f"--customize-hook=upload {CERTIFICATES} {INSIDE}"
        else:
            hook = f"--customize-hook=touch \"$1{INSIDE}\""
        made = subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", hook, "bookworm", tar],
                              capture_output=True, text=True, check=False)
        if made.returncode != 0:
            pytest.skip("mmdebstrap cannot make a base image: " + made.stderr.strip()[-300:])
        repo, tag = BASE.split(":")
        changes = "&changes=".join(urllib.parse.quote(line) for line in (
            f"ENV NODE_EXTRA_CA_CERTS={INSIDE}", f"ENV npm_config_cafile={INSIDE}",
            "CMD bash"))
        loaded = docker("-X", "POST", "-H", "Content-Type: application/x-tar", "-T", tar,
                        f"http://engine/v1.41/images/create?fromSrc=-&repo={repo}&tag={tag}"
                        f"&changes={changes}")
        assert loaded.returncode == 0, loaded.stdout + loaded.stderr


@pytest.fixture(scope="session")
def base():
    engine = Engine()
    if not has_image(engine, BASE):
        repo, tag = BASE.split(":")
        docker("-m", "120", "-X", "POST",
               f"http://engine/v1.41/images/create?fromImage={repo}&tag={tag}")
    if not has_image(engine, BASE):
        bootstrap_base()
    assert has_image(engine, BASE)


@pytest.fixture
def models():
    m = FakeModels()
    yield m
    m.close()


@pytest.fixture
def make_agent_home(make_docker_home, base):  # pylint: disable=redefined-outer-name,unused-argument
    """make_agent_home("claude", env={...}): a started daemon whose image is there."""

    def make(agent_type, env=(), timeout="60s", agent="", daemon_env=(), **kw):
        lines = "".join(f"    {name}: {json.dumps(value)}\n" for name, value in dict(env).items())
        home = make_docker_home(
            agent_type=agent_type, prompt="{{ .body.prompt }}",
            agent=f"  timeout: {timeout}\n  env:\n{lines}{agent}", **kw)
        home.start(timeout=500, env={"PYLON_BUILD_NETWORK": "host", **dict(daemon_env)})
        if "cannot be built" in home.output():
            why = home.output()[home.output().index("cannot be built"):][:1000]
            if any(word in why for word in NO_NETWORK):
                pytest.skip("no network to build the agent images: " + why)
            pytest.fail(why)
        return home
    return make


def run(home, prompt, **kw):
    """One job, to its end."""
    status, answer = home.post({"prompt": prompt})
    assert status == 202, answer
    return home.wait_state(answer["job_id"], **kw)


def failure_of(job):
    """Why the agent says that it failed; its exit status agrees."""
    assert (job["state"], job["exit_code"], job["result"]) == ("failed", 1, ""), job
    return job["error"]


def log_of(home, job):
    return home.cli("logs", job["id"]).stdout


__all__ = ["BASE", "base", "docker", "engine_socket", "failure_of", "has_image", "log_of",
           "make_agent_home", "models", "run"]
