"""Publish, subscribe, slow down, cut, resume, restart, in any order: nobody misses anything or gets it twice.

Subscribers are sockets with small buffers, so that they lag as soon as they do not read. What each of them has been
sent is compared with what was published: topic by topic without a gap, a repeat or disorder.

A few seconds of it are part of every run of the tests. A longer search takes minutes:

    pytest --hypothesis-profile=long tests/hub/test_in_any_order.py
"""

import itertools
import json
import socket
from collections import defaultdict

import pytest
from fake_engine import TRIES, Engine, SharedLog
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from support import Reader

from sse_demo import LogError, LogUncertain, Settings, merge_patch, serve

BUFFER = 16_384  # bytes; the kernel doubles it
PLAIN, URGENT, COALESCED, STATE = ("a", "b"), ("u",), ("c",), ("s",)
TOPICS = (*PLAIN, *URGENT, *COALESCED, *STATE)


class Client:
    """One that comes back with its last event id, and what it has received since it last began anew."""

    def __init__(self, machine, topics):
        self.machine = machine
        self.topics = topics
        self.reader = None
        self.begin(machine.count)

    def begin(self, start):
        """Begin anew: what was published from this number on is due."""
        self.start = start
        self.received = defaultdict(list)  # by topic: numbers of publications
        self.last_event_id = ""
        self.state = None

    def connect(self):
        if not self.last_event_id:
            self.begin(self.machine.count)
        query = "&".join(f"topic={topic}" for topic in self.topics)
        self.reader = Reader(self.machine.server, query, last_event_id=self.last_event_id, receive_buffer=BUFFER)

    def cut(self):
        self.reader.close()
        self.reader = None

    def due(self, topic):
        return [n for n in range(self.start, self.machine.count) if self.machine.topic_of[n] == topic]

    def read_one(self):
        event = self.reader.read(lambda events: events).pop(0)
        if event.event == "reset":
            assert json.loads(event.data)["reason"] == "unknown"
            assert not self.machine.durable, "a durable log knows its ids"
            self.begin(self.machine.era)
            return None
        if event.event in ("snapshot", "patch"):
            self.follow(event)
            topic = STATE[0]
        else:
            number, topic, _ = event.data.split(" ", 2)
            if self.received[topic]:
                assert int(number) > self.received[topic][-1], "twice, or in disorder"
            self.received[topic].append(int(number))
        if event.id:
            self.last_event_id = event.id
        return topic

    def follow(self, event):
        """The state goes from one that was published to a later one, and is never anything else."""
        change = json.loads(event.data)
        assert event.event == "snapshot" or self.state is not None, "a patch, and nothing to patch"
        before = self.state["n"] if self.state else -1
        self.state = change if event.event == "snapshot" else merge_patch(self.state, change)
        assert self.state == self.machine.states[self.state["n"]]
        assert self.state["n"] >= before

    def has_missed_nothing_so_far(self):
        for topic in (*PLAIN, *URGENT):
            if topic in self.topics:
                assert self.received[topic] == self.due(topic)[: len(self.received[topic])], topic

    def is_up_to_date(self):
        for topic in self.topics:
            due = self.due(topic)
            if topic in STATE:
                latest = [n for n in self.machine.states if n >= self.machine.era]
                done = not latest or (self.state is not None and self.state["n"] == latest[-1])
            elif topic in COALESCED:
                newest = {self.machine.key_of[n]: n for n in due}
                done = set(newest.values()) <= set(self.received[topic])
            else:
                done = self.received[topic] == due
            if not done:
                return False
        return True


OPTIONS = {"urgent": URGENT, "coalesce": COALESCED, "state": STATE, "read_batch": 30_000}


class Machine(RuleBasedStateMachine):
    """One server, whose log is in memory, or on the disk at ``path``."""

    durable = False
    path = None

    def __init__(self):
        super().__init__()
        self.count = self.era = 0  # publications in all, and the first one that the log still knows
        self.topic_of, self.key_of, self.states = {}, {}, {}
        self.start()
        self.clients = [Client(self, TOPICS)]
        self.clients[0].connect()

    def start(self):
        self.server = self.serve(self.path)

    def serve(self, log):
        server = serve(log=log, **OPTIONS)
        server._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        return server

    def stop(self):
        self.server.stop()

    def teardown(self):
        try:
            for client in self.clients:
                self.catch_up(client)
        finally:
            for client in self.clients:
                if client.reader:
                    client.cut()
            self.stop()

    def catch_up(self, client):
        if not client.reader:
            client.connect()
        while not client.is_up_to_date():
            client.read_one()
        client.has_missed_nothing_so_far()

    def publish(self, topic, text, key=None):
        self.topic_of[self.count], self.key_of[self.count] = topic, key
        self.count += 1
        self.server.publish(topic, text, key=key)

    @rule(topic=st.sampled_from(PLAIN + URGENT), size=st.sampled_from([0, 0, 10_000, 60_000]))
    def publish_an_event(self, topic, size):
        self.publish(topic, f"{self.count} {topic} {'x' * size}")

    @rule(topics=st.sampled_from([("a",), ("a", "a", "a", "u")]), count=st.integers(5, 20))
    def publish_many(self, topics, count):
        for topic in topics * count:
            self.publish(topic, f"{self.count} {topic} {'x' * 20_000}")

    @rule(key=st.sampled_from("xyz"), size=st.sampled_from([0, 20_000]))
    def publish_the_newest_of_a_key(self, key, size):
        self.publish("c", f"{self.count} c {'x' * size}", key)

    @rule(members=st.dictionaries(st.sampled_from("pqr"), st.integers(0, 2)), size=st.sampled_from([0, 20_000]))
    def publish_a_state(self, members, size):
        self.states[self.count] = {"n": self.count, "members": members, "filler": "x" * size}
        self.publish("s", json.dumps(self.states[self.count]))

    @precondition(lambda self: len(self.clients) < 4)
    @rule(topics=st.sampled_from([("a", "u"), ("a", "b", "u", "s"), TOPICS, ("c",), ("s",), ("a", "s")]))
    def subscribe(self, topics):
        self.clients.append(Client(self, topics))
        self.clients[-1].connect()

    @precondition(lambda self: any(client.reader for client in self.clients))
    @rule(data=st.data(), events=st.integers(1, 40), lose_the_line=st.booleans())
    def read_some(self, data, events, lose_the_line):
        client = data.draw(st.sampled_from([client for client in self.clients if client.reader]))
        while events and not client.is_up_to_date():
            client.read_one()
            events -= 1
        if lose_the_line:
            client.cut()
            client.connect()

    @precondition(lambda self: any(client.reader for client in self.clients))
    @rule(data=st.data())
    def cut(self, data):
        data.draw(st.sampled_from([client for client in self.clients if client.reader])).cut()

    @precondition(lambda self: any(not client.reader for client in self.clients))
    @rule(data=st.data())
    def resume(self, data):
        data.draw(st.sampled_from([client for client in self.clients if not client.reader])).connect()

    @rule()
    def restart(self):
        for client in self.clients:
            if client.reader:
                client.cut()
        self.stop()
        if not self.durable:
            self.era = self.count
            for client in self.clients:
                client.has_missed_nothing_so_far()
        self.start()

    @invariant()
    def nobody_has_missed_anything(self):
        for client in self.clients:
            client.has_missed_nothing_so_far()


class ManyNodes(Machine):
    """Two servers that share a log on an engine. Whatever is done next is done on the other one."""

    durable = True

    def __init__(self):
        self.engine = Engine(Settings(**OPTIONS))
        super().__init__()

    def start(self):
        self.logs = [SharedLog(self.engine) for _ in range(2)]
        self.nodes = [self.serve(log) for log in self.logs]
        self.turns = itertools.cycle(self.nodes)

    def stop(self):
        for node, log in zip(self.nodes, self.logs, strict=True):
            node.stop()
            log.close()

    @property
    def server(self):
        return next(self.turns)

    @rule(tries=st.integers(1, 2))
    def the_next_answers_break_off(self, tries):
        """The same token again finds out what has become of the append."""
        self.engine.troubles.clear()
        self.engine.troubles += ["breaks off"] * tries

    @rule(topic=st.sampled_from(PLAIN))
    def the_engine_hangs(self, topic):
        """The publisher is told that nobody knows; here it was not kept."""
        self.engine.troubles.clear()
        self.engine.troubles += ["hangs"] * TRIES
        with pytest.raises(LogUncertain):
            self.server.publish(topic, "never")

    @rule(data=st.data(), count=st.integers(1, 5))
    def a_node_is_cut_off_and_a_client_comes_to_it_that_knows_more(self, data, count):
        """It is told nothing that it knows, no reset, and after the partition just what is new to it."""
        client = data.draw(st.sampled_from(self.clients))
        if client.reader:
            client.cut()
        cut_off = data.draw(st.integers(0, 1))
        self.turns = itertools.repeat(self.nodes[1 - cut_off])
        client.connect()
        self.logs[cut_off].cut()
        with pytest.raises(LogError):
            self.nodes[cut_off].publish("a", "never")
        for topic in ("a", "u", "b")[:count]:
            self.publish(topic, f"{self.count} {topic} ")
        self.catch_up(client)
        client.cut()
        self.turns = itertools.repeat(self.nodes[cut_off])
        client.connect()
        self.turns = itertools.repeat(self.nodes[1 - cut_off])
        self.publish("a", f"{self.count} a ")
        self.logs[cut_off].heal()
        self.turns = itertools.cycle(self.nodes)
        self.catch_up(client)


@pytest.mark.parametrize("log", ["memory", "sqlite", "shared"])
def test_in_any_order(log, tmp_path):
    numbers = iter(range(10**9))

    class OfOneLog(Machine):
        def __init__(self):
            self.durable = log == "sqlite"
            self.path = tmp_path / f"{next(numbers)}.db" if self.durable else None
            super().__init__()

    run_state_machine_as_test(
        ManyNodes if log == "shared" else OfOneLog,
        settings=settings(
            max_examples=settings.default.max_examples // 5,  # each of them is many steps
            stateful_step_count=40,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate],  # real sockets: to shrink would take many minutes
        ),
    )
