"""What is an address, and what of it is shown."""

import pytest

from sse_demo import EventSource, InvalidInput
from sse_demo.client.address import parse_address, shown


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://127.0.0.1:8000/events?topic=news", "/events?topic=news"),
        ("https://[::1]/events?topic=a&topic=b", "/events?topic=a&topic=b"),
        ("http://example.test/events?sig=a%2Bb%26c", "/events?sig=a%2Bb%26c"),
        ("http://example.test/events?topic=größe&key=a b", "/events?topic=gr%C3%B6%C3%9Fe&key=a+b"),
        ("http://größe.test/", "/"),
    ],
)
def test_an_address_is_sent_as_it_was_written(url, sent):
    assert parse_address(url).raw_path_qs == sent


@pytest.mark.parametrize(
    "url",
    [
        "", "nowhere", "/events", "127.0.0.1:8000/events", "ftp://127.0.0.1/", "http:///events", "http://:80/",
        "http://127.0.0.1:x/", "http://127.0.0.1:99999/", "http://[::1/", f"http://{'ä' * 70}.test/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url):
    with pytest.raises(InvalidInput, match="is not an"):
        parse_address(url)


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("http://ada:secret@127.0.0.1/events?a=b@c", "http://127.0.0.1/events?a=b@c"),
        ("http://secret@127.0.0.1/", "http://127.0.0.1/"),
        ("http://:secret@127.0.0.1/", "http://127.0.0.1/"),
        ("http://ada:sec%2Fret@127.0.0.1/", "http://127.0.0.1/"),
        ("http://ada:sec/ret@127.0.0.1/", "http://127.0.0.1/"),
        ("http://ada:secret@127.0.0.1:x/", "http://127.0.0.1:x/"),
        ("http://ada:secret@/", "http:///"),
        ("http://127.0.0.1/a b", "http://127.0.0.1/a b"),
        ("http://127.0.0.1:x/", "http://127.0.0.1:x/"),
    ],
)
def test_who_asks_is_not_shown(url, seen):
    assert shown(url) == seen


@pytest.mark.parametrize(
    "url", ["ftp://ada:secret@h/", "http://ada:secret@h:x/", "http://ada:secret@/", "http://ada:sec/ret@h/"]
)
def test_no_error_tells_a_secret(url):
    with pytest.raises(InvalidInput) as caught:
        parse_address(url)
    assert "sec" not in str(caught.value)


def test_the_error_of_a_stream_tells_no_secret():
    with pytest.raises(ValueError, match="http or https address") as caught:
        EventSource("ftp://ada:secret@h/")
    assert "secret" not in str(caught.value)
