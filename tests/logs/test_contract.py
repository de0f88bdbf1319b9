"""What is the same for every log."""

import pytest

from sse_demo import Event
from sse_demo.logs.contract import Entry, id_line, parse_id, without_id


@pytest.mark.parametrize("data", ["plain", "id: {id}", "a\nid: {id}\nb"])
@pytest.mark.parametrize("first", ["id", "event"], ids=["id first", "event first, as an older version wrote it"])
def test_another_id_replaces_the_id_and_nothing_else(data, first):
    entry = Entry(7, "a", None, "mark", b"", 0.0)
    data = data.format(id=entry.id)
    without = Event(data, event=f"id: {entry.id}").encode()
    with_id = Event(data, event=f"id: {entry.id}", id=entry.id).encode()
    entry = entry._replace(wire=id_line(entry.id) + without if first == "id" else with_id)
    assert without_id(entry.wire, entry.id) == without
    assert entry.with_id("new") == b"id: new\n" + without


@pytest.mark.parametrize("id", ["", "7", "-", "x", "a-", "a-x", "a--1", "a-1_0", "a-²", "a- 1", "a-" + "9" * 19])
def test_what_is_no_id(id):
    assert parse_id(id) == ("", 0)


def test_an_id_is_a_mark_and_a_position():
    assert parse_id("1935a8f2c40-17") == ("1935a8f2c40", 17)
