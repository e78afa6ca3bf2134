# SPDX-License-Identifier: MIT
"""What only test builds do, release builds must not do."""
import json
import subprocess

from harness import PYLON


def test_release_builds_ignore_failpoints_and_the_test_clock(make_home, tmp_path):
    clock = tmp_path / "clock"
    clock.write_text("86400\n")
    home = make_home().start(failpoint="accept_before:1", env={"PYLON_TEST_CLOCK": str(clock)})
    status, answer = home.post({"n": 1})
    assert status == 202
    created = home.job(answer["job_id"])["created_at"]
    import datetime
    now = datetime.datetime.now(datetime.timezone.utc)
    then = datetime.datetime.fromisoformat(created.replace("Z", "+00:00"))
    assert abs((now - then).total_seconds()) < 3600
    assert home.stop() == 0


def test_release_builds_know_no_failpoints():
    text = subprocess.run([PYLON, "version", "--json"], capture_output=True, text=True,
                          check=True).stdout
    version = json.loads(text)
    assert version["test_hooks"] is False
    assert version["failpoints"] == []
