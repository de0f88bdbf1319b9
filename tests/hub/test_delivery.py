"""Who is closed, who is told what, and what is counted. That nothing is lost is in test_hub.py."""

import json
import socket
import time
import tracemalloc
import urllib.error
import urllib.request

import pytest
from support import Reader

from sse_demo import listen, serve
from sse_demo.wire.patch import merge_patch

BIG = "x" * 100_000


def metric(server, name):
    with urllib.request.urlopen(f"{server.url}/metrics") as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[-1])
    return 0.0


def fill(server, count=100, topic="a"):
    for n in range(count):
        server.publish(topic, f"{n} {BIG}")


# Who lags for too long


@pytest.mark.parametrize(("limit", "reason"), [("max_stall", "stall"), ("max_lag", "lag")])
def test_who_lags_for_too_long_is_closed_and_resumes_by_its_id(limit, reason, eventually):
    with serve(**{limit: 0.2}, retry=0.01) as server, Reader(server, "topic=a", receive_buffer=100_000) as slow:
        slow_id = server.publish("a", "first")
        slow.take(1)
        fill(server)
        eventually(lambda: server.hub.subscribers == 0)
        assert metric(server, f'sse_closed_total{{reason="{reason}"}}') == 1
        # A client that comes back by itself: on a busy machine it may be too slow for this limit once more.
        with listen(f"{server.url}/events?topic=a", last_event_id=slow_id) as again:
            assert [next(again).data.split()[0] for _ in range(100)] == [str(n) for n in range(100)]


def test_who_is_slow_but_reads_is_not_closed():
    with serve(max_stall=2.0, read_batch=50_000) as server, Reader(server, "topic=a", receive_buffer=100_000) as slow:
        fill(server, 60)
        deadline = time.monotonic() + 2.5
        for n in range(60):  # slower than the limit in all, and never without a byte for so long
            slow.take(n + 1)
            time.sleep(max(0, (deadline - time.monotonic()) / (60 - n)))
        assert metric(server, 'sse_closed_total{reason="stall"}') == 0


def test_an_idle_subscriber_does_not_lag():
    with serve(max_stall=0.05, max_lag=0.05) as server, Reader(server, "topic=a") as reader:
        time.sleep(0.3)
        server.publish("a", "still here")
        assert reader.take(1) == ["still here"]


# The age of a connection


def test_a_connection_that_is_old_ends_and_the_next_one_goes_on():
    with serve(max_connection_age=0.6) as server:
        with Reader(server, "topic=a") as reader:
            last_event_id = server.publish("a", "one")
            assert reader.take(1) == ["one"]
            with pytest.raises(AssertionError, match="the stream has ended"):
                reader.take(2)
        server.publish("a", "two")
        with Reader(server, "topic=a", last_event_id=last_event_id) as reader:
            assert reader.take(1) == ["two"]
        assert metric(server, 'sse_closed_total{reason="age"}') == 1


# Coalescing


def test_who_lags_gets_only_the_newest_for_each_key():
    with serve(coalesce=["prices"]) as server:
        with (
            Reader(server, "topic=prices", receive_buffer=100_000) as slow,
            Reader(server, "topic=prices", receive_buffer=100_000) as live,
        ):
            for n in range(200):
                server.publish("prices", f"{n} {BIG}", key="ab"[n % 2])
                live.take(n + 1)
            numbers = [int(data.split()[0]) for data in slow.take(2)]
            while numbers[-2:] != [198, 199]:
                numbers = [int(data.split()[0]) for data in slow.take(len(numbers) + 1)]
            assert len(numbers) < 150, "much of what came in between was never sent"
            assert numbers == sorted(set(numbers))
        with Reader(server, "topic=prices&recent=10") as later:
            assert [data.split()[0] for data in later.take(2)] == ["198", "199"]


def test_without_a_key_the_newest_of_the_topic_is_kept():
    with serve(coalesce=["price"]) as server:
        for n in range(5):
            server.publish("price", str(n))
        with Reader(server, "topic=price&recent=10") as reader:
            assert reader.take(1) == ["4"]
            server.publish("price", "5")
            assert reader.take(2) == ["4", "5"]


# States


def state_of(events, state=None):
    for event in events:
        change = json.loads(event.data)
        state = change if event.event == "snapshot" else merge_patch(state, change)
    return state


def test_a_state_is_a_snapshot_and_then_patches():
    with serve(state=["order"]) as server:
        server.publish("order", '{"status": "new", "lines": {"a": 1, "b": 2}}')
        with Reader(server, "topic=order") as reader:
            reader.take(1)
            server.publish("order", '{"status": "paid", "lines": {"a": 1, "b": 2}}')
            server.publish("order", '{"status": "paid", "lines": {"a": 1}}')
            events = reader.read(lambda events: len(events) == 3)
            assert [(event.event, event.data) for event in events] == [
                ("snapshot", '{"status":"new","lines":{"a":1,"b":2}}'),
                ("patch", '{"status":"paid"}'),
                ("patch", '{"lines":{"b":null}}'),
            ]
            assert events[0].id is None, "so that a client that is lost after it gets another one"


def test_who_comes_back_gets_a_snapshot_if_the_state_has_changed(eventually):
    with serve(state=["order"]) as server:
        missed = server.publish("order", '{"n": 0, "m": 0}')
        last = server.publish("order", '{"n": 1, "m": 0}')
        for last_event_id, first in [(missed, '{"n":1,"m":0}'), (last, '{"m":1}')]:
            with Reader(server, "topic=order", last_event_id=last_event_id) as reader:
                eventually(lambda: server.hub.subscribers == 1)
                if last_event_id == last:
                    server.publish("order", '{"n": 1, "m": 1}')
                assert reader.take(1) == [first]
            eventually(lambda: server.hub.subscribers == 0)


def test_who_lags_gets_a_snapshot_when_it_is_shorter_than_the_patches():
    def state(n):
        return json.dumps({"n": n, "filler": f"{n} {BIG}"})

    with serve(state=["order"]) as server, Reader(server, "topic=order", receive_buffer=100_000) as slow:
        server.publish("order", state(0))
        slow.take(1)
        for n in range(1, 100):
            server.publish("order", state(n))
        events = slow.read(lambda events: events and json.loads(events[-1].data)["n"] == 99)
        assert len(events) < 100
        assert [event.event for event in events].count("snapshot") == 2, "the first change, and one in between"
        assert state_of(events) == json.loads(state(99))


@pytest.mark.parametrize("id", ["expired", "unknown"])
def test_a_state_whose_patches_are_gone_begins_with_a_snapshot(id):
    with serve(state=["order"], log_events=3) as server:
        expired = server.publish("order", '{"n": 0}')
        for n in range(1, 10):
            server.publish("order", json.dumps({"n": n}))
        with Reader(server, "topic=order", last_event_id=expired if id == "expired" else id) as reader:
            (event,) = reader.read(lambda events: events)
            assert (event.event, event.data) == ("snapshot", '{"n":9}'), "and none of the patches before it"
            server.publish("order", '{"n": 10}')
            assert state_of(reader.read(lambda events: len(events) == 2)) == {"n": 10}


def test_a_state_that_does_not_change_sends_nothing():
    with serve(state=["order"]) as server, Reader(server, "topic=order") as reader:
        first = server.publish("order", '{"n": 1, "m": [1, 2]}')
        reader.take(1)
        assert server.publish("order", '{"m": [1, 2], "n": 1}') == first
        server.publish("order", '{"n": 2, "m": [1, 2]}')
        assert [event.event for event in reader.read(lambda events: len(events) == 2)] == ["snapshot", "patch"]


def test_a_state_is_there_again_after_a_restart(tmp_path, eventually):
    with serve(state=["order"], log=tmp_path / "e.db") as server:
        server.publish("order", '{"n": 1, "m": 1}')
        last_event_id = server.publish("order", '{"n": 2, "m": 1}')
    with (
        serve(state=["order"], log=tmp_path / "e.db") as server,
        Reader(server, "topic=order") as fresh,
        Reader(server, "topic=order", last_event_id=last_event_id) as back,
    ):
        fresh.take(1)
        eventually(lambda: server.hub.subscribers == 2)
        server.publish("order", '{"n": 3, "m": 1}')
        events = fresh.read(lambda events: len(events) == 2)
        assert [(event.event, event.data) for event in events] == [
            ("snapshot", '{"n":2,"m":1}'),
            ("patch", '{"n":3}'),
        ]
        assert [event.data for event in back.read(lambda events: events)] == ['{"n":3}']


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("[1]", "a state is a JSON object"),
        ("no", "a state is a JSON object, not 'no': Expecting value"),
        ('{"a": null}', "null, which a merge patch cannot say"),
        ('{"a": NaN}', "NaN is no JSON number"),
        ('{"a": "\\ud800"}', "surrogate"),
        ('{"a": 1e400}', "not JSON compliant"),
        ('{"a":' * 50_000 + "1" + "}" * 50_000, "nested too deeply"),
        ('{"a":[' * 51 + "1" + "]}" * 51, "nested 100 deep"),
    ],
)
def test_what_is_no_state_is_refused(state, reason):
    with serve(state=["order"]) as server:
        with pytest.raises(ValueError, match=reason):
            server.publish("order", state)
        request = urllib.request.Request(
            f"{server.url}/events?topic=order", state.encode(), {"Content-Type": "text/plain"}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == 400
        refused.value.close()


def test_a_key_where_there_is_no_use_for_one_is_refused(server):
    with pytest.raises(ValueError, match="a does not coalesce"):
        server.publish("a", "x", key="k")


# Batches


def test_with_a_delay_events_go_out_together():
    with serve(batch_delay=0.5) as server, Reader(server, "topic=a") as reader:
        assert reader.next_block().startswith(b":\nretry: ")
        server.publish("a", "that everybody is there")
        reader.next_block()
        for n in range(10):
            server.publish("a", str(n))
        assert reader.next_block().count(b"data: ") == 10


# Limits


def test_a_topic_has_room_for_so_many_subscribers():
    with serve(max_subscribers_per_topic=2) as server:
        with Reader(server, "topic=a"), Reader(server, "topic=a&topic=b"), Reader(server, "topic=b") as third:
            for topic in "ab":
                with pytest.raises(urllib.error.HTTPError) as refused:
                    urllib.request.urlopen(f"{server.url}/events?topic=c&topic={topic}")
                assert refused.value.code == 503
                assert refused.value.headers["Retry-After"]
                assert f"{topic} has 2 subscribers, which is the limit" in refused.value.read().decode()
            third.close()
        assert metric(server, 'sse_refused_total{reason="topic_full"}') == 2


def test_nothing_grows_with_topics_that_come_and_go(eventually):
    def round():
        for _ in range(100):
            with Reader(server, f"topic={time.monotonic_ns()}") as reader:
                server.publish(f"{time.monotonic_ns()}", "x" * 5000, idempotency_key=str(time.monotonic_ns()))
                assert reader.chunked
        eventually(lambda: server.hub.subscribers == 0)

    with serve(log_events=10, log_age=0.05, idempotency_keys=10) as server:
        round()
        tracemalloc.start()
        try:
            round()
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(5):
                round()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert len(server.hub.log._topics) < 200, "of 700"
        eventually(lambda: not server.hub._delivery._channels)
        assert grown < 1_000_000, "of 2,500,000"


def test_those_who_never_read_cost_nothing_but_their_sockets():
    with serve(log_bytes=2_000_000, burst_bytes=300_000) as server:
        readers = [Reader(server, "topic=a", receive_buffer=4096) for _ in range(20)]
        fill(server, 50)
        tracemalloc.start()
        try:
            fill(server, 50)
            before = tracemalloc.get_traced_memory()[0]
            fill(server, 200)
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        for reader in readers:
            reader.close()
        assert grown < 1_000_000


# Metrics


def test_what_is_counted(eventually):
    with serve() as server, Reader(server, "topic=a") as one, Reader(server, "topic=a") as other:
        eventually(lambda: server.hub.subscribers == 2)
        for _ in range(3):
            server.publish("a", "x")
        server.publish("b", "nobody listens")
        one.take(3)
        other.take(3)
        sent = sum(len(event.encode()) for event in one.events)
        assert metric(server, "sse_published_total") == 4
        assert metric(server, "sse_delivered_total") == 6
        assert metric(server, "sse_sent_bytes_total") == 2 * sent
        assert metric(server, "sse_subscribers") == 2
        assert metric(server, "sse_lagging_subscribers") == 0
        assert metric(server, "sse_delivery_seconds_count") == 3


def test_who_lags_is_counted(eventually):
    with serve() as server, Reader(server, "topic=a", receive_buffer=100_000) as slow:
        fill(server)
        eventually(lambda: metric(server, "sse_lagging_subscribers") == 1)
        eventually(lambda: metric(server, "sse_lag_seconds") > 0)
        slow.take(100)
        eventually(lambda: metric(server, "sse_lagging_subscribers") == 0)
        assert metric(server, "sse_lag_seconds") == 0


def test_resets_are_counted(server):
    with Reader(server, "topic=a", last_event_id="x") as reader:
        reader.take(1)
        assert metric(server, 'sse_resets_total{reason="unknown"}') == 1


def test_a_socket_that_dies_while_it_lags_is_forgotten(server, eventually):
    reader = Reader(server, "topic=a", receive_buffer=100_000)
    fill(server)
    reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    reader.close()
    eventually(lambda: server.hub.subscribers == 0)
    eventually(lambda: not server.hub._delivery._lagging)


def test_what_a_connection_follows_and_how_far_it_lags(eventually):
    with serve() as server, Reader(server, "topic=b&topic=a&topic=b", receive_buffer=4096) as slow:
        eventually(lambda: server.hub.subscribers == 1)
        (connection,) = server.service.connections
        assert server.hub.topics_of(connection) == ("b", "a")
        assert (server.hub.lag_of(connection), server.hub.lagging) == (0, 0)
        while not server.hub.lagging:
            server.publish("a", BIG)
        eventually(lambda: server.hub.lag_of(connection) > 0)
        slow.close()
        eventually(lambda: server.hub.subscribers == 0)
        assert (server.hub.topics_of(connection), server.hub.lag_of(connection)) == ((), 0)
