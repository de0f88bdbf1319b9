"""What a request shows: cookies, tickets, and the page that it comes from."""

import tracemalloc

import pytest
from tornado.httputil import HTTPConnection, HTTPHeaders, HTTPServerRequest, RequestStartLine

from sse_demo.web.access.credentials import Credentials, can_be_secure, cookie_name
from sse_demo.web.problems import Problem


def requested(*headers, host="127.0.0.1:8000", path="/events", method="GET", protocol="http"):
    """A request with these headers, each a pair."""
    given = HTTPHeaders()
    for name, value in [("Host", host), *headers]:
        given.add(name, value)
    connection = HTTPConnection()
    connection.context = type("Context", (), {"protocol": protocol, "remote_ip": "192.0.2.1"})
    return HTTPServerRequest(
        headers=given, connection=connection, start_line=RequestStartLine(method, path, "HTTP/1.1")
    )


def shown(*headers, **options):
    return Credentials(requested(*headers, **options))


@pytest.mark.parametrize(
    ("host", "protocol", "name"),
    [
        ("127.0.0.1:8000", "http", "__Host-session"),
        ("[::1]:8000", "http", "__Host-session"),
        ("localhost:8000", "http", "__Host-session"),
        ("LOCALHOST", "http", "__Host-session"),
        ("app.localhost", "http", "__Host-session"),
        ("events.example", "https", "__Host-session"),
        ("events.example", "http", "session"),  # a browser would not keep one with Secure
        ("localhost.evil.example", "http", "session"),
        ("127.0.0.1.evil.example", "http", "session"),
    ],
)
def test_the_cookie_has_the_name_that_browsers_keep_for_it(host, protocol, name):
    request = requested(host=host, protocol=protocol)
    assert cookie_name(request) == name
    assert can_be_secure(request) == (name == "__Host-session")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("__Host-session=abc", "abc"),
        ("a=b; __Host-session=abc; c=d", "abc"),
        ("a=b;__Host-session=abc;", "abc"),
        ("a=b; \t__Host-session=abc \t; c", "abc"),
        ("__Host-session=a=b", "a=b"),
        ("__Host-session=", ""),
        ("__Host-session", None),
        ("session=abc", None),
        ("a__Host-session=abc", None),
        ("__Host-session =abc", None),
        ("__HOST-SESSION=abc", None),
        ("a=b, __Host-session=abc", None),
        ("a=b\xa0; \xa0__Host-session=abc", None),
        ("", None),
    ],
)
def test_the_session_is_in_its_cookie_and_nowhere_else(header, value):
    assert shown(("Cookie", header)).session() == value


def test_no_cookie_is_no_session():
    assert shown().session() is None


@pytest.mark.parametrize(
    "headers",
    [
        [("Cookie", "__Host-session=a; __Host-session=b")],
        [("Cookie", "__Host-session=a; __Host-session=a")],
        [("Cookie", "__Host-session=a"), ("Cookie", "__Host-session=b")],
    ],
)
def test_of_several_cookies_none_is_taken(headers):
    with pytest.raises(Problem, match="several cookies") as refused:
        shown(*headers).session()
    assert refused.value.status_code == 400


@pytest.mark.parametrize(
    ("query", "ticket"),
    [("", None), ("?topic=a", None), ("?ticket=abc-_9", "abc-_9"), ("?Ticket=a", None)],
)
def test_a_ticket_is_in_the_query(query, ticket):
    assert shown(path=f"/events{query}").ticket() == ticket


@pytest.mark.parametrize(
    "query", ["ticket=a&ticket=b", "ticket=a%20b", "ticket=%C3%A9", "ticket=%FF", "ticket=" + 65 * "a"]
)
def test_what_is_no_ticket_is_refused_without_a_word_of_it(query):
    with pytest.raises(Problem) as refused:
        shown(path=f"/events?{query}").ticket()
    assert refused.value.status_code == 400
    assert "aaaa" not in refused.value.log_message


@pytest.mark.parametrize("name", ["access_token", "token", "jwt", "authorization"])
def test_a_token_in_the_query_is_refused_with_what_to_do(name):
    with pytest.raises(Problem, match="POST /tickets") as refused:
        shown(path=f"/events?{name}=planted").refuse_token_in_query()
    assert refused.value.status_code == 400
    assert "planted" not in refused.value.log_message


@pytest.mark.parametrize(
    "headers",
    [
        [],  # no browser
        [("Origin", "http://127.0.0.1:8000")],
        [("Origin", "HTTP://127.0.0.1:8000")],
        [("Sec-Fetch-Site", "same-origin")],
        [("Sec-Fetch-Site", "none")],  # its address was typed
        [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")],  # a link was followed
        [("Origin", "https://proxied.example"), ("Sec-Fetch-Site", "same-origin")],
    ],
)
def test_ones_own_page_and_what_is_no_page_are_let_in(headers):
    shown(*headers).refuse_foreign_page()


@pytest.mark.parametrize(
    ("headers", "method"),
    [
        ([("Origin", "http://127.0.0.1:8001")], "GET"),
        ([("Origin", "null")], "GET"),
        ([("Origin", "null"), ("Sec-Fetch-Site", "same-origin")], "GET"),
        ([("Origin", "http://127.0.0.1:8000"), ("Sec-Fetch-Site", "cross-site")], "GET"),
        ([("Sec-Fetch-Site", "same-site")], "GET"),
        ([("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")], "GET"),
        ([("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")], "POST"),
        ([("Sec-Fetch-Site", "none"), ("Origin", "http://evil.example")], "POST"),
    ],
)
def test_a_page_from_elsewhere_is_refused(headers, method):
    with pytest.raises(Problem, match="page from elsewhere") as refused:
        shown(*headers, method=method).refuse_foreign_page()
    assert refused.value.status_code == 403


@pytest.mark.parametrize("others", [";" * 60_000, "a=b; " * 12_000, "; " * 30_000, ";a__Host-session=y" * 3_000])
def test_of_a_head_full_of_cookies_the_others_are_not_taken_apart(others):
    """A client may send as much as a head may have, and each one taken apart would hold up the event loop."""
    one = shown(("Cookie", f"{others};__Host-session=x"))
    tracemalloc.start()
    assert one.session() == "x"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000
