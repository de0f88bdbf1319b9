from sse_demo import Event, EventStreamParser
from sse_demo.lab import check


def test_our_own_encoder_passes():
    assert check.encode(
        lambda data, event="message", id=None, retry=None: Event(data, event, id, retry).encode()
    ).passed


def test_an_encoder_may_order_its_fields_as_it_likes():
    def encode(data, **fields):
        lines = Event(data, **fields).encode().decode().removesuffix("\n\n").split("\n")
        return "\n".join(sorted(lines, key=lambda line: not line.startswith("data"))).encode() + b"\n\n"

    assert check.encode(encode).passed


def test_encoders_that_are_not_finished():
    report = check.encode(lambda data, **fields: f"data: {data}\n\n".encode())
    assert not report.passed
    assert "ok       one line of data" in repr(report)
    assert not check.encode(lambda data, **fields: b"data: " + data.encode()).passed, "there is no blank line"
    assert "expected b'data: hello\\n\\n', got b''" in repr(check.encode(lambda data, **fields: b""))


def test_an_encoder_that_returns_no_bytes_is_told_so():
    report = check.encode(lambda data, **fields: f"data: {data}\n\n")
    assert [remark for _, _, remark in report.rows] == ["expected 'bytes', got 'str'"]
    assert "got 'NoneType'" in repr(check.encode(lambda data, **fields: None))
    assert "TypeError" in repr(check.encode(lambda: b""))


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
    assert "expected 2, got 0" in repr(check.odd_stream(odd, []))
