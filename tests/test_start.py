"""``serve()``: what it is given, and what it leaves behind where that is wrong."""

import gc
import threading

import pytest
from asking import assert_problem, publish, request

from sse_demo import Hub, LogError, MemoryLog, listen, serve
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route


class Start(Handler):
    def get(self):
        self.write("my own page")


class EmptyLog(MemoryLog):
    """A log of one's own, which nobody may take for none while it is empty."""

    def __len__(self):
        return 0


def threads():
    return {thread for thread in threading.enumerate() if thread.name.startswith("sse_demo")}


@pytest.mark.parametrize("port", [70_000, -1, "8000", 80.0, None, True])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(ValueError, match=f"port must be a whole number from 0 to 65535, not {port!r}"):
        serve(port)


def test_a_log_of_ones_own_is_used_also_while_it_is_empty():
    log = EmptyLog()
    with serve(log=log) as server:
        assert server.hub.log is log
        server.publish("a", "x")
    with serve(log=log) as another:
        assert another.publish("a", "y").endswith("-2"), "it was not closed"


def test_a_server_is_true_also_while_nobody_listens():
    with serve() as server:
        assert server
        assert server.hub


@pytest.mark.parametrize("path_of", [str, lambda path: path])
def test_a_path_keeps_the_events(tmp_path, path_of):
    for data in ("one", "two"):
        with serve(log=path_of(tmp_path / "events.db")) as server:
            server.publish("a", data)
    with serve(log=tmp_path / "events.db") as server, listen(f"{server.url}/events?topic=a&recent=9") as events:
        assert [next(events).data, next(events).data] == ["one", "two"]


def test_the_demo_is_left_out():
    with serve(demo=False) as server:
        for path in ("/", "/stream", "/ping"):
            assert_problem(request(server, "GET", path), 404, f"there is nothing at {path}")
        assert publish(server)[0] == 202
        for path in ("/health", "/metrics"):
            assert request(server, "GET", path)[0] == 200
    with serve(demo=False, routes=[Route("/", Start)]) as server:
        assert request(server, "GET", "/")[2] == b"my own page"


def test_a_live_server_publishes_this_machine():
    before = threads()
    with serve(live=True, demo=False) as server, listen(f"{server.url}/events?topic=machine") as events:
        assert '"cpu"' in next(events).data
    assert threads() <= before


def test_what_is_wrong_leaves_nothing_behind(tmp_path):
    before = threads()
    (tmp_path / "text").write_text("no log" * 1000)
    for wrong, error in [
        ({"log": tmp_path / "text"}, LogError),
        ({"log": tmp_path / "events.db", "routes": [Route("no/slash", Start)]}, ValueError),
        ({"heartbeat": 0}, ValueError),
        ({"hartbeat": 1}, TypeError),
    ]:
        with pytest.raises(error):
            serve(**wrong)
    gc.collect()  # a socket that is left open would warn
    assert threads() <= before
    serve(log=tmp_path / "events.db").stop()  # it is not in use


def test_the_settings_of_the_hub_and_of_the_http_side_are_given_together():
    with serve(max_topics=7, max_connections=8) as server:
        assert isinstance(server.hub, Hub)
        assert server.hub.settings.max_topics == 7
        assert server.service.settings.max_connections == 8
