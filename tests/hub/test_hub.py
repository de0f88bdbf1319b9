import asyncio
import json
import random
import socket
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import Reader
from tornado.httpserver import HTTPServer

from sse_demo import Event, EventTooLarge, Hub, Settings, listen, serve
from sse_demo.errors import IdempotencyConflict
from sse_demo.web.app import make_app


def test_every_subscriber_gets_every_event_once_and_in_order(server):
    count, publishers = 200, 4
    with ThreadPoolExecutor() as pool:
        readers = [Reader(server, "topic=a") for _ in range(10)]

        def work(name):
            for n in range(count):
                server.publish("a", f"{name} {n}")

        for done in [pool.submit(work, name) for name in range(publishers)]:
            done.result()
        received = [reader.take(count * publishers) for reader in readers]
        assert all(got == received[0] for got in received)
        for name in range(publishers):
            assert [data for data in received[0] if data.startswith(f"{name} ")] == [
                f"{name} {n}" for n in range(count)
            ]
        for reader in readers:
            reader.close()


def test_several_topics_in_one_connection_come_in_the_order_of_their_ids(server):
    with Reader(server, "topic=a&topic=b") as reader:
        for n in range(300):
            server.publish(random.choice("abc"), str(n))
        server.publish("a", "end")
        events = reader.read(lambda events: events and events[-1].data == "end")
        positions = [int(event.id.partition("-")[2]) for event in events]
        assert positions == sorted(set(positions))
        assert len(events) > 100


def test_a_resumed_subscriber_misses_nothing_and_gets_nothing_twice_while_others_publish():
    stop = threading.Event()
    published = []

    def work():
        while not stop.is_set():
            published.append(str(len(published)))
            server.publish(random.choice("ab"), published[-1])

    with serve(log_events=1_000_000) as server:
        received, last_event_id = [], server.publish("a", "start")
        thread = threading.Thread(target=work)
        thread.start()
        try:
            for _ in range(40):
                with Reader(server, "topic=a&topic=b", last_event_id=last_event_id) as reader:
                    reader.take(random.randint(1, 30))
                    received += [event.data for event in reader.events]
                    last_event_id = reader.events[-1].id
        finally:
            stop.set()
            thread.join()
    assert received == published[: len(received)]


def test_recent_starts_with_the_newest(server):
    for n in range(10):
        server.publish("a", str(n))
    with Reader(server, "topic=a&recent=3") as reader:
        assert reader.take(3) == ["7", "8", "9"]
        server.publish("a", "live")
        assert reader.take(4)[3] == "live"


def test_without_an_id_only_what_comes_is_sent(server):
    server.publish("a", "before")
    with Reader(server, "topic=a") as reader:
        server.publish("a", "after")
        assert reader.take(1) == ["after"]


@pytest.mark.parametrize("id", ["nonsense", "1935a8f2c40-7"])
def test_an_unknown_id_is_told_so_and_gets_what_there_is(server, id):
    first = server.publish("a", "0")
    server.publish("a", "1")
    with Reader(server, "topic=a", last_event_id=id) as reader:
        reset, *rest = reader.read(lambda events: len(events) == 3)
        assert (reset.event, json.loads(reset.data)) == ("reset", {"reason": "unknown", "next_id": first})
        assert reset.id is None
        assert [event.data for event in rest] == ["0", "1"]
        server.publish("a", "live")
        assert reader.take(4)[3] == "live"


def test_an_unknown_id_of_an_empty_topic(server):
    with Reader(server, "topic=a", last_event_id="x") as reader:
        assert json.loads(reader.take(1)[0]) == {"reason": "unknown", "next_id": None}
        server.publish("a", "live")
        assert reader.take(2)[1] == "live"


def test_an_expired_id_is_told_so_and_goes_on_with_what_is_left():
    with serve(log_events=5) as server:
        first = server.publish("a", "0")
        ids = [server.publish("a", str(n)) for n in range(1, 10)]
        with Reader(server, "topic=a", last_event_id=first) as reader:
            reset, *rest = reader.read(lambda events: len(events) == 6)
            assert (reset.event, json.loads(reset.data)) == ("reset", {"reason": "expired", "next_id": ids[4]})
            assert [event.data for event in rest] == ["5", "6", "7", "8", "9"]
        with Reader(server, "topic=a", last_event_id=ids[3]) as reader:
            assert reader.take(5) == ["5", "6", "7", "8", "9"], "nothing after this one is missing"


BIG = "x" * 100_000


def test_a_slow_reader_holds_up_nobody_and_gets_everything_later():
    with (
        serve(log_bytes=100_000_000) as server,
        Reader(server, "topic=a", receive_buffer=200_000) as slow,
        Reader(server, "topic=a") as quick,
    ):
        for n in range(100):
            server.publish("a", f"{n} {BIG}")
        assert [data.split()[0] for data in quick.take(100)] == [str(n) for n in range(100)]
        assert [data.split()[0] for data in slow.take(100)] == [str(n) for n in range(100)]
        server.publish("a", "live again")
        assert slow.take(101)[-1] == "live again"


def test_a_reader_that_is_slower_than_the_log_is_told_what_it_missed():
    with serve(log_events=10) as server, Reader(server, "topic=a", receive_buffer=200_000) as slow:
        with Reader(server, "topic=a") as quick:
            for n in range(100):
                server.publish("a", f"{n} {BIG}")
                quick.take(n + 1)
        events = slow.read(lambda events: events and events[-1].data.startswith("99 "))
        kinds = [event.event for event in events]
        gap = kinds.index("reset")
        assert json.loads(events[gap].data) == {"reason": "expired", "next_id": events[gap + 1].id}
        numbers = [int(event.data.split()[0]) for event in events if event.event == "message"]
        assert numbers == sorted(set(numbers))
        assert numbers[-10:] == list(range(90, 100))


def test_a_burst_from_a_thread_is_delivered_whole():
    with serve(max_burst=10) as server, Reader(server, "topic=a") as reader:
        for n in range(5000):
            server.publish("a", str(n))
        assert reader.take(5000) == [str(n) for n in range(5000)]


def test_a_client_of_http_1_0_gets_plain_bytes(server):
    with Reader(server, "topic=a", version="1.0") as reader:
        assert not reader.chunked
        server.publish("a", "one")
        server.publish("b", "no")
        server.publish("a", "two")
        assert reader.take(2) == ["one", "two"]


def test_an_idle_stream_has_a_heartbeat():
    with serve(heartbeat=0.05) as server, Reader(server, "topic=a") as reader:
        retry = [reader.file.readline() for _ in range(4)]
        assert (retry[1], retry[2][:7]) == (b":\n", b"retry: ")
        assert [reader.file.readline() for _ in range(9)] == [b"2\r\n", b":\n", b"\r\n"] * 3
        server.publish("a", "still in step")
        assert reader.take(1) == ["still in step"]


def test_who_leaves_is_forgotten(server, eventually):
    readers = [Reader(server, "topic=a") for _ in range(20)]
    eventually(lambda: server.hub.subscribers == 20)
    for reader in readers:
        reader.close()
    eventually(lambda: server.hub.subscribers == 0)
    eventually(lambda: not server.hub._delivery._channels)
    server.publish("a", "nobody is there")


def test_who_leaves_while_lagging_is_forgotten(server, eventually):
    reader = Reader(server, "topic=a", receive_buffer=200_000)
    for _ in range(100):
        server.publish("a", BIG)
    reader.close()
    eventually(lambda: server.hub.subscribers == 0)


def test_the_same_key_is_the_same_event(server):
    ids = {server.hub.publish("a", Event("pay"), idempotency_key="k1") for _ in range(3)}
    assert len(ids) == 1
    assert server.hub.publish("a", Event("pay"), idempotency_key="k2") not in ids
    with pytest.raises(IdempotencyConflict, match="'k1'"):
        server.hub.publish("a", Event("pay more"), idempotency_key="k1")
    with pytest.raises(IdempotencyConflict):
        server.hub.publish("b", Event("pay"), idempotency_key="k1")
    with Reader(server, "topic=a&topic=b&recent=10") as reader:
        server.publish("a", "end")
        assert reader.take(3) == ["pay", "pay", "end"]


def test_only_so_many_keys_are_remembered():
    with serve(idempotency_keys=2) as server:
        first = server.hub.publish("a", Event("x"), idempotency_key="1")
        server.hub.publish("a", Event("x"), idempotency_key="2")
        server.hub.publish("a", Event("x"), idempotency_key="3")
        assert server.hub.publish("a", Event("x"), idempotency_key="1") != first


@pytest.mark.parametrize("topic", ["", "a b", "a\n", "é", "a?b", "x" * 129, None, 7])
def test_what_is_no_topic_name_is_refused(topic):
    with pytest.raises(ValueError, match="not a topic name"):
        Hub().publish(topic, Event("x"))


def test_ids_are_the_hubs():
    with pytest.raises(ValueError, match="the hub gives the ids"):
        Hub().publish("a", Event("x", id="7"))


def test_an_event_that_is_too_large_is_refused():
    with serve(max_event_size=1000) as server:
        with pytest.raises(EventTooLarge, match="1,000"):
            server.publish("a", "x" * 1000)
        server.publish("a", "x" * 900)


def test_what_the_server_takes_by_default_its_client_can_read(server):
    largest = "x" * (server.hub.settings.max_event_size - 100)
    server.publish("a", largest)
    assert next(listen(f"{server.url}/events?topic=a&recent=1")).data == largest


def test_recent_promises_nothing_and_so_misses_nothing():
    with serve(log_bytes=3000) as server:
        server.publish("quiet", "first")
        for _ in range(20):
            server.publish("busy", "x" * 200)
        with Reader(server, "topic=quiet&topic=busy&recent=6") as reader:
            assert reader.read(lambda events: len(events))[0].event == "message"


def test_a_burst_is_not_copied_for_each_slow_subscriber():
    async def main():
        hub = Hub(Settings())
        http_server = HTTPServer(make_app(hub))
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        http_server.add_socket(listener)
        readers = []
        for _ in range(10):
            reader = socket.socket()
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(listener.getsockname())
            reader.sendall(b"GET /events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n")
            readers.append(reader)
        async with asyncio.timeout(5):
            while hub.subscribers < 10:
                await asyncio.sleep(0.001)
        tracemalloc.start()
        for _ in range(900):  # less than max_burst: one delivery
            hub.publish("a", "x" * 10_000)
        await asyncio.sleep(0)  # the delivery
        await asyncio.sleep(0)
        grown = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        for reader in readers:
            reader.close()
        http_server.stop()
        await http_server.close_all_connections()
        async with asyncio.timeout(5):
            while hub.subscribers:
                await asyncio.sleep(0.001)
        return grown

    assert asyncio.run(main()) < 20_000_000  # 9 MB in the log, and little for each subscriber
