from sse_demo import Event
from sse_demo.lab import columns

EVENTS = [Event("tea", id="1-22"), Event('{"a": 1}', event="snapshot")]


def test_columns_are_as_wide_as_what_is_in_them():
    assert columns(EVENTS, "event", "id", "data").splitlines() == [
        "event     id    data",
        "message   1-22  tea",
        'snapshot  -     {"a": 1}',
    ]


def test_without_events_there_are_the_names_only():
    assert columns([], "event", "data") == "event  data"
