"""How publications come into the log. What publishing promises to its callers is in test_hub.py."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sse_demo import Event, Settings
from sse_demo.errors import IdempotencyConflict, LogError, LogFull
from sse_demo.hub.publisher import Publisher, Waiting
from sse_demo.logs.memory import Entry, MemoryLog


class SlowLog(MemoryLog):
    """One that waits before it appends, as one on a disk does, and can be told to fail."""

    blocking = True

    def __init__(self, settings):
        super().__init__(settings)
        self.batches = []
        self.begun, self.go = threading.Event(), threading.Event()

    def append(self, batch):
        self.begun.set()
        assert self.go.wait(5)
        self.batches.append([publication.event.data for publication in batch])
        if any(publication.event.data == "bad" for publication in batch):
            raise LogError("this one cannot be kept")
        return super().append(batch)


@pytest.fixture
def make():
    made = []

    def make(log=None, **settings):
        configured = Settings(**settings)
        appended: list[Entry] = []
        publisher = Publisher(log or MemoryLog(configured), configured, configured, appended.extend)
        made.append(publisher)
        return publisher, appended

    yield make
    for publisher in made:
        publisher.close()


def submit_together(publisher, log, publications):
    """Submit all of them while the log is busy with another one, so that they come in one batch."""
    first = publisher.submit("first", "first", None, None)
    log.begun.wait(5)
    waiting = [publisher.submit(*publication) for publication in publications]
    log.go.set()
    first.result(5)
    return waiting


def outcome(waiting: Waiting):
    return waiting.exception(5) or waiting.result()


def test_those_who_wait_share_a_batch(make):
    log = SlowLog(Settings())
    publisher, appended = make(log)
    waiting = submit_together(publisher, log, [("a", str(n), None, None) for n in range(10)])
    ids = [one.result(5) for one in waiting]
    assert log.batches == [["first"], [str(n) for n in range(10)]]
    assert [entry.id for entry in appended[1:]] == ids


def test_an_error_is_told_to_the_one_who_made_it(make):
    log = SlowLog(Settings())
    publisher, appended = make(log)
    data = ["1", "bad", "2"]
    one, bad, two = submit_together(publisher, log, [("a", text, None, None) for text in data])
    assert isinstance(outcome(bad), LogError)
    assert [outcome(one), outcome(two)] == [entry.id for entry in appended[1:]]


def test_too_many_topics_are_the_problem_of_the_one_too_many(make):
    settings = Settings(max_topics=2)
    log = SlowLog(settings)
    publisher, _ = make(log, max_topics=2)
    one, two, again = submit_together(publisher, log, [(topic, "x", None, None) for topic in ("a", "b", "a")])
    assert isinstance(outcome(two), LogFull)
    assert outcome(one) < outcome(again)


def test_the_same_key_twice_in_one_batch_is_one_event(make):
    log = SlowLog(Settings())
    publisher, appended = make(log)
    one, again, other, wrong = submit_together(
        publisher, log, [("a", "x", None, "k"), ("a", "x", None, "k"), ("a", "x", None, "l"), ("a", "y", None, "k")]
    )
    assert outcome(one) == outcome(again) != outcome(other)
    assert isinstance(outcome(wrong), IdempotencyConflict)
    assert len(appended) == 3


def test_two_changes_of_a_state_in_one_batch_are_two_patches(make):
    log = SlowLog(Settings())
    publisher, appended = make(log, state=["s"])
    submit_together(publisher, log, [("s", f'{{"n":{n}}}', None, None) for n in (1, 2, 2, 3)])[-1].result(5)
    assert [entry.wire.split(b"data: ")[1] for entry in appended if entry.topic == "s"] == [
        b'{"n":1}\n\n',
        b'{"n":2}\n\n',
        b'{"n":3}\n\n',
    ]


def test_an_old_state_under_a_known_key_does_not_come_back(make):
    publisher, appended = make(state=["s"])
    first = publisher.submit("s", '{"n":1}', None, "k").result()
    publisher.submit("s", '{"n":2}', None, "l").result()
    assert publisher.submit("s", '{"n":1}', None, "k").result() == first
    publisher.submit("s", '{"n":3}', None, None).result()
    assert [entry.wire.split(b"data: ")[1] for entry in appended if entry.topic == "s"][-1] == b'{"n":3}\n\n'
    assert len(appended) == 6


def test_a_state_that_was_forgotten_is_sent_whole(make):
    publisher, appended = make(state=["*"], max_topics=3)
    for topic in ("a", "b", "c", "d", "a"):
        outcome(publisher.submit(topic, '{"n":1}', None, None))
    kinds = [(entry.topic, entry.wire.partition(b"\n")[0]) for entry in appended if not entry.topic.startswith("#")]
    assert set(kinds) == {(topic, b"event: snapshot") for topic in "ab"}, "and the log has no room for more"


def test_a_state_has_no_event_type_of_its_own(make):
    publisher, _ = make(state=["s"])
    with pytest.raises(ValueError, match="called snapshot and patch, not 'x'"):
        publisher.submit("s", Event("{}", event="x"), None, None)


def test_the_entries_are_handed_over_in_the_order_of_the_log(make):
    publisher, appended = make(log_events=10_000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: publisher.submit(f"t{n % 3}", str(n), None, None).result(), range(2000)))
    assert [entry.position for entry in appended] == list(range(1, 2001))
