"""What is an address, and what of it is shown."""

import pytest
from support import NO_MORE, Script
from yarl import URL

from sse_demo import EventSource, EventSourceError, InvalidInput, listen
from sse_demo.client.address import parse_address, redirected, same_origin, shown


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://127.0.0.1:8000/events?topic=news", "/events?topic=news"),
        ("https://[::1]/events?topic=a&topic=b", "/events?topic=a&topic=b"),
        ("http://example.test/events?sig=a%2Bb%26c", "/events?sig=a%2Bb%26c"),
        ("http://example.test/events?topic=größe&key=a b", "/events?topic=gr%C3%B6%C3%9Fe&key=a+b"),
        ("http://größe.test/", "/"),
        ("http://example.test/a/../b%2Fc//?x=%2b&y=%20&z=%zz+1&empty=", "/a/../b%2Fc//?x=%2b&y=%20&z=%zz+1&empty="),
        ("http://example.test/a;b=c:@!$&'()*,[d]?/?:@-._~", "/a;b=c:@!$&'()*,[d]?/?:@-._~"),
        ("http://example.test?a", "/?a"),
        ("HTTP://example.test/A?B#c?d", "/A?B"),
        ('http://example.test/{"a"}?f=<b>|\\^`', "/%7B%22a%22%7D?f=%3Cb%3E%7C%5C%5E%60"),
        ("http://example.test/a\r\nX: y?b\tc\x7f\0", "/a%0D%0AX:%20y?b%09c%7F%00"),
        ("http://example.test/\udcff", "/%FF"),
    ],
)
def test_an_address_is_sent_as_it_was_written(url, sent):
    assert parse_address(url).raw_path_qs == sent


@pytest.mark.parametrize(
    "url",
    [
        "", "nowhere", "/events", "127.0.0.1:8000/events", "ftp://127.0.0.1/", "http:///events", "http://:80/",
        "http://127.0.0.1:x/", "http://127.0.0.1:99999/", "http://[::1/", "http://127.0.0.1:0/",
        "http://a b/", "http://a\nb/", "http://<a>/", "http://a%0d%0ab/", "http://a\\b/", "http://a/\ud800",
        f"http://{'ä' * 70}.test/",
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
        ("ada:secret@127.0.0.1/", "127.0.0.1/"),
        ("http:/ada:secret@127.0.0.1/", "127.0.0.1/"),
        ("ftp://ada:secret@127.0.0.1/", "ftp://127.0.0.1/"),
        ("//ada:secret@127.0.0.1/", "127.0.0.1/"),
        ("http://ada:sec\nret@127.0.0.1:x/", "http://127.0.0.1:x/"),
    ],
)
def test_who_asks_is_not_shown(url, seen):
    assert shown(url) == seen


@pytest.mark.parametrize(
    "url",
    [
        "ftp://ada:secret@h/", "http://ada:secret@h:x/", "http://ada:secret@/", "http://ada:sec/ret@h/",
        "ada:secret@h/", "http:/ada:secret@h/", "http://ada:secret@h:0/", "http://ada:secret@[::1/",
        "http://ada:secret@a b/",
    ],
)  # fmt: skip
def test_no_error_tells_a_secret(url):
    with pytest.raises(InvalidInput) as caught:
        parse_address(url)
    assert "sec" not in str(caught.value)


def test_the_error_of_a_stream_tells_no_secret():
    with pytest.raises(ValueError, match="http or https address") as caught:
        EventSource("ftp://ada:secret@h/")
    assert "secret" not in str(caught.value)
    for url in ("http://ada:secret@h:x/", "http://ada:secret@h:0/", "http://ada:secret@a b/"):
        with pytest.raises(EventSourceError, match="is not an address") as caught:
            next(listen(url))
        assert "secret" not in f"{caught.value} {caught.value.url} {caught.value.__cause__}"


@pytest.mark.parametrize(
    ("location", "to"),
    [
        ("x", "http://h:81/a/x"),
        ("?y=%2b", "http://h:81/a/b?y=%2b"),
        ("../z", "http://h:81/z"),
        ("/a/../b?c=a%2Bb", "http://h:81/a/../b?c=a%2Bb"),
        ("//other/p?q", "http://other/p?q"),
        ("https://other:444/%zz?x=%41", "https://other:444/%zz?x=%41"),
        ("HTTP:x", "http://h:81/a/x"),
        ("#f", "http://h:81/a/b?c=%2B"),
        ("/ä b?ö ü", "http://h:81/%C3%A4%20b?%C3%B6+%C3%BC"),
        ("/\udce4", "http://h:81/%E4"),
        ("http://größe.test/", "http://xn--gre-6ka8i.test/"),
        ("http://eve:x@other/", "http://eve:x@other/"),
    ],
)
def test_where_a_redirect_leads(location, to):
    assert str(redirected(parse_address("http://ada:secret@h:81/a/b?c=%2B"), location)) == to


@pytest.mark.parametrize("location", ["file:///etc", "ftp://ada:secret@h/", "javascript:x", "http://", "http://h:0/"])
def test_a_redirect_that_leads_nowhere(location):
    with pytest.raises(InvalidInput, match="is not an") as caught:
        redirected(URL("http://h/"), location)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("http://H:80/x", True),
        ("http://a@h/", True),
        ("https://h/", False),
        ("http://h:81/", False),
        ("http://i/", False),
    ],
)
def test_what_is_the_same_origin(other, same):
    assert same_origin(URL("http://h/"), parse_address(other)) is same


@pytest.mark.parametrize("kind", [str, URL, lambda text: URL(text, encoded=True)], ids=["text", "URL", "URL, encoded"])
def test_over_the_line_as_a_text_or_as_a_url(kind):
    with Script(NO_MORE) as script:
        events = listen(kind(f"{script.url}/x%2Fy?sig=a%2Bb%26%3D&topic=a"))
        assert list(events) == []
        assert script.request()[0] == "GET /events/x%2Fy?sig=a%2Bb%26%3D&topic=a HTTP/1.1"
        assert events.source.shown_url == f"{script.url}/x%2Fy?sig=a%2Bb%26%3D&topic=a"


def test_a_redirect_over_the_line():
    answer = "HTTP/1.1 302 Found\r\nLocation: /there?sig=a%2Bb%zz&n=größe\r\nContent-Length: 0\r\n\r\n".encode()
    with Script(answer, NO_MORE) as script:
        assert list(listen(script.url)) == []
        script.request()
        assert script.request()[0] == "GET /there?sig=a%2Bb%zz&n=gr%C3%B6%C3%9Fe HTTP/1.1"


def test_an_address_with_a_zone_over_the_line():
    with Script(NO_MORE) as script:
        port = script.url.split(":")[2]
        with pytest.raises(EventSourceError, match="nothing answers there"):
            next(listen(f"http://[fe80::1%25nowhere]:{port}", max_tries=1))


@pytest.mark.parametrize(
    ("location", "to"),
    [
        ("d", "/a//b/d"), ("../x", "/a//x"), ("../../x", "/a/x"), ("../../../../x", "/x"),
        ("x//y?p=//a/../b", "/a//b/x//y?p=//a/../b"),
        (".", "/a//b/"), ("..", "/a//"), ("./x/", "/a//b/x/"), ("?y=%2b", "/a//b/c?y=%2b"), ("?", "/a//b/c"),
        ("#part", "/a//b/c?x=%2B"), ("d#part", "/a//b/d"), ("1:2", "/a//b/1:2"),
    ],
)  # fmt: skip
def test_a_relative_location_keeps_each_byte_of_the_path(location, to):
    assert redirected(parse_address("http://h/a//b/c?x=%2B"), location).raw_path_qs == to
