# SPDX-License-Identifier: MIT
import shutil

import pytest

from harness import Engine, Home, Receiver, engine_socket


@pytest.fixture
def make_home():
    """Makes homes; stops their daemons and removes their folders at the end."""
    homes = []

    def make(**kw):
        home = Home(**kw)
        homes.append(home)
        return home
    yield make
    for home in homes:
        if home.process and home.process.poll() is None:
            home.process.kill()
            home.process.wait()
        shutil.rmtree(home.dir, ignore_errors=True)


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture
def make_docker_home(make_home, engine):
    """As make_home, with the real container engine; its containers are removed at the end."""
    homes = []

    def make(**kw):
        home = make_home(docker=engine_socket(), **kw)
        homes.append(home)
        return home
    yield make
    for home in homes:
        if home.process and home.process.poll() is None:
            home.process.kill()
            home.process.wait()
        engine.remove_all(home)


@pytest.fixture
def receiver():
    r = Receiver()
    yield r
    r.close()
