"""The checks of lesson 6."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from ..views.report import Report
from .cases import Case, expect_all
from .exercise import Exercise

SHOP = "https://shop.example"
ADMIN = "https://admin.example:8443"
STRANGER = "https://evil.example"
ALLOW, CREDENTIALS = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"
NOTHING, COOKIES = "no CORS header", ", and cookies"  # in the rows

# A stream, the types that a page listens for, the events that it hears, and the last id.
Stream = tuple[bytes, set[str], list[tuple[str, str]], str]

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

    def answer(stream: bytes, types: set[str]) -> tuple[list[tuple[str, ...]], str]:
        got, id = heard(stream, set(types))
        return [tuple(event) for event in got], id

    def expect(what: str, *cases: Stream) -> None:
        if len(cases) == 1:
            [(stream, types, events, last_id)] = cases
            report.expect(what, (events, last_id), answer, stream, types)
            return
        wanted: dict[str, Case] = {
            str(stream)[1:]: ((events, last_id), partial(answer, stream, types))
            for stream, types, events, last_id in cases
        }
        expect_all(report, what, wanted)

    one = b"event: price\ndata: 1\n\n"
    both = {"message", "price"}
    message = [("message", "1")]
    expect(
        "an event without a type, or with an empty one, is heard by the listener for message",
        (b"data: 1\n\n", both, message, ""),
        (b"event:\ndata: 1\n\n", both, message, ""),
    )
    expect("an event of the type price is heard by the listener for price", (one, both, [("price", "1")], ""))
    expect("an event of the type price is not heard by the listener for message", (one, {"message"}, [], ""))
    expect("a page that listens for price only hears no message", (b"data: 1\n\n", {"price"}, [], ""))
    expect(
        "Price, prices and ice are other types than price",
        *((b"event: %b\ndata: 1\n\n" % type, {"price"}, [], "") for type in (b"Price", b"prices", b"ice")),
    )
    error = b"event: error\ndata: 1\n\n"
    expect("an event may have the type error, and is heard", (error, {"error"}, [("error", "1")], ""))
    expect("a page without a listener hears nothing, and has the last id", (b"id: 7\n" + one, set(), [], "7"))
    expect(
        "all events are heard, in the order of the stream, and the same one twice",
        (one + b"data: 2\n\n" + one, both, [("price", "1"), ("message", "2"), ("price", "1")], ""),
    )
    lines = b"event: price\ndata: 1\ndata: 2\n\n"
    odd = " Zürich\u2028Bern\x0b \N{GRINNING FACE}"
    expect(
        "the bytes are read as in lesson 2: line ends, several lines of data, UTF-8, what is no field and no event",
        *((lines.replace(b"\n", end), both, [("price", "1\n2")], "") for end in (b"\n", b"\r\n", b"\r")),
        (f"data: {odd}\n\n".encode(), both, [("message", odd)], ""),
        (b"data: Z\xfcrich\n\n", both, [("message", "Z\ufffdrich")], ""),
        (b"data:\n\n", both, [("message", "")], ""),
        (b"data\n\n", both, [("message", "")], ""),
        (b"event: price\n\ndata: 1\n\n", both, message, ""),
        (b"\xef\xbb\xbfevent: price\nretry: 9\n: hello\ndata: 1\n\n", both, [("price", "1")], ""),
    )
    first = b"event: price\nid: 1\ndata: 5\n\n"
    price = [("price", "5")]
    heard_again = [*price, ("message", "6")]
    expect("the last id is that of the last event, and may be any text",
           (first + b"event: price\nid: b-2\ndata: 6\n\n", both, [*price, ("price", "6")], "b-2"))  # fmt: skip
    expect("the id of an event that nobody hears is the last id as well",
           (first + b"event: refund\nid: 2\ndata: 3\n\n", both, price, "2"))  # fmt: skip
    expect("the id of a block without data is the last id, though the block is no event",
           (first + b"id: 2\n\n", both, price, "2"))  # fmt: skip
    expect(
        "an id with a NUL in it, or none at all, leaves the last id as it is; an empty id empties it",
        (first + b"data: 6\n\n", both, heard_again, "1"),
        (first + b"id: 2\0\ndata: 6\n\n", both, heard_again, "1"),
        (first + b"id:\ndata: 6\n\n", both, heard_again, ""),
    )
    expect("a block whose blank line has not come gives no event and no id",
           (first + b"id: 2\ndata: 6\n", both, price, "1"))  # fmt: skip
    expect("each call begins anew, without the id of the call before", (one, both, [("price", "1")], ""))
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
        label = f"{origin or 'an empty Origin'} gets no CORS header: {what}"
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
