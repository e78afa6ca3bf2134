# SPDX-License-Identifier: MIT
"""Schedules with a replaced clock: every occurrence once, through deaths and steps of the clock."""
import datetime
import json
import os
import shutil
import time

import pytest

from harness import wait_for
from test_reload import api

CRON = """name: {name}
trigger:
  type: cron
  {when}
workspace:
  type: none
channel:
  type: stdout
agent:
  type: mock
  prompt: "due {{{{ .body.scheduled_at }}}}"
"""


class Clock:
    """PYLON_TEST_CLOCK: seconds that the daemon adds to the wall clock."""

    def __init__(self, home):
        self.path = home.path("clock")
        self.at = 0
        self.env = {"PYLON_TEST_CLOCK": self.path}
        self.set(0)

    def set(self, seconds):
        self.at = int(seconds)
        with open(self.path, "w", encoding="ascii") as f:
            f.write(f"{self.at}\n")

    def go_to(self, hour, minute, second):
        """To the next such time of day in UTC."""
        now = datetime.datetime.fromtimestamp(time.time() + self.at, datetime.timezone.utc)
        then = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
        if then <= now:
            then += datetime.timedelta(days=1)
        self.set(self.at + (then - now).total_seconds())


@pytest.fixture
def nightly(make_home):
    home = make_home()
    home.write("pylons/nightly/pylon.yaml", CRON.format(name="nightly", when='cron: "0 9 * * *"'))
    home.clock = Clock(home)
    home.clock.go_to(8, 0, 0)
    return home


def ledger(home, name="nightly"):
    return home.rows("select at, last, count, outcome, job_id from occurrences order by at",
                     name=name)


def jobs(home, name="nightly"):
    return home.rows("select id, source, state from jobs", name=name)


def test_it_runs_at_its_time_and_says_so(nightly):
    home = nightly
    home.start(env=home.clock.env)
    assert "cron 0 9 * * * (every day at 09:00)" in home.output()
    assert ledger(home) == []
    home.clock.go_to(8, 59, 59)
    wait_for(lambda: len(jobs(home)) == 1, 10)
    (row,) = ledger(home)
    assert row[3] == "ran" and row[4] == jobs(home)[0][0]
    told = home.cli("explain", "nightly").stdout
    assert "every day at 09:00" in told and " ran " in told
    assert " 09:00 UTC (" in told
    assert "09:00" in json.loads(home.cli("explain", row[4], "--json").stdout)["occurrence"]["at"]


def test_the_clock_steps_over_it_and_it_runs_once(nightly):
    home = nightly
    home.start(env=home.clock.env)
    home.clock.go_to(9, 5, 0)
    wait_for(lambda: len(jobs(home)) == 1, 10)
    assert ledger(home)[0][3] == "ran_late"
    home.clock.set(home.clock.at - 1800)  # decided instants stay decided
    home.clock.go_to(8, 59, 59)
    time.sleep(2)
    assert len(jobs(home)) == 1


@pytest.mark.parametrize("failpoint", ["occur_before", "occur_after"])
def test_a_death_around_the_decision_neither_loses_nor_doubles_it(nightly, failpoint):
    home = nightly
    home.start(env=home.clock.env, failpoint=failpoint + ":1")
    home.clock.go_to(8, 59, 59)
    home.process.wait(20)
    home.start(env=home.clock.env)
    wait_for(lambda: len(jobs(home)) == 1, 10)
    for _ in range(3):
        home.kill9()
        home.start(env=home.clock.env)
    assert len(jobs(home)) == 1
    assert sum(row[2] for row in ledger(home)) == 1


def test_what_was_missed_while_down_is_told(nightly):
    home = nightly
    home.start(env=home.clock.env)
    home.stop()
    home.clock.set(home.clock.at + 3 * 86400 + 4 * 3600)  # noon, three days later
    home.start(env=home.clock.env)
    wait_for(lambda: sum(row[2] for row in ledger(home)) == 4, 10)
    assert {row[3] for row in ledger(home)} == {"skipped_catch_up"}
    assert jobs(home) == []
    assert "skipped_catch_up" in home.output()
    assert "skipped_catch_up" in home.cli("jobs", "nightly").stdout
    assert "skipped_catch_up" in home.cli("explain", "nightly").stdout


def test_ten_years_of_minutes_are_planned_at_once(make_home):
    home = make_home()
    home.write("pylons/nightly/pylon.yaml", CRON.format(name="nightly", when='cron: "* * * * *"'))
    clock = Clock(home)
    home.start(env=clock.env)
    home.stop()
    clock.set(3652 * 86400)
    home.start(env=clock.env)
    wait_for(lambda: jobs(home), 10)
    assert sum(row[2] for row in ledger(home)) >= 3652 * 1440
    assert len(ledger(home)) < 250


def test_a_phrase_is_a_schedule_too(make_home):
    home = make_home()
    home.write("pylons/nightly/pylon.yaml",
               CRON.format(name="nightly", when='schedule: every 2 fortnights'))
    checked = home.cli("check", check=False)
    assert checked.returncode == 78 and "pylon.yaml:4:" in checked.stdout + checked.stderr
    home.write("pylons/nightly/pylon.yaml",
               CRON.format(name="nightly", when='schedule: "every weekday at 9 in Europe/Berlin"'))
    assert home.cli("check").returncode == 0
    assert "every weekday at 09:00" in home.cli("list").stdout
    home.start()
    told = home.cli("explain", "nightly").stdout
    assert "Europe/Berlin time" in told  # the text's own zone, not the pylon's
    assert " 09:00 CE" in told


def test_explain_knows_a_pylon_whose_file_was_never_good(make_home):
    home = make_home()
    home.start()
    home.write("pylons/broken/pylon.yaml", "name: broken\nzzz: 1\n")
    told = home.cli("explain", "broken", check=False)
    assert told.returncode == 78 and "unknown key `zzz`" in told.stderr
    told = home.cli("explain", "zzz-none", check=False)
    assert told.returncode == 1 and "no pylon and no job" in told.stderr


def test_a_zone_that_is_replaced_moves_the_schedule(make_home):
    home = make_home()
    zone = home.path("zones", "Test", "Place")
    os.makedirs(os.path.dirname(zone))

    def install(name):
        shutil.copy(f"/usr/share/zoneinfo/{name}", zone + ".new")
        os.rename(zone + ".new", zone)

    def hour():
        return api(home, "/api/pylons/nightly")["trigger"]["next_run"][11:16]

    install("UTC")
    home.start(env={"TZDIR": home.path("zones")})
    home.write("pylons/nightly/pylon.yaml",  # only now, so that its zone is watched later, too
               CRON.format(name="nightly", when='cron: "0 9 * * *"\n  timezone: Test/Place'))
    wait_for(lambda: "nightly: added" in home.output(), 5)
    assert hour() == "09:00"
    install("Asia/Tokyo")
    wait_for(lambda: hour() == "00:00", 5)
    install("UTC")
    wait_for(lambda: hour() == "09:00", 5)
