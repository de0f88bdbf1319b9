import pytest

from sse_demo import Event, EventStreamParser, serve
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
    for wrong in (None, 9, "3", "nine"):
        assert not check.stop_id(url, wrong).passed


def test_our_own_encoder_passes():
    assert check.encoder(
        lambda data, event="message", id=None, retry=None: Event(data, event, id, retry).encode()
    ).passed


def test_an_encoder_may_order_its_fields_as_it_likes():
    def encode(data, **fields):
        lines = Event(data, **fields).encode().decode().removesuffix("\n\n").split("\n")
        return "\n".join(sorted(lines, key=lambda line: not line.startswith("data"))).encode() + b"\n\n"

    assert check.encoder(encode).passed


def test_encoders_that_are_not_finished():
    report = check.encoder(lambda data, **fields: f"data: {data}\n\n".encode())
    assert not report.passed
    assert "ok       one line of data" in repr(report)
    assert not check.encoder(lambda data: None).passed


def test_a_right_parser_passes():
    class Parser:
        def __init__(self):
            self.parser = EventStreamParser()

        def feed(self, chunk):
            return [(event.event, event.data, event.id or "") for event in self.parser.feed(chunk)]

    assert check.parser(Parser).passed


def test_a_parser_that_is_not_finished_is_told_the_first_rule_it_breaks():
    class Parser:
        def feed(self, chunk):
            return []

    report = check.parser(Parser)
    assert not report.passed
    assert "ok       no data, no event" in repr(report)
    assert "the first is" in repr(report)


def test_the_odd_stream():
    odd = b"\xef\xbb\xbfdata: one\r\rid: 1\x002\ndata: two\n\n"
    assert check.odd_stream(odd, [("message", "one", ""), ("message", "two", "")]).passed
    for wrong in ([], [("message", "one", "")], [("message", "one", ""), ("message", "two", "12")], [(), ()]):
        report = check.odd_stream(odd, wrong)
        assert not report.passed
        assert "two" not in repr(report), "the answer is not given away"


def test_the_newest_of_each_key():
    def right(pairs):
        found = {}
        for key, value in pairs:
            found.pop(key, None)
            found[key] = value
        return list(found.items())

    assert check.newest(right).passed
    for wrong in (
        lambda pairs: pairs,
        lambda pairs: list(dict(pairs).items()),
        lambda pairs: None,
        lambda pairs: (pairs.sort(), right(pairs))[1],
        lambda pairs: (right(pairs), pairs.clear())[0],
    ):
        assert not check.newest(wrong).passed


def test_urgent_first():
    assert check.urgent_first(lambda waiting, urgent: sorted(waiting, key=lambda pair: pair[0] not in urgent)).passed
    for wrong in (
        lambda waiting, urgent: waiting,
        lambda waiting, urgent: sorted(waiting, key=lambda pair: (pair[0] not in urgent, pair[0])),
        lambda waiting, urgent: [pair for pair in waiting if pair[0] in urgent],
        lambda waiting, urgent: 1 / 0,
    ):
        assert not check.urgent_first(wrong).passed
