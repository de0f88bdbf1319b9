import pytest

from sse_demo import serve
from sse_demo.lab import check


@pytest.fixture(scope="module")
def server():
    with serve() as server:
        yield server


def test_four_messages_accepts_the_right_address(server):
    assert check.four_messages(f"{server.url}/stream?count=4&interval=0.5").passed


@pytest.mark.parametrize(
    "query", ["", "?count=4", "?count=5&interval=0.5", "?count=4&interval=x", "?count=&interval=0.5"]
)
def test_four_messages_says_what_is_missing(server, query):
    report = check.four_messages(f"{server.url}/stream{query}")
    assert not report.passed


def test_four_messages_of_nothing_is_no_exception():
    assert not check.four_messages(None).passed


def test_the_id_that_says_stop(server):
    url = f"{server.url}/stream"
    assert check.stop_id(url, "9").passed
    assert check.stop_id(f"{url}?count=3", "2").passed
    for wrong in (None, 9, "3", "nine", "10", "99", ""):
        report = check.stop_id(url, wrong)
        assert not report.passed
        assert "9" not in repr(report), "the answer is not given away"
    assert "9" not in repr(check.stop_id(url, "9")), "nor by the stored output of the solution"
