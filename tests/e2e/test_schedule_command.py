# SPDX-License-Identifier: MIT
"""`pylon schedule next`: readings, instants, refusals and exit statuses. No daemon is needed."""
import json
import os
import subprocess

import pytest

PYLON = os.environ.get("PYLON", "pylon")
NOW = "2026-04-28T14:15:00Z"


@pytest.fixture(name="pylon")
def fixture_pylon(tmp_path):
    def run(*words, env=None):
        return subprocess.run(
            [PYLON, "schedule", *words], capture_output=True, text=True, timeout=30, check=False,
            env={**os.environ, "PYLON_HOME": str(tmp_path / "home"), "TZ": "Europe/Berlin", **(env or {})})

    return run


def as_json(answer):
    assert (answer.returncode, answer.stderr) == (0, "")
    return json.loads(answer.stdout)


def test_recurring_phrase_as_json(pylon):
    answer = pylon("next", "every weekday at 9", "--tz", "UTC", "--from", "2026-05-01T09:00:00Z",
                   "--count", "2", "--json")
    assert as_json(answer) == {
        "kind": "recurring", "canonical": "0 9 * * 1-5", "description": "every weekday at 09:00",
        "zone": "UTC", "next": ["2026-05-04T09:00:00Z", "2026-05-05T09:00:00Z"]}


def test_moment_as_json(pylon):
    answer = pylon("next", "tomorrow at 9", "--tz", "America/New_York", "--from", NOW, "--json")
    assert as_json(answer) == {
        "kind": "once", "canonical": None, "description": "on Wednesday 29 April 2026 at 09:00",
        "zone": "America/New_York", "next": ["2026-04-29T13:00:00Z"]}


def test_reading_for_people(pylon):
    answer = pylon("next", "every other monday at 9", "--tz", "Europe/Berlin", "--from", NOW, "--count", "2")
    assert answer.stdout.splitlines() == [
        "  kind         recurring",
        "  reading      every 2 weeks on Monday at 09:00",
        "  zone         Europe/Berlin",
        "  counted from Tue 2026-04-28 16:15 CEST",
        "  next         Mon 2026-05-11 09:00 CEST     in 12d 16h",
        "               Mon 2026-05-25 09:00 CEST     in 26d 16h"]


def test_zone_is_the_machines_unless_it_is_told(pylon):
    words = ["next", "daily at 9", "--from", NOW, "--count", "1", "--json"]
    assert as_json(pylon(*words))["zone"] == "Europe/Berlin"
    assert as_json(pylon(*words, env={"TZ": "Asia/Tokyo"}))["next"] == ["2026-04-29T00:00:00Z"]
    assert as_json(pylon(*words, "--tz", "UTC"))["next"] == ["2026-04-29T09:00:00Z"]
    assert as_json(pylon("next", "daily at 9 in Asia/Tokyo", *words[2:]))["zone"] == "Asia/Tokyo"


def test_start_is_exclusive_and_may_have_an_offset(pylon):
    words = ["next", "* * * * *", "--tz", "UTC", "--count", "1", "--json", "--from"]
    assert as_json(pylon(*words, "2026-05-01T09:00:00Z"))["next"] == ["2026-05-01T09:01:00Z"]
    assert as_json(pylon(*words, "2026-05-01T08:59:59+02:00"))["next"] == ["2026-05-01T07:00:00Z"]


def test_count_has_a_limit(pylon):
    words = ["next", "* * * * *", "--tz", "UTC", "--from", NOW, "--json", "--count"]
    assert len(as_json(pylon(*words, "999"))["next"]) == 999
    assert len(as_json(pylon(*words, "1000"))["next"]) == 1000
    assert pylon(*words, "1001").returncode == 2
    assert pylon(*words, "0").returncode == 2


def test_wrong_text_is_shown_with_a_caret(pylon):
    answer = pylon("next", "every dya at 9")
    assert (answer.returncode, answer.stdout) == (1, "")
    lines = answer.stderr.splitlines()
    assert lines[:3] == [
        'pylon: this is no schedule: "dya" is not understood here', "  every dya at 9", "        ^"]
    assert 'did you mean "day"?' in answer.stderr


@pytest.mark.parametrize("text", [
    "60 * * * *", "every day at 25:00", "5/6", "today at 0:00", "TZ=Mars/Phobos 0 9 * * *", "", "x" * 10240,
    "every day\n", "\x1b[31mdaily"])
def test_wrong_text_fails(pylon, text):
    answer = pylon("next", text, "--json")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("pylon: ") and "\x1b" not in answer.stderr


def test_impossible_date_is_a_warning(pylon):
    answer = pylon("next", "0 0 31 2 *", "--tz", "UTC", "--json")
    assert (answer.returncode, json.loads(answer.stdout)["next"]) == (0, [])
    assert "never fires" in answer.stderr


@pytest.mark.parametrize("words", [
    [], ["next"], ["next", "daily", "more"], ["nxt", "daily"], ["next", "daily", "--tz", "Mars/Phobos"],
    ["next", "daily", "--from", "yesterday"], ["next", "daily", "--from", "2026-05-01T09:00:00"],
    ["next", "daily", "--count", "many"], ["next", "daily", "--colour"]])
def test_wrong_use_is_told(pylon, words):
    answer = pylon(*words)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "Use: pylon schedule next" in answer.stderr
