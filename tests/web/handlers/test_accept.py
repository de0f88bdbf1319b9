"""What a client says that it takes."""

import pytest

from sse_demo.web.handlers.accept import asks_for_event_stream, takes_event_streams


@pytest.mark.parametrize(
    "accept",
    [
        *(
            "",
            "*/*",
            "*",
            "*;q=0.5",
            "a/b, *",
            "text/*",
            "text/event-stream",
            "TEXT/Event-Stream; q=0.01",
            "a/b, text/event-stream",
        ),
        *(
            "TEXT/Event-Stream; q=0.01",
            "text/html, */*;q=0.1",
            "*/*;q=0, text/event-stream",
            "text/event-stream;q=1, text/*;q=0",
        ),
    ],
)
def test_what_takes_event_streams(accept):
    assert takes_event_streams(accept)


@pytest.mark.parametrize(
    "accept",
    [
        *(
            "application/json",
            "text/html",
            "*/*;q=0",
            "text/*; q=0.000, */*;q=1",
            "text/event-stream;q=0.0",
            "*;q=0",
            "text/event-stream;q=0, *",
        ),
        *("text/event-stream;q=0, */*", "text/event-streams"),
    ],
)
def test_what_excludes_them(accept):
    assert not takes_event_streams(accept)


def test_of_very_many_ranges_only_the_first_count():
    assert takes_event_streams("a/b," * 99 + "text/event-stream")
    assert not takes_event_streams("a/b," * 60_000 + "text/event-stream")


@pytest.mark.parametrize("accept", ["text/event-stream", "TEXT/Event-Stream; q=0.01", "a/b, text/event-stream, */*"])
def test_what_asks_for_an_event_stream(accept):
    assert asks_for_event_stream(accept)


@pytest.mark.parametrize("accept", ["", "*/*", "text/*", "application/json", "text/event-stream;q=0", "text/html, *"])
def test_what_does_not_ask_for_one(accept):
    assert not asks_for_event_stream(accept)
