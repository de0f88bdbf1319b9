import math

import pytest

from sse_demo import serve
from sse_demo.lab import SlowReader, lagging, metric, wait_for_subscribers


def test_a_subscriber_lags_until_it_has_read_everything(eventually):
    with serve() as server:
        reader = SlowReader(f"{server.url}/events?topic=a", speed=0)
        assert lagging(server) == 0
        for _ in range(400):
            server.publish("a", "x" * 20_000)
        eventually(lambda: lagging(server) == 1)
        reader.speed = math.inf
        reader.wait_for(400)
        eventually(lambda: lagging(server) == 0)
        reader.stop()


def test_a_figure_of_a_server_is_read_by_its_name():
    with serve() as server:
        reader = SlowReader(f"{server.url}/events?topic=a")
        server.publish("a", "1")
        reader.wait_for(1)
        assert metric(server, "sse_published_total") == metric(server, "sse_subscribers") == 1
        with pytest.raises(KeyError, match="the server counts no nonsense"):
            metric(server, "nonsense")
        reader.stop()


def test_who_waits_for_subscribers_is_told_how_many_have_come():
    with serve() as server:
        wait_for_subscribers(server, 0)
        reader = SlowReader(f"{server.url}/events?topic=a")
        wait_for_subscribers(server, 1)
        with pytest.raises(TimeoutError, match=r"1 of 2 subscribers have come within 0\.05 s"):
            wait_for_subscribers(server, 2, timeout=0.05)
        reader.stop()
