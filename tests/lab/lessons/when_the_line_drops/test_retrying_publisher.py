import threading

import pytest

from sse_demo import PublishError, serve
from sse_demo.lab import Fault, FaultProxy, LiveEvents, RetryingPublisher, gaps


def test_each_number_comes_once_though_answers_are_lost(eventually):
    lost = [Fault("reset"), Fault()] * 10  # every second answer, after the server has read the request
    with serve() as server, FaultProxy(f"{server.url}/events?topic=numbers", *lost) as proxy:
        live = LiveEvents(f"{server.url}/events?topic=numbers&recent=100")
        publisher = RetryingPublisher(proxy.url)
        publisher.start(15)
        live.wait_for(15)
        eventually(lambda: publisher.done == 15)
        publisher.stop()
        live.stop()
        assert gaps(live.events) == "0 missing, 0 twice, 0 out of order"
        assert (live.count, publisher.tries) == (15, 25)


def test_it_waits_for_a_server_that_is_away_and_stops_when_it_is_told(eventually):
    before = set(threading.enumerate())
    with serve() as server, FaultProxy(f"{server.url}/events?topic=numbers") as proxy:
        proxy.down()
        publisher = RetryingPublisher(proxy.url)
        publisher.start(3)
        eventually(lambda: publisher.tries > 3)
        assert publisher.done == 0
        proxy.up()
        eventually(lambda: publisher.done == 3)
        publisher.stop()
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name == "Repeat"]
    assert repr(publisher) == "RetryingPublisher(3 numbers)"


def test_what_the_server_refuses_is_not_tried_again(eventually):
    with serve() as server:
        publisher = RetryingPublisher(f"{server.url}/nothing")
        publisher.start(3)
        eventually(lambda: publisher.error)
        assert publisher.tries == 1
        with pytest.raises(PublishError, match="404"):
            raise publisher.error
        publisher.stop()


def test_it_waits_until_it_is_started_and_a_second_start_publishes_nothing_new(eventually):
    with serve() as server:
        url = f"{server.url}/events?topic=numbers"
        publisher = RetryingPublisher(url)
        live = LiveEvents(f"{url}&recent=100")
        assert publisher.tries == 0
        publisher.start(3)
        eventually(lambda: publisher.done == 3)
        publisher.start(5)
        eventually(lambda: publisher.done == 5)
        live.wait_for(5)
        publisher.stop()
        live.stop()
    assert gaps(live.events, range(5)) == "0 missing, 0 twice, 0 out of order"
