"""The checks of lesson 6."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..views.report import Report
from .exercise import Exercise

SHOP = "https://shop.example"
ADMIN = "https://admin.example:8443"
STRANGER = "https://evil.example"
ALLOW, CREDENTIALS = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"
NOTHING, COOKIES = "no CORS header", ", and cookies"  # in the rows

# Of each page that is a stranger where SHOP and ADMIN are allowed: its origin, and what it is.
STRANGERS = {
    STRANGER: "a stranger",
    "https://evilshop.example": "it ends like an allowed origin",
    "https://shop.example.evil.example": "it begins like an allowed origin",
    "https://shop.exam": "it is the beginning of an allowed origin",
    "https://www.shop.example": "a subdomain is another host",
    "https://shop.example.": "the dot at the end makes another host",
    "https://shop-example": "the dot of an allowed origin is no wildcard",
    "http://shop.example": "http is another scheme than https",
    "https://shop.example:8443": "8443 is another port than https has by default",
    "https://admin.example": "the allowed origin has the port 8443",
    "http://localhost:3000": "the page of a developer is not named",
    "null": "any page can have it, in a sandboxed frame",
    "": "it is no origin",
}


@Exercise
def heard(heard: Callable[[bytes, set[str]], tuple[Iterable[tuple[str, str]], str]]) -> Report:
    """Lesson 6: what the listeners of a page get, and where the page goes on (HTML standard, 9.2.6).

    Args:
        heard: Takes the bytes of a stream, and the event types that a page listens for. Returns the type and the data
            of each event that the page hears, in order; and the id that the browser sends when it comes back.
    """
    report = Report("heard")

    def expect(what: str, stream: bytes, types: set[str], events: list[tuple[str, str]], last_id: str) -> None:
        def answer() -> tuple[list[tuple[str, ...]], str]:
            got, id = heard(stream, set(types))
            return [tuple(event) for event in got], id

        report.expect(what, (events, last_id), answer)

    one = b"event: price\ndata: 1\n\n"
    both = {"message", "price"}
    expect("an event without a type is heard by the listener for message", b"data: 1\n\n", both, [("message", "1")], "")
    expect("an event with an empty type is a message, too", b"event:\ndata: 1\n\n", both, [("message", "1")], "")
    expect("an event of the type price is heard by the listener for price", one, both, [("price", "1")], "")
    expect("an event of the type price is not heard by the listener for message", one, {"message"}, [], "")
    expect("a page that listens for price only hears no message", b"data: 1\n\n", {"price"}, [], "")
    expect("Price is another type than price", b"event: Price\ndata: 1\n\n", {"price"}, [], "")
    expect("ice is another type than price", b"event: ice\ndata: 1\n\n", {"price"}, [], "")
    expect(
        "an event may have the type error, and is heard", b"event: error\ndata: 1\n\n", {"error"}, [("error", "1")], ""
    )
    expect("all events are heard, in the order of the stream, and the same one twice",
           one + b"data: 2\n\n" + one, both, [("price", "1"), ("message", "2"), ("price", "1")], "")  # fmt: skip
    expect("two lines of data are one event, and lines may end with CRLF",
           b"event: price\r\ndata: 1\r\ndata: 2\r\n\r\n", both, [("price", "1\n2")], "")  # fmt: skip
    expect("data is kept as it is, with its spaces, in UTF-8", "data:  Zürich \n\n".encode(), both,
           [("message", " Zürich ")], "")  # fmt: skip
    expect("an event with empty data is heard", b"data:\n\n", both, [("message", "")], "")
    expect("a block without data is no event, and leaves its type behind", b"event: price\n\ndata: 1\n\n", both,
           [("message", "1")], "")  # fmt: skip
    expect("a byte order mark, a comment and a retry are no part of an event",
           b"\xef\xbb\xbfevent: price\nretry: 9\n: hello\ndata: 1\n\n", both, [("price", "1")], "")  # fmt: skip
    first = b"event: price\nid: 1\ndata: 5\n\n"
    price = [("price", "5")]
    expect("the last id is that of the last event, and may be any text", first + b"event: price\nid: b-2\ndata: 6\n\n",
           both, [*price, ("price", "6")], "b-2")  # fmt: skip
    expect("the id of an event that nobody hears is the last id as well", first + b"event: refund\nid: 2\ndata: 3\n\n",
           both, price, "2")  # fmt: skip
    expect("the id of a block without data is the last id, though the block is no event", first + b"id: 2\n\n", both,
           price, "2")  # fmt: skip
    expect("an event without an id leaves the last id as it is", first + b"data: 6\n\n", both,
           [*price, ("message", "6")], "1")  # fmt: skip
    expect("an empty id makes the last id empty", first + b"id:\ndata: 6\n\n", both, [*price, ("message", "6")], "")
    expect("an id with a NUL in it is ignored", first + b"id: 2\0\ndata: 6\n\n", both, [*price, ("message", "6")], "1")
    expect("a block whose blank line has not come gives no event and no id", first + b"id: 2\ndata: 6\n", both,
           price, "1")  # fmt: skip
    expect("each call begins anew, without the id of the call before", one, both, [("price", "1")], "")
    return report


@Exercise
def cors_headers(cors_headers: Callable[[str | None, set[str], bool], Mapping[str, str]]) -> Report:
    """Lesson 6: the CORS headers of an answer (Fetch standard, 3.3).

    Args:
        cors_headers: Takes the origin of the page, which may be None, the set of origins that are allowed, and whether
            cookies are allowed. Returns the headers by name.
    """
    report = Report("cors_headers")

    def answer(origin: str | None, allowed: set[str], cookies: bool) -> dict[str, str]:
        given = dict(cors_headers(origin, allowed, cookies))
        return {str(name).title(): str(value) for name, value in given.items()}  # in any case: RFC 9110, 5.1

    def told(origin: str | None, allowed: Iterable[str], cookies: bool) -> str:
        given = answer(origin, set(allowed), cookies)
        words = given.get(ALLOW, NOTHING)
        if CREDENTIALS in given:
            words += COOKIES if given[CREDENTIALS] == "true" else f", {CREDENTIALS}: {given[CREDENTIALS]}"
        return words

    def each(origins: Iterable[str | None], allowed: Iterable[str], cookies: bool) -> list[str]:
        return [told(origin, allowed, cookies) for origin in origins]

    def without_and_with(origin: str | None) -> str:
        return " / ".join(dict.fromkeys(told(origin, two, cookies) for cookies in (False, True)))

    def varies(origin: str | None) -> bool:
        vary = [answer(origin, set(two), cookies).get("Vary", "") for cookies in (False, True)]
        return all("origin" in [name.strip().lower() for name in one.split(",")] for one in vary)

    def changed() -> set[str]:
        allowed = set(two)
        for origin in (*two, STRANGER, None):
            cors_headers(origin, allowed, True)
        return allowed ^ set(two)

    two, everybody = (SHOP, ADMIN), ("*",)
    report.expect("the only allowed origin is answered with its name", SHOP, told, SHOP, [SHOP], False)
    report.expect("each of two allowed origins is answered with its own name alone", list(two), each, two, two, False)
    report.expect(
        "where cookies are allowed, each of two allowed origins is told so, with the word true",
        [one + COOKIES for one in two],
        each,
        *(two, two, True),
    )
    for origin, what in STRANGERS.items():
        label = f"{origin or 'an empty Origin'} gets no CORS header, with cookies or without: {what}"
        report.expect(label, NOTHING, without_and_with, origin)
    label = "a request without an Origin gets no CORS header, where two origins are allowed"
    report.expect(label, NOTHING, without_and_with, None)
    report.expect("where no origin is allowed, nobody gets a CORS header", [NOTHING] * 2, each, [SHOP, None], (), True)
    label = "where everybody is allowed, the answer is * for a page, for null, and without an Origin"
    report.expect(label, ["*"] * 3, each, [STRANGER, "null", None], everybody, False)
    report.expect("where everybody is allowed, nobody is allowed cookies", ["*"] * 2, each, two, everybody, True)
    for whom, asks in {"an allowed origin": SHOP, "a stranger": STRANGER, "a request without an Origin": None}.items():
        label = f"Vary names Origin in the answer to {whom}, with cookies or without"
        report.expect(label, True, varies, asks)
    report.expect("the set of allowed origins is left as it is", set(), changed)
    return report
