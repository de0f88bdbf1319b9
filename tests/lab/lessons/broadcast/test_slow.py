import math
import socket
import threading
import time

import pytest

from sse_demo import serve
from sse_demo.lab import SlowReader


@pytest.fixture(scope="module")
def server():
    with serve() as server:
        yield server


def test_it_reads_what_comes(server):
    reader = SlowReader(f"{server.url}/events?topic=a")
    ids = [server.publish("a", str(n)) for n in range(20)]
    reader.wait_for_id(ids[-1])
    assert [event.data for event in reader.wait_for(20)] == [str(n) for n in range(20)]
    assert sum(reader.batches) == 20
    assert reader.bytes > 20 * len("data: 0")
    reader.stop()
    assert not reader._thread.is_alive()


def test_nothing_is_published_before_it_keeps_up(server):
    reader = SlowReader(f"{server.url}/events?topic=pace")
    most_behind = 0

    def publish():
        nonlocal most_behind
        most_behind = max(most_behind, len(published) - reader.count)
        published.append(server.publish("pace", "x"))
        return published[-1]

    published = []
    assert reader.keep_up_with(publish, 45) == published
    assert len(published) == reader.count == 45
    assert most_behind < 20
    reader.stop()


def test_it_waits_until_it_may(server, eventually):
    reader = SlowReader(f"{server.url}/events?topic=b", speed=0)
    server.publish("b", "x" * 5000)
    with pytest.raises(TimeoutError, match=r"no 1 events within 0.3 s: 0 events have come"):
        reader.wait_for(1, timeout=0.3)
    assert reader.bytes == 0
    reader.speed = 1_000
    eventually(lambda: reader.bytes > 0)
    assert reader.count == 0
    reader.speed = math.inf
    reader.wait_for(1)
    reader.stop()


def test_it_ends_when_the_server_does():
    with serve() as server:
        reader = SlowReader(f"{server.url}/events?topic=a")
        server.publish("a", "bye")
        reader.wait_for(1)
    reader._thread.join(5)
    assert not reader._thread.is_alive()
    reader.stop()


def test_its_text_has_no_port(server):
    reader = SlowReader(f"{server.url}/events?topic=a")
    assert repr(reader) == "SlowReader('/events')"
    reader.stop()


def test_it_keeps_the_newest_only(server):
    reader = SlowReader(f"{server.url}/events?topic=c", keep=2)
    for n in range(5):
        server.publish("c", str(n))
    assert [event.data for event in reader.wait_for(5)] == ["3", "4"]
    assert reader.count == 5
    reader.stop()


@pytest.mark.parametrize(("path", "answer"), [("/events", "400"), ("/nothing", "404")])
def test_what_is_no_stream_is_told_at_once(server, path, answer):
    with pytest.raises(ConnectionError, match=rf"{path} answers HTTP/1.1 {answer} "):
        SlowReader(f"{server.url}{path}")


def test_a_server_that_closes_without_an_answer_is_told_at_once():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

        def close():
            listener.accept()[0].close()

        closing = threading.Thread(target=close)
        closing.start()
        with pytest.raises(ConnectionError):
            SlowReader(url)
        closing.join()
    with pytest.raises(ConnectionError, match=r"there is no server at .*; run the cell again that has started it"):
        SlowReader(url)


def test_nobody_waits_for_a_stream_that_has_ended():
    with serve() as server:
        reader = SlowReader(f"{server.url}/events?topic=a")
        server.publish("a", "bye")
        reader.wait_for(1)
    begin = time.monotonic()
    with pytest.raises(TimeoutError, match="no 2 events before the end of the stream: 1 events have come"):
        reader.wait_for(2)
    assert time.monotonic() - begin < 5
    assert reader.ended
    reader.stop()


def test_a_slider_sets_the_speed(server):
    reader = SlowReader(f"{server.url}/events?topic=d", speed=0)
    slider = reader.slider(500_000)
    slider.value = 300_000
    assert reader.speed == 300_000
    assert slider.max == 500_000
    reader.stop()
