"""How publications come into the log. What publishing promises to its callers is in test_hub.py."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import Told

from sse_demo import (
    Event,
    EventTooLarge,
    IdempotencyConflict,
    InvalidInput,
    LogError,
    LogFull,
    LogUncertain,
    MemoryLog,
    Overloaded,
    ServerStopped,
    Settings,
)
from sse_demo.hub.messages import MAX_KEY_LENGTH, Message
from sse_demo.hub.publisher import Publisher
from sse_demo.hub.waiting import WaitingThread


class SlowLog(MemoryLog):
    """A log that waits before it appends, as one on a disk does, and can be told to fail."""

    def __init__(self, settings):
        super().__init__(settings)
        self.batches = []
        self.begun, self.go = threading.Event(), threading.Event()
        self.fails_with = None

    def append(self, batch):
        self.begun.set()
        assert self.go.wait(30)
        self.batches.append([publication.block.removeprefix(b"data: ").decode().strip() for publication in batch])
        if self.fails_with:
            raise self.fails_with
        return super().append(batch)


@pytest.fixture
def make():
    made = []

    def make(log=None, **settings):
        configured = Settings(**settings)
        log = MemoryLog(configured) if log is None else log
        told = Told()
        log.follow(told)
        publisher = Publisher(log, configured, lambda: None)
        made.append(publisher)
        return publisher, told.entries

    yield make
    for publisher in made:
        publisher.close()


def submit(publisher, topic, event, key=None, idempotency_key=None):
    return submit_many(publisher, [(topic, event, key, idempotency_key)])


def submit_many(publisher, messages):
    waiting = WaitingThread(
        [Message(topic, event if isinstance(event, Event) else Event(event), *keys) for topic, event, *keys in messages]
    )
    publisher.submit(waiting)
    return waiting


def submit_together(publisher, log, publications):
    """Submit all of them while the log is busy with another one, so that they come in one batch."""
    log.begun.clear()
    log.go.clear()
    first = submit(publisher, "first", "first")
    assert log.begun.wait(30)
    waiting = [submit(publisher, *publication) for publication in publications]
    log.go.set()
    outcome(first)
    return waiting


def kept(waiting):
    ids = waiting.wait()
    return ids[0] if len(ids) == 1 else ids


def outcome(waiting):
    try:
        return kept(waiting)
    except Exception as error:
        return error


def test_those_who_wait_share_a_batch(make):
    log = SlowLog(Settings())
    publisher, appended = make(log)
    waiting = submit_together(publisher, log, [("a", str(n)) for n in range(10)])
    ids = [outcome(one) for one in waiting]
    assert log.batches == [["first"], [str(n) for n in range(10)]]
    assert [entry.id for entry in appended[1:]] == ids


def test_what_lies_in_one_publication_is_told_to_its_publisher_and_the_others_go_on(make):
    log = SlowLog(Settings(max_topics=2))
    publisher, appended = make(log, max_topics=2, max_event_size=1000)
    submit_together(publisher, log, [("first", "again", None, "k"), ("second", "0"), ("second", "1")])
    one, full, two, conflict, large, again = submit_together(
        publisher,
        log,
        [
            ("first", "1"),
            ("full", "1"),
            ("second", "2"),
            ("second", "other", None, "k"),
            ("second", "\n" * 900),
            ("first", "again", None, "k"),
        ],
    )
    assert [type(outcome(one)) for one in (full, conflict, large)] == [LogFull, IdempotencyConflict, EventTooLarge]
    assert [outcome(one), outcome(two)] == [entry.id for entry in appended[-2:]]
    assert outcome(again) == appended[1].id
    assert len(log.batches[-1]) == 3, "the batch without them"


@pytest.mark.parametrize("error", [LogError("the disk is gone"), LogUncertain("the line broke"), OSError("unexpected")])
def test_what_the_log_says_of_a_whole_batch_is_told_to_all_and_nothing_is_tried_again(make, error):
    log = SlowLog(Settings())
    publisher, appended = make(log)
    submit_together(publisher, log, [])
    log.fails_with = error
    waiting = submit_together(publisher, log, [("a", str(n)) for n in range(5)])
    log.fails_with = None
    kind = type(error) if isinstance(error, LogError) else LogUncertain
    outcomes = [outcome(one) for one in waiting]
    assert {type(one) for one in outcomes} == {kind}
    assert len({id(one) for one in outcomes}) == 5, "each has an error of its own"
    assert log.batches[-2:] == [["first"], ["0", "1", "2", "3", "4"]], "each once"
    assert kept(submit(publisher, "a", "later")) == appended[-1].id


def test_the_same_key_twice_in_one_batch_is_one_event(make):
    log = SlowLog(Settings())
    publisher, appended = make(log)
    one, again, other, wrong = submit_together(
        publisher, log, [("a", "x", None, "k"), ("a", "x", None, "k"), ("a", "x", None, "l"), ("a", "y", None, "k")]
    )
    assert outcome(one) == outcome(again) != outcome(other)
    assert isinstance(outcome(wrong), IdempotencyConflict)
    assert len(appended) == 3


def changes(appended):
    return [entry.wire.split(b"data: ")[1].strip() for entry in appended if entry.topic == "s"]


def test_two_changes_of_a_state_in_one_batch_are_two_patches(make):
    log = SlowLog(Settings())
    publisher, appended = make(log, state=["s"])
    waiting = submit_together(publisher, log, [("s", f'{{"n":{n}}}') for n in (1, 2, 2, 3)])
    one, two, again, three = [outcome(one) for one in waiting]
    assert one != two == again != three
    assert changes(appended) == [b'{"n":1}', b'{"n":2}', b'{"n":3}']


def test_an_old_state_under_a_known_key_does_not_come_back(make):
    publisher, appended = make(state=["s"])
    first = kept(submit(publisher, "s", '{"n":1}', None, "k"))
    kept(submit(publisher, "s", '{"n":2}', None, "l"))
    assert kept(submit(publisher, "s", '{"n":1}', None, "k")) == first
    kept(submit(publisher, "s", '{"n":3}'))
    assert changes(appended) == [b'{"n":1}', b'{"n":2}', b'{"n":3}']


def test_a_key_is_remembered_also_where_nothing_has_changed(make):
    publisher, appended = make(state=["s"])
    kept(submit(publisher, "s", '{"n":1}'))
    same = kept(submit(publisher, "s", '{"n":1}', None, "k"))
    kept(submit(publisher, "s", '{"n":2}'))
    assert kept(submit(publisher, "s", '{"n":1}', None, "k")) == same, "and the older state does not come back"
    assert changes(appended) == [b'{"n":1}', b"{}", b'{"n":2}']


def test_a_state_whose_snapshot_is_gone_is_sent_whole(make):
    publisher, appended = make(state=["s"], log_bytes=2_000)
    kept(submit(publisher, "s", '{"n":1}'))
    for _ in range(20):
        kept(submit(publisher, "a", "x" * 200))
    kept(submit(publisher, "s", '{"n":2}'))
    kinds = [entry.wire.split(b"\n")[1] for entry in appended if entry.topic == "s"]
    assert kinds == [b"event: snapshot"] * 2


def test_a_snapshot_that_cannot_be_read_is_as_good_as_none(make, caplog, eventually):
    publisher, appended = make(state=["s"])
    kept(submit(publisher, "s", '{"n":1}'))
    topic = publisher._log._topics["s"]
    topic.snapshot = topic.snapshot._replace(block=b"event: snapshot\ndata: {\n\n")
    kept(submit(publisher, "s", '{"n":2}'))
    assert [entry.wire.split(b"\n")[1] for entry in appended] == [b"event: snapshot"] * 2
    eventually(lambda: "the snapshot of s cannot be read" in caplog.text)


def test_a_state_has_no_event_type_of_its_own(make):
    publisher, _ = make(state=["s"])
    with pytest.raises(ValueError, match="called snapshot and patch, not 'x'"):
        kept(submit(publisher, "s", Event("{}", event="x")))


def test_what_is_stored_of_a_state_is_measured_and_not_what_came_in(make):
    """[1e15, …] in JSON is 3.8 times as large when Python has read and written it."""
    publisher, appended = make(state=["s"], max_event_size=100_000)
    document = f'{{"a":[{",".join(["1e15"] * 10_000)}]}}'
    assert len(document) < 60_000
    with pytest.raises(EventTooLarge):
        kept(submit(publisher, "s", document))
    assert appended == []


@pytest.mark.parametrize("what", ["key", "idempotency_key"])
def test_a_key_has_a_length(make, what):
    publisher, _ = make(coalesce=["a"])
    kept(submit(publisher, "a", "x", **{what: "k" * MAX_KEY_LENGTH}))
    with pytest.raises(ValueError, match="255 characters at the most"):
        submit(publisher, "a", "x", **{what: "k" * (MAX_KEY_LENGTH + 1)})


def test_a_topic_that_is_a_state_does_not_coalesce(make):
    publisher, appended = make(state=["s"], coalesce=["*"])
    for n in (1, 2, 3):
        kept(submit(publisher, "s", f'{{"n":{n}}}'))
    assert [entry.wire for entry in publisher._log.read(["s"], 0, 10, 10_000)[0]] == [entry.wire for entry in appended]


@pytest.mark.parametrize("limit", [{"max_waiting": 10}, {"max_waiting_bytes": 10_000}], ids=str)
def test_so_many_publications_wait_and_no_more(make, limit):
    log = SlowLog(Settings())
    publisher, appended = make(log, **limit)
    first = submit(publisher, "a", "x" * 1000)
    waiting = []
    with pytest.raises(Overloaded, match="publications wait for the log"):
        while len(waiting) < 100:
            waiting.append(submit(publisher, "a", "x" * 1000))
    assert 5 < len(waiting) < 12
    log.go.set()
    ids = [kept(one) for one in [first, *waiting]]
    assert [entry.id for entry in appended] == ids
    kept(submit(publisher, "a", "there is room again"))


def test_what_is_withdrawn_before_its_turn_is_not_appended(make):
    log = SlowLog(Settings())
    publisher, appended = make(log)
    first = submit(publisher, "a", "first")
    assert log.begun.wait(30)
    withdrawn = submit(publisher, "a", "withdrawn")
    withdrawn.is_withdrawn = True
    last = submit(publisher, "a", "last")
    log.go.set()
    assert [kept(first), kept(last)] == [entry.id for entry in appended]


def test_after_the_end_nothing_is_appended_and_everybody_is_told(make):
    log = SlowLog(Settings())
    publisher, appended = make(log)
    first = submit(publisher, "a", "first")
    assert log.begun.wait(30)
    second = submit(publisher, "a", "second")
    closing = threading.Thread(target=publisher.close)
    closing.start()
    log.go.set()
    closing.join()
    assert [kept(first), kept(second)] == [entry.id for entry in appended]
    with pytest.raises(ServerStopped):
        submit(publisher, "a", "late")
    assert len(appended) == 2


def test_a_publisher_that_nobody_holds_ends_its_thread(make, eventually):
    publisher = Publisher(MemoryLog(), Settings(), lambda: None)
    kept(submit(publisher, "a", "x"))
    thread = publisher._thread
    del publisher
    eventually(lambda: not thread.is_alive())


def test_the_entries_are_told_in_the_order_of_the_log(make):
    publisher, appended = make(log_events=10_000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: kept(submit(publisher, f"t{n % 3}", str(n))), range(2000)))
    assert [entry.position for entry in appended] == list(range(1, 2001))


def test_a_patch_that_is_larger_than_the_state_is_sent_as_a_snapshot(make):
    publisher, appended = make(state=["s"], max_event_size=150)
    members = ",".join(f'"k{n}":{n}' for n in range(9))
    kept(submit(publisher, "s", f"{{{members}}}"))
    kept(submit(publisher, "s", '{"new":1}'))
    assert changes(appended) == [f"{{{members}}}".encode(), b'{"new":1}']
    assert [entry.wire.split(b"\n")[1] for entry in appended] == [b"event: snapshot"] * 2


@pytest.mark.parametrize("key", ["a\0b", "\ud800", b"bytes", 7])
@pytest.mark.parametrize("what", ["key", "idempotency_key"])
def test_what_is_no_key_is_told_to_its_own_publisher_alone(make, what, key):
    publisher, appended = make(coalesce=["a"])
    with pytest.raises((InvalidInput, TypeError)):
        submit(publisher, "a", "x", **{what: key})
    kept(submit(publisher, "a", "y"))
    assert len(appended) == 1


@pytest.mark.parametrize("error", [asyncio.CancelledError(), SystemExit()])
def test_whatever_a_log_raises_the_thread_that_appends_goes_on(make, error, eventually, caplog):
    log = SlowLog(Settings())
    log.go.set()
    publisher, _ = make(log)
    log.fails_with = error
    assert isinstance(outcome(submit(publisher, "a", "x")), LogUncertain)
    log.fails_with = None
    kept(submit(publisher, "a", "y"))
    eventually(lambda: "the log has failed" in caplog.text)


def test_what_waits_is_counted_with_all_that_it_holds(make):
    log = SlowLog(Settings())
    publisher, _ = make(log, max_waiting_bytes=500_000)
    with pytest.raises(Overloaded):
        for _ in range(20):
            submit(publisher, "a", Event("x", event="e" * 60_000))
    log.go.set()
