import time
from collections import deque
from datetime import UTC, datetime
from itertools import islice
from time import time as clock

import pytest

from sse_demo.lab import check


class Kept:
    def __init__(self):
        self.events = []

    def publish(self, event):
        self.events.append(event)

    def poll(self, cursor):
        return self.events[cursor:], len(self.events)


def test_an_inbox_with_a_cursor():
    assert check.inbox(Kept).passed


def test_an_inbox_may_have_cursors_of_its_own_kind():
    class Named(Kept):
        def poll(self, cursor):
            done = int(cursor.removeprefix("after ")) if cursor else 0
            return tuple(self.events[done:]), f"after {len(self.events)}"

    assert check.inbox(Named).passed


def test_an_inbox_may_keep_its_events_by_number():
    class Numbered:
        def __init__(self):
            self.events = {}

        def publish(self, event):
            self.events[len(self.events)] = event

        def poll(self, cursor):
            new = [number for number in self.events if number >= cursor]
            return (self.events[number] for number in new), cursor + len(new)

    assert check.inbox(Numbered).passed


def test_an_inbox_may_have_places_in_a_chain_as_cursors():
    class Chain:
        def __init__(self):
            self.first = self.last = []

        def publish(self, event):
            self.last += [event, []]
            self.last = self.last[1]

        def poll(self, cursor):
            events, place = [], self.first if cursor == 0 else cursor
            while place:
                event, place = place
                events.append(event)
            return events, self.last

    assert check.inbox(Chain).passed


def test_an_inbox_may_remember_what_each_of_its_cursors_means():
    class Tickets(Kept):
        def __init__(self):
            super().__init__()
            self.places = {}

        def poll(self, cursor):
            self.places[ticket := f"ticket {len(self.places)}"] = len(self.events)
            return self.events[self.places.get(cursor, 0) :], ticket

    assert check.inbox(Tickets).passed


def test_an_inbox_may_copy_its_events_at_each_publication():
    class Tuple:
        events = ()

        def publish(self, event):
            self.events = (*self.events, event)

        def poll(self, cursor):
            return [self.events[int(cursor) :], str(len(self.events))]

    assert check.inbox(Tuple).passed


def test_an_inbox_that_waits_is_waited_for_once(monkeypatch):
    monkeypatch.setattr("sse_demo.lab.views.report.PATIENCE", 0.2)

    class Waiting(Kept):
        def poll(self, cursor):
            while not self.events[cursor:]:
                pass
            return super().poll(cursor)

    remarks = [remark for _, _, remark in check.inbox(Waiting).rows]
    assert "still running" in remarks[0]
    assert set(remarks[1:]) == {"not tried any more"}


@pytest.mark.filterwarnings("error")
def test_an_async_poll_is_named():
    class Async(Kept):
        async def poll(self, cursor):
            return super().poll(cursor)

    assert "poll is async" in check.inbox(Async).rows[0][2]


def test_inboxes_that_lose_something_or_are_none():
    class Emptied(Kept):
        def poll(self, cursor):
            events, self.events = self.events, []
            return events, 0

    class Newest(Kept):
        def poll(self, cursor):
            return self.events[-1:], 0

    class Everything(Kept):
        def poll(self, cursor):
            return self.events, len(self.events)

    class OneCursorForAll(Kept):
        done = 0

        def poll(self, cursor):
            done, self.done = self.done, len(self.events)
            return self.events[done:], self.done

    class AfterTheLastEvent(Kept):
        def poll(self, cursor):
            events = self.events[self.events.index(cursor) + 1 :] if cursor else self.events[:]
            return events, events[-1] if events else cursor

    class AfterTheLastEventFromTheEnd(Kept):
        def poll(self, cursor):
            back = self.events[::-1].index(cursor) if cursor else len(self.events)
            events = self.events[len(self.events) - back :]
            return events, events[-1] if events else cursor

    class OneTooFar(Kept):
        def poll(self, cursor):
            return self.events[cursor:], len(self.events) + 1

    class SharedByAll(Kept):
        events = []  # noqa: RUF012  # the slip that is tried

        def __init__(self):
            pass

    class HandsOutItsOwnList(Kept):
        def poll(self, cursor):
            return (self.events, len(self.events)) if cursor == 0 else super().poll(cursor)

    class KeepsTheNewest(Kept):
        count = 0

        def publish(self, event):
            self.count += 1
            self.events = [*self.events, event][-100:]

        def poll(self, cursor):
            return self.events[len(self.events) - (self.count - cursor) :], self.count

    class FullAt50(Kept):
        def __init__(self):
            self.events = deque(maxlen=50)

        def poll(self, cursor):
            return list(self.events)[cursor:], len(self.events)

    class TenAtMost(Kept):
        def poll(self, cursor):
            return self.events[cursor : cursor + 10], len(self.events)

    class ForgetsWhatOneHasHad(Kept):
        forgotten = 0

        def poll(self, cursor):
            if cursor > self.forgotten:
                del self.events[: cursor - self.forgotten]
                self.forgotten = cursor
            return self.events[cursor - self.forgotten :], self.forgotten + len(self.events)

    class ByTheClock(Kept):
        def publish(self, event):
            self.events.append((time.time(), event))

        def poll(self, cursor):
            return [event for at, event in self.events if at > cursor], time.time()

    class ByTheCalendar(Kept):
        def publish(self, event):
            self.events.append((datetime.now(), event))  # the slip that is tried

        def poll(self, cursor):
            new = [(at, event) for at, event in self.events if not cursor or at > cursor]
            return [event for _, event in new], new[-1][0] if new else cursor

    class ByTheImportedClock(ByTheClock):
        def publish(self, event):
            self.events.append((clock(), event))

        def poll(self, cursor):
            return [event for at, event in self.events if at > cursor], clock()

    class LinesOfAText:
        def __init__(self):
            self.text = ""

        def publish(self, event):
            self.text += f"{event}\n"

        def poll(self, cursor):
            return self.text[cursor:].splitlines(), len(self.text)

    class Stripped(Kept):
        def publish(self, event):
            super().publish(event.strip())

    class ACursorThatChanges(Kept):
        def poll(self, cursor):
            cursor = cursor or [0]
            events, cursor[0] = self.events[cursor[0] :], len(self.events)
            return events, cursor

    class ACursorForOnePoll(Kept):
        def __init__(self):
            super().__init__()
            self.places = {}

        def poll(self, cursor):
            place = self.places.pop(cursor) if cursor else 0
            self.places[ticket := f"ticket {len(self.places)} {len(self.events)}"] = len(self.events)
            return self.events[place:], ticket

    class TheLastAnswerIsKept(Kept):
        last = None, None

        def poll(self, cursor):
            if self.last[0] != cursor:
                self.last = cursor, (self.events, cursor + len(self.events))
                self.events = []
            return self.last[1]

    class TheFarthestOfAll(Kept):
        farthest = 0

        def poll(self, cursor):
            self.farthest = max(self.farthest, cursor)
            return super().poll(self.farthest)

    class LookedUpLater(Kept):
        def poll(self, cursor):
            return islice(self.events, cursor, None), len(self.events)

    class FromTheEnd(Kept):
        def poll(self, cursor):
            return self.events[-(len(self.events) - cursor) :], len(self.events)

    class OneAtATime(Kept):
        def poll(self, cursor):
            return self.events[cursor : cursor + 1], min(cursor + 1, len(self.events))

    class NewestFirst(Kept):
        def publish(self, event):
            self.events.insert(0, event)

        def poll(self, cursor):
            return self.events[: len(self.events) - cursor], len(self.events)

    class NoEmptyText(Kept):
        def publish(self, event):
            if event:
                super().publish(event)

    class Ends(Kept):
        def poll(self, cursor):
            raise SystemExit

    class Unfinished(Kept):
        def poll(self, cursor):
            pass

    for wrong in (
        *(Emptied, Newest, Everything, OneCursorForAll, AfterTheLastEvent, AfterTheLastEventFromTheEnd, OneTooFar),
        *(SharedByAll, HandsOutItsOwnList, Unfinished, object, None, NoEmptyText, Ends),
        *(KeepsTheNewest, FullAt50, TenAtMost, ForgetsWhatOneHasHad, ByTheClock, ByTheCalendar, ByTheImportedClock),
        *(LinesOfAText, Stripped, ACursorThatChanges, ACursorForOnePoll, TheLastAnswerIsKept, TheFarthestOfAll),
        *(LookedUpLater, FromTheEnd, OneAtATime, NewestFirst),
    ):
        report = check.inbox(wrong)
        assert not report.passed, wrong
        assert len(report.rows) == 11


def test_the_clock_goes_on_after_the_check():
    before = datetime.now(UTC)
    check.inbox(Kept)
    assert type(datetime.now(UTC)) is type(before)
    assert clock is time.time
    assert clock() >= before.timestamp()


RIGHT = {
    "stock ticker": "sse",
    "chat": "websocket",
    "live log": "sse",
    "notifications": "sse",
    "game": "websocket",
    "file upload": "plain request",
}


@pytest.mark.parametrize(
    "also",
    [
        {},
        {"chat": "sse"},
        {"chat": "long polling"},
        {"notifications": "long polling"},
        {"game": " WebSocket "},
        {"live log": "SSE"},
        {"notifications": "long-polling"},
        {"file upload": "plain_request"},
    ],
)
def test_a_transport_for_each_product_and_where_two_are_right_either(also):
    report = check.transports(RIGHT | also)
    assert report.passed
    assert all(remark for _, _, remark in report.rows), "each says why"


def test_each_choice_has_a_remark_of_its_own_for_each_product():
    for product, remarks in check.PRODUCTS.items():
        assert tuple(remarks) == check.CHOICES
        for choice in check.CHOICES:
            rows = check.transports({product: choice}).rows
            ((done, _, remark),) = [row for row in rows if row[1].startswith(f"{product}: ")]
            assert remark.endswith("." if done else "?")


def test_long_polling_for_a_chat_is_told_what_it_costs():
    rows = check.transports(RIGHT | {"chat": "long polling"}).rows
    assert "costs every reader a request" in next(remark for _, what, remark in rows if what == "chat: long polling")


@pytest.mark.parametrize(("product", "wrong"), [
    ("stock ticker", "websocket"), ("chat", "plain request"), ("game", "sse"), ("file upload", "websocket"),
    ("live log", None), ("live log", "SSE?"), ("live log", ["sse"]), ("notifications", 1),
])  # fmt: skip
def test_a_transport_that_does_not_fit_is_asked_about(product, wrong):
    report = check.transports(RIGHT | {product: wrong})
    ((what, remark),) = [(what, remark) for done, what, remark in report.rows if not done]
    assert what.startswith(product)
    assert remark
    if wrong in check.CHOICES:
        assert remark.endswith("?")


@pytest.mark.parametrize("nothing", [None, {}, [], "sse"])
def test_no_transports_at_all(nothing):
    assert not check.transports(nothing).passed
