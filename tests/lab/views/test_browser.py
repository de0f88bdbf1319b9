"""The Python half. ``tests/browser/test_browser_events.py`` has a browser, too."""

import pytest

from sse_demo import Event
from sse_demo.lab import BrowserEvents, BrowserPage

URL = "http://127.0.0.1:8000/events?topic=a"


def test_the_text_form_has_no_port():
    assert repr(BrowserEvents(URL)) == "BrowserEvents('/events?topic=a')"


def test_without_a_browser_nothing_happens():
    events = BrowserEvents(URL, types=["price"])
    assert (events.state, events.opened, events.count, list(events.events)) == ("no browser", 0, 0, [])
    events.stop()
    assert events.stopped


def report(version, *events, run="a page", **seen):
    return {
        "run": run,
        "version": version,
        "events": [[its, "message", data, ""] for its, data in events],
        "seen": seen,
    }


def receive(events, *reports):
    for one in reports:
        events._handle_custom_msg(one, [])
    return [event.data for event in events.events]


def test_what_the_browser_reports_becomes_events_and_traits():
    events = BrowserEvents(URL, keep=2)
    three = [[1, "message", "1", ""], [2, "price", "2", "x-2"], [3, "price", "3", "x-3"]]
    seen = {"state": "open", "opened": 2, "errors": 1, "count": 3, "last_id": "x-3"}
    receive(events, {"run": "a page", "version": 3, "events": three, "seen": seen})
    assert list(events.events) == [Event("2", event="price", id="x-2"), Event("3", event="price", id="x-3")]
    assert {name: getattr(events, name) for name in seen} == seen


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1), (0, 0, 2, 2), (2,)])
def test_reports_may_be_late_lost_or_come_twice(order):
    reports = [
        report(1, (1, "a"), count=1),
        report(3, (1, "a"), (2, "b"), (3, "c"), count=3, state="open"),
        report(4, (1, "a"), (2, "b"), (3, "c"), count=3, state="closed"),
    ]
    events = BrowserEvents(URL)
    assert receive(events, *(reports[number] for number in order)) == ["a", "b", "c"]
    assert (events.count, events.state) == (3, "closed")


def test_every_report_is_confirmed(monkeypatch):
    confirmed = []
    monkeypatch.setattr(BrowserEvents, "send", lambda events, content: confirmed.append(content))
    events = BrowserEvents(URL)
    receive(events, report(2, (1, "a")), report(1, (1, "a")), report(2, (1, "a")), report(1, run="anew"))
    versions = [("a page", 2), ("a page", 1), ("a page", 2), ("anew", 1)]
    assert confirmed == [{"run": run, "version": version} for run, version in versions]


def test_a_page_that_is_loaded_again_begins_again_and_the_old_one_is_over():
    events = BrowserEvents(URL)
    receive(events, report(1, (1, "a"), count=1), report(2, (2, "b"), count=2))
    assert receive(events, report(1, (1, "c"), run="anew", count=1), report(3, (3, "d"), count=3)) == ["a", "b", "c"]
    assert events.count == 1


def test_a_page_has_a_text_form():
    assert repr(BrowserPage("http://127.0.0.1:8000/")) == "BrowserPage('/')"


def test_what_is_no_address_and_no_way():
    with pytest.raises(ValueError, match="http or https address"):
        BrowserEvents("/events")
    with pytest.raises(Exception, match="via"):
        BrowserEvents(URL, via="pigeon")
