"""Several hubs on one engine: each rule by itself. Any order of steps is in test_in_any_order.py."""

import json
import threading
import urllib.error
import urllib.request
from contextlib import ExitStack

import pytest
from fake_engine import Engine, SharedLog
from support import Reader

from sse_demo import IdempotencyConflict, Settings, merge_patch, serve


@pytest.fixture
def nodes():
    """``nodes(2, state=["s"])`` starts servers on one engine, and gives it and their logs, too."""
    with ExitStack() as running:

        def start(count, **settings):
            engine = Engine(Settings(**settings))
            logs = [SharedLog(engine) for _ in range(count)]
            servers = [running.enter_context(serve(log=log, **settings)) for log in logs]
            return engine, logs, servers

        yield start


def test_a_key_is_one_event_on_all_nodes(nodes):
    _, _, (one, other) = nodes(2)
    id = one.publish("a", "x", idempotency_key="k")
    assert other.publish("a", "x", idempotency_key="k") == id
    with pytest.raises(IdempotencyConflict):
        other.publish("a", "y", idempotency_key="k")


def test_who_has_seen_more_on_another_node_waits_for_what_is_new(nodes):
    _, logs, (one, other) = nodes(2)
    logs[1].cut()
    ids = [one.publish("a", str(n)) for n in range(3)]
    with Reader(other, "topic=a", last_event_id=ids[1]) as reader:
        logs[1].heal()
        assert reader.take(1) == ["2"], "neither a reset nor what it knows"


def test_who_has_made_an_id_up_is_told_so_once_the_node_has_all_there_is(nodes, eventually):
    engine, logs, (one, other) = nodes(2)
    first = one.publish("a", "0")
    logs[1].cut()
    with Reader(other, "topic=a", last_event_id=f"{engine.name}e0-999") as reader:
        one.publish("a", "1")
        eventually(lambda: other.hub.subscribers)
        logs[1].heal()
        reset, *rest = reader.read(lambda events: len(events) == 3)
        assert json.loads(reset.data) == {"reason": "unknown", "next_id": first}
        assert [event.data for event in rest] == ["0", "1"]


def test_a_node_that_was_away_for_too_long_tells_what_is_missing(nodes):
    engine, logs, (one, other) = nodes(2)
    with Reader(other, "topic=a") as reader:
        one.publish("a", "0")
        assert reader.take(1) == ["0"]
        logs[1].cut()
        ids = [one.publish("a", str(n)) for n in range(1, 20)]
        engine.trim(keep=5)
        logs[1].heal()
        _, reset, *rest = reader.read(lambda events: len(events) == 7)
        said = json.loads(reset.data)
        assert (said["reason"], said["next_id"] in (ids[-5], None)) == ("expired", True), "None: before the rest came"
        assert [event.data for event in rest] == [str(n) for n in range(15, 20)]


def test_two_nodes_that_change_a_state_at_once_make_no_state_that_nobody_has_published(nodes, eventually):
    _, _, servers = nodes(3, state=["s"])
    published, readers = [], [Reader(server, "topic=s") for server in servers]
    eventually(lambda: all(server.hub.subscribers for server in servers))  # or a snapshot would stand for many changes

    def publish(server, name):
        for n in range(30):
            published.append({"by": name, "n": n, name: n})
            server.publish("s", json.dumps(published[-1]))

    threads = [threading.Thread(target=publish, args=(server, f"node{n}")) for n, server in enumerate(servers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = []
    for reader in readers:
        state, states = None, []
        for event in reader.read(lambda events: len(events) == 90):
            change = json.loads(event.data)
            state = change if event.event == "snapshot" else merge_patch(state, change)
            states.append(state)
        assert all(state in published for state in states)
        seen.append((states, [event.id for event in reader.events if event.id]))
        reader.close()
    assert seen[0][0][-1] == seen[1][0][-1] == seen[2][0][-1]


def test_after_the_engine_has_lost_its_newest_states_are_sent_whole_and_ids_go_on(nodes, eventually):
    engine, _, (one, other) = nodes(2, state=["s"])
    readers = [Reader(server, "topic=s&topic=a") for server in (one, other)]
    eventually(lambda: one.hub.subscribers and other.hub.subscribers)
    for n in range(10):
        one.publish("s", json.dumps({"n": n, "m": 0}))
    engine.lose(5)
    for server in (one, other):
        server.publish("a", "x")
    for n in range(10, 13):
        other.publish("s", json.dumps({"n": n, "m": 0}))
    for reader in readers:
        events = reader.read(lambda events: len(events) == 15)
        kinds = [event.event for event in events]
        assert kinds[-3:] == ["snapshot", "patch", "patch"]
        positions = [int(event.id.partition("-")[2]) for event in events if event.id]
        assert positions == sorted(set(positions)), "nothing twice, and nothing goes backwards"
        reader.close()


def test_a_node_without_its_engine_says_so(nodes):
    _, logs, (server,) = nodes(1)
    logs[0].cut()
    request = urllib.request.Request(f"{server.url}/events?topic=a", b"x", {"Content-Type": "text/plain"})
    for asked in (request, f"{server.url}/health"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked)
        assert refused.value.code == 503
        refused.value.close()
    logs[0].heal()
    with urllib.request.urlopen(request) as answer, urllib.request.urlopen(f"{server.url}/health") as health:
        assert (answer.status, health.status) == (202, 200)
