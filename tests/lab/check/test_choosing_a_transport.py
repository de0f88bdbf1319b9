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

    class Unfinished(Kept):
        def poll(self, cursor):
            pass

    for wrong in (
        *(Emptied, Newest, Everything, OneCursorForAll, AfterTheLastEvent, AfterTheLastEventFromTheEnd, OneTooFar),
        *(SharedByAll, HandsOutItsOwnList, Unfinished, object, None),
    ):
        report = check.inbox(wrong)
        assert not report.passed
        assert len(report.rows) == 7


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
