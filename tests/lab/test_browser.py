"""The Python half. ``tests/browser/test_browser_events.py`` has a browser, too."""

import pytest

from sse_demo import Event
from sse_demo.lab import BrowserEvents

URL = "http://127.0.0.1:8000/events?topic=a"


def test_the_text_form_has_no_port():
    assert repr(BrowserEvents(URL)) == "BrowserEvents('/events?topic=a')"


def test_without_a_browser_nothing_happens():
    events = BrowserEvents(URL, types=["price"])
    assert (events.state, events.opened, events.count, list(events.events)) == ("no browser", 0, 0, [])
    events.stop()
    assert events.stopped


def test_what_the_browser_sends_becomes_events():
    events = BrowserEvents(URL, keep=2)
    events._handle_custom_msg({"events": [["message", "1", ""], ["price", "2", "x-2"], ["price", "3", "x-3"]]}, [])
    assert list(events.events) == [Event("2", event="price", id="x-2"), Event("3", event="price", id="x-3")]


def test_what_is_no_address_and_no_way():
    with pytest.raises(ValueError, match="http or https address"):
        BrowserEvents("/events")
    with pytest.raises(Exception, match="via"):
        BrowserEvents(URL, via="pigeon")
