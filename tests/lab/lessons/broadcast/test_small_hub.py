import threading
import time

import pytest

from sse_demo.lab import RESET, PublishingThread, SmallHub, Subscriber, numbered, numbers
from sse_demo.lab.lessons.broadcast.small_hub import TURN, SmallLog


def event(number, size=10):
    return b"data: %d %b\n\n" % (number, b"x" * size)


@pytest.fixture
def hubs():
    made = []

    def make(*args, **kwargs):
        made.append(SmallHub(*args, **kwargs))
        return made[-1]

    yield make
    for hub in made:
        for subscriber in hub.subscribers:
            subscriber.stop()


def test_a_log_keeps_the_newest_under_their_numbers():
    log = SmallLog(most=3)
    assert (log.start, log.end) == (0, 0)
    for number in range(5):
        log.append(event(number))
    assert (log.start, log.end) == (2, 5)
    assert [log[number] for number in range(2, 5)] == [event(number) for number in range(2, 5)]
    for number in (-1, 0, 1, 5):
        with pytest.raises(IndexError, match=f"the log has the events 2 to 4, and not {number}"):
            log[number]


def test_a_sleeper_holds_nobody_up_and_loses_nothing(hubs):
    hub = hubs()
    awake, asleep = hub.subscribe(), hub.subscribe(asleep=True)
    events = [event(number, 1000) for number in range(3000)]
    for one in events:
        hub.publish(one)
    hub.catch_up(awake)
    assert awake.wait_for(3000) == events
    assert 0 < asleep.cursor < 3000
    assert asleep.events == []
    asleep.wake()
    asleep.wake()
    hub.catch_up(asleep)
    assert asleep.wait_for(3000) == events
    assert repr(asleep) == "Subscriber(cursor=3,000)"


def test_the_rest_of_the_last_event_goes_out_too(hubs):
    hub = hubs()
    asleep = hub.subscribe(asleep=True)
    large = event(0, 4_000_000)  # more than a socket has room for
    hub.publish(large)
    assert asleep.cursor == hub.log.end
    assert not asleep.flush()
    with pytest.raises(TimeoutError):
        hub.catch_up(asleep, timeout=0.1)
    asleep.wake()
    hub.catch_up(asleep)
    assert asleep.wait_for(1) == [large]


def test_who_comes_late_gets_what_comes_then(hubs):
    hub = hubs()
    hub.publish(event(0))
    late = hub.subscribe()
    hub.publish(event(1))
    assert late.wait_for(1) == [event(1)]


def test_who_falls_behind_the_log_is_told(hubs):
    hub = hubs(most=5)
    asleep = hub.subscribe(asleep=True)
    for number in range(3000):
        hub.publish(event(number, 1000))
    asleep.wake()
    hub.catch_up(asleep)
    events = asleep.wait_for(1)
    while len(events) < asleep.cursor and events[-1] != event(2999, 1000):
        events = asleep.wait_for(len(events) + 1)
    place = events.index(RESET)
    assert events[:place] == [event(number, 1000) for number in range(place)]
    assert events[place + 1 :] == [event(number, 1000) for number in range(2995, 3000)]


def test_one_turn_is_short():
    hub = SmallHub(lambda subscriber, log: None)
    slow = hub.subscribe()
    for number in range(TURN + 1):
        hub.publish(event(number))
    assert slow.cursor == 0
    with pytest.raises(TimeoutError, match=r"the cursor is at 0 of 101 after 0.1 s"):
        hub.catch_up(slow, timeout=0.1)
    with pytest.raises(TimeoutError, match=r"no 1 events within 0.1 s: 0 have come"):
        slow.wait_for(1, timeout=0.1)
    ours = SmallHub()
    ours.log = hub.log
    ours.subscribers = [slow]
    ours.turn()
    assert slow.cursor == TURN
    slow.stop()


def test_stopping_frees_whoever_waits_for_a_socket(eventually):
    asleep, failed = Subscriber(asleep=True), []

    def send():
        try:
            while True:
                asleep.socket.sendall(b"x" * 100_000)
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    time.sleep(0.05)
    asleep.stop()
    thread.join(5)
    assert failed
    asleep.stop()


def test_numbered_events_are_of_one_size():
    events = numbered(1200, 100)
    assert {len(one) for one in events} == {100}
    assert numbers(events) == list(range(1200))
    assert all(one.startswith(b"data: ") and one.endswith(b"\n\n") for one in events)


def test_a_thread_publishes_until_it_is_stopped_or_the_subscriber_has_gone():
    asleep = Subscriber(asleep=True)
    thread = PublishingThread(asleep.socket.sendall, numbered(10_000))
    thread.wait(0.2)
    assert repr(thread) == "PublishingThread(still waits)"
    asleep.stop()
    thread.wait(5)
    assert repr(thread) == "PublishingThread(has ended)"
    published = []
    thread = PublishingThread(lambda one: (published.append(one), time.sleep(0.01)), numbered(10_000))
    thread.stop()
    thread.wait(5)
    assert len(published) < 10_000
