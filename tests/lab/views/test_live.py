import json
import threading

import pytest

from sse_demo import Event, EventSourceError, serve
from sse_demo.lab import LiveEvents
from sse_demo.lab.views.live import Rate


@pytest.fixture
def server():
    with serve() as server:
        yield server


def test_events_come_while_nobody_waits_for_them(server):
    live = LiveEvents(f"{server.url}/stream?count=5&interval=0.05")
    first = live.wait_for(5)[0]
    assert json.loads(first.data)["seq"] == 0
    assert [event.id for event in live.events] == ["0", "1", "2", "3", "4"]
    assert live.count == 5
    live.stop()
    assert live.state == "closed"


def test_the_view_shows_the_newest_events_as_text(server):
    for n in range(20):
        server.publish("news", Event(f"<b>{n}</b>", event="greeting"))
    live = LiveEvents(f"{server.url}/events?topic=news&recent=20", show=3)
    live.wait_for(20)
    live.stop()
    shown = live.html
    assert '<span style="display:inline-block">events <b>20</b></span>' in shown
    assert shown.index("&lt;b&gt;19&lt;/b&gt;") < shown.index("&lt;b&gt;17&lt;/b&gt;")
    assert "&lt;b&gt;16" not in shown
    assert "<b>19" not in shown


def test_a_204_closes_it(server):
    live = LiveEvents(f"{server.url}/stream", last_event_id="9")
    live.wait_closed()
    assert live.state == "closed"
    assert live.count == 0
    with pytest.raises(RuntimeError, match="has ended before 1 events"):
        live.wait_for(1)


def test_too_few_events_are_a_timeout_that_says_how_many_came(server):
    live = LiveEvents(f"{server.url}/stream?count=2&interval=30")
    live.wait_for(1)
    with pytest.raises(TimeoutError, match=r"no 2 events within 0.1 s: 1 events have come from .*, which is open"):
        live.wait_for(2, timeout=0.1)
    live.stop()


def test_an_error_of_the_stream_is_shown_kept_and_raised_again(server):
    live = LiveEvents(f"{server.url}/ping")
    for _ in range(2):
        with pytest.raises(EventSourceError, match="application/json"):
            live.wait_for(1)
    live.stop()  # it has drawn for the last time
    assert live.state == "failed"
    assert isinstance(live.error, EventSourceError)
    assert "application/json" in live.html


def test_a_server_that_is_gone_is_told(server, eventually):
    told = []
    live = LiveEvents(f"{server.url}/events?topic=news", on_state_change=told.append)
    eventually(lambda: live.state == "open")
    server.stop()
    eventually(lambda: "nothing answers there" in live.html)
    assert "tries again" in live.html
    assert [change.state.name for change in told][:2] == ["OPEN", "CONNECTING"]
    with pytest.raises(TimeoutError, match=r"is connecting: .*nothing answers there.*; it tries again after .* s"):
        live.wait_for(1, timeout=0.1)
    live.stop()
    assert "tries again" not in live.html


def test_stop_ends_its_thread_and_may_come_twice(server):
    before = set(threading.enumerate())
    live = LiveEvents(f"{server.url}/events?topic=news")
    live.stop()
    live.stop()
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("LiveEvents")]


def test_only_so_many_events_are_kept(server):
    live = LiveEvents(f"{server.url}/stream?count=50&interval=0", keep=10)
    live.wait_for(50)
    live.stop()
    assert [event.id for event in live.events] == [str(n) for n in range(40, 50)]


def test_the_event_with_an_id_is_that_event_however_many_came_before(server):
    live = LiveEvents(f"{server.url}/events?topic=news&recent=5", keep=3)
    ids = [server.publish("news", f"hello {n}") for n in range(5)]
    assert live.wait_for_id(ids[-1]).data == "hello 4"
    with pytest.raises(TimeoutError, match=f"no event {ids[0]} within 0.1 s: 5 events have come"):
        live.wait_for_id(ids[0], timeout=0.1)
    live.stop()
    with pytest.raises(RuntimeError, match="has ended before event none"):
        live.wait_for_id("none")


def test_its_text_is_the_same_on_every_port(server):
    live = LiveEvents(f"{server.url}/events?topic=news&recent=5")
    live.stop()
    assert repr(live) == "LiveEvents('/events?topic=news&recent=5')"


@pytest.mark.parametrize(("each", "rate"), [(0.1, 10.0), (0.2, 5.0), (2.0, 0.5), (10.0, 0.1)])
def test_the_rate_is_the_same_whenever_one_looks(each, rate):
    seen = Rate()
    rates = [seen.at(tenth / 10, 1 + int(tenth / 10 / each + 1e-9)) for tenth in range(400)]
    assert set(rates[int(each * 10) :]) == {rate}


def test_the_rate_does_not_count_what_was_there_before_and_falls_when_nothing_comes():
    seen = Rate()
    assert [seen.at(0, 0), seen.at(1, 20)] == [0, 0]
    assert seen.at(2, 30) == 10
    assert [seen.at(now, 30) for now in (3, 4, 12, 1000)] == [10, 5, 1, 0]


def test_the_rate_of_many_that_come_at_once():
    seen = Rate()
    assert [seen.at(tenth / 10, tenth * 100) for tenth in range(1, 50)][1:] == [1000] * 48
