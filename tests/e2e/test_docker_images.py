# SPDX-License-Identifier: MIT
"""Images that are pulled: from a registry that is well, and from registries that are not."""
import base64
import json

import pytest

from fake_registry import FakeRegistry
from harness import wait_for


@pytest.fixture
def registry():
    r = FakeRegistry()
    yield r
    r.close()


@pytest.fixture
def make_home_of(make_docker_home, engine, registry):  # pylint: disable=redefined-outer-name
    """A started daemon with two pylons: `hook` runs the built-in mock agent, `other` the registry's
    image, of which the engine has nothing when the test begins."""
    homes = []

    def make(version=":1", **kw):
        image = f"{registry.host}/some/tool{version}"
        home = make_docker_home(prompt="mock:result unharmed", **kw)
        home.image = image
        home.write("pylons/other/pylon.yaml", f"""name: other
created: 2026-01-01T00:00:00Z
trigger:
  type: webhook
  path: /other
workspace:
  type: none
channel:
  type: stdout
agent:
  type: mock
  image: {image}
  prompt: "{{{{ .body.prompt }}}}"
""")
        homes.append(home)
        return home

    def forget():
        for home in homes:
            # Its layers stay for as long as there is a container.
            wait_for(lambda home=home: engine.containers(home) == [], 20, "the containers to go")
            engine.call("DELETE", f"/v1.41/images/{home.image}?force=1")
    make.forget = forget
    yield make
    for home in homes:
        engine.remove_all(home)
    forget()


def send(home, prompt="mock:result pulled"):
    status, answer = home.post({"prompt": prompt}, path="/other")
    assert status == 202, answer
    return answer["job_id"]


def run_of_another_image(home):
    status, answer = home.post({"n": 1})
    assert status == 202, answer
    job = home.wait_state(answer["job_id"], timeout=20)
    assert (job["state"], job["result"]) == ("completed", "unharmed")


@pytest.mark.parametrize("by", ["tag", "digest"])
def test_a_missing_image_is_pulled_and_its_job_runs(make_home_of, registry, engine, by):
    home = make_home_of(":1" if by == "tag" else "@" + registry.digest)
    home.start()
    job = home.wait_state(send(home))
    assert (job["state"], job["result"]) == ("completed", "pulled")
    assert f"image {home.image}: pulling" in home.output()
    assert f"image {home.image} is pulled" in home.output()
    assert engine.call("GET", f"/v1.41/images/{home.image}/json")[0] == 200
    assert registry.count("blobs") == 2


def test_an_image_that_was_removed_meanwhile_is_pulled_again(make_home_of, registry):
    home = make_home_of().start()
    assert home.wait_state(send(home))["state"] == "completed"
    make_home_of.forget()
    job = home.wait_state(send(home))
    assert (job["state"], job["result"]) == ("completed", "pulled")
    assert registry.count("blobs") == 4


@pytest.mark.parametrize("status, words", [(404, "not found"), (500, "500 Internal Server Error")])
def test_a_registry_that_refuses_fails_its_own_jobs_only(make_home_of, registry, status, words):
    registry.status = status
    home = make_home_of().start()
    job_id = send(home)
    run_of_another_image(home)
    job = home.wait_state(job_id, timeout=40)
    assert (job["state"], job["reason"]) == ("failed", "no_image")
    assert f"image {home.image} cannot be pulled: " in job["error"]
    assert words in job["error"]
    # It gets well, and nothing needs to be restarted.
    registry.status = 200
    assert home.wait_state(send(home))["result"] == "pulled"


def test_nobody_at_the_registrys_address_is_a_clear_failure(make_home_of, registry):
    home = make_home_of()
    registry.close()
    home.start()
    job = home.wait_state(send(home), timeout=40)
    assert (job["state"], job["reason"]) == ("failed", "no_image")
    assert "connection refused" in job["error"]


def test_a_registry_that_hangs_keeps_only_its_own_jobs_waiting(make_home_of, registry):
    home = make_home_of(max_concurrent=3).start()
    assert home.wait_state(send(home))["state"] == "completed"
    make_home_of.forget()
    registry.held = "manifest"
    waiting, killed = send(home), send(home)
    wait_for(lambda: home.output().count(f"image {home.image}: pulling") == 2, 20, "the pull")
    run_of_another_image(home)
    home.cli("kill", killed)
    assert home.wait_state(killed, timeout=20)["state"] == "cancelled"
    assert home.job(waiting)["state"] not in ("failed", "completed")
    registry.status = 503
    registry.release()
    job = home.wait_state(waiting, timeout=40)
    assert (job["state"], job["reason"]) == ("failed", "no_image")
    assert "503" in job["error"]


def test_a_registry_that_hangs_at_the_start_keeps_no_door_closed(make_home_of, registry):
    registry.held = "manifest"
    home = make_home_of().start()
    run_of_another_image(home)
    registry.release()
    assert home.wait_state(send(home))["result"] == "pulled"


def test_a_slow_pull_is_one_for_all_who_wait(make_home_of, registry):
    home = make_home_of(max_concurrent=3).start()
    assert home.wait_state(send(home))["state"] == "completed"
    make_home_of.forget()
    before = registry.count("blobs")
    registry.held = "layer"
    waiting = [send(home), send(home)]
    wait_for(lambda: registry.count("blobs") > before, 20, "the pull")
    run_of_another_image(home)
    registry.release()
    for job_id in waiting:
        assert home.wait_state(job_id, timeout=40)["result"] == "pulled"
    assert registry.count("blobs") == before + 2


def test_the_login_of_docker_login_is_used(make_home_of, registry):
    registry.login = ("ada", "s3cret-of-the-registry")
    home = make_home_of()
    home.write(".docker/config.json", json.dumps({"auths": {}, "credsStore": "keyring"}))
    home.start()
    job = home.wait_state(send(home), timeout=40)
    assert (job["state"], job["reason"]) == ("failed", "no_image")
    assert "credential helper keyring is not used" in job["error"]
    login = base64.b64encode(":".join(registry.login).encode()).decode()
    home.write(".docker/config.json", json.dumps({"auths": {registry.host: {"auth": login}}}))
    assert home.wait_state(send(home))["result"] == "pulled"
    assert registry.login[1] not in home.output()
