import pytest

from sse_demo import Event, MemoryLog
from sse_demo.hub.position import Cursor
from sse_demo.logs.contract import Publication


def log_of(*topics):
    log = MemoryLog()
    return log, log.append([Publication(topic, Event(topic).encode()) for topic in topics])


def test_one_position_is_the_same_in_both_lanes():
    log, ids = log_of("a", "b")
    assert Cursor.seek(log, ["a"], ids[0]) == Cursor(1, 1)
    assert Cursor.seek(log, ["a"]) == Cursor(2, 2)
    assert Cursor.seek(log, ["a", "b"], recent=1) == Cursor(1, 1)


def test_two_positions():
    log, ids = log_of(*"aaaa")
    mark = ids[0].partition("-")[0]
    assert Cursor.seek(log, ["a"], f"{mark}-1-3") == Cursor(1, 3, mark)


@pytest.mark.parametrize(
    "id", ["x", "{0}-5", "{0}-3-1", "{0}-1-5", "{0}-1-x", "{0}-x-1", "y-1-2", "{0}-1-2-3", "{0}--2"]
)
def test_what_is_no_cursor_of_this_log(id):
    log, ids = log_of(*"aaaa")
    assert Cursor.seek(log, ["a"], id.format(ids[0].partition("-")[0])) is None
