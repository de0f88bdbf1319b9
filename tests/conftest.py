"""What several tests need: a server that must leave nothing behind, and a wait for facts instead of a sleep."""

import logging
import re
import threading
import time

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from sse_demo import serve

settings.register_profile("short", max_examples=100, deadline=None)
settings.register_profile("long", max_examples=2000, deadline=None)  # pytest --hypothesis-profile=long
settings.load_profile("short")


class Scheduling(LoadFileScheduling):
    """All tests of a file in one process. Only the notebooks in the browser, which take the longest, are for two."""

    def _split_scope(self, nodeid):
        number = re.search(r"test_every_notebook.*\[(\d+)", nodeid)
        return f"{super()._split_scope(nodeid)}{f' {int(number[1]) % 2}' if number else ''}"


def pytest_xdist_make_scheduler(config, log):
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture
def operating():
    """``operating()`` starts a server with access control, with an operator; see ``operators.Served``."""
    from operators import serving_with_access  # which makes keys, and takes its time

    with serving_with_access() as start:
        yield start


@pytest.fixture
def operated(operating):
    """Such a server."""
    return operating()


@pytest.fixture
def server(caplog):
    """A running server. At its end it has left no thread behind, and has logged no error."""
    with serve() as server:
        yield server
    assert server._thread not in threading.enumerate()
    assert not [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]


@pytest.fixture
def eventually():
    """``eventually(condition)`` waits until the condition holds, and fails when it does not within a minute."""

    def wait(condition, timeout=60):
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"not within {timeout} s"
            time.sleep(0.005)

    return wait
