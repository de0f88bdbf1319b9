"""The checks of lesson 6."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..report import Report
from .exercise import Exercise

PAGE = "https://shop.example"
ALLOW, CREDENTIALS = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"


@Exercise
def types(types: Callable[[bytes], Iterable[str]]) -> Report:
    """Lesson 6: the event types that a page must listen for.

    Args:
        types: Takes a stream. Returns the set of event types for which a page needs listeners to get every event of
            the stream.
    """
    report = Report("listeners")
    report.expect("an event without a type is a message", ["message"], lambda: sorted(types(b"data: 1\n\n")))
    report.expect("an event with one is not", ["price"], lambda: sorted(types(b"event: price\ndata: 1\n\n")))
    report.expect(
        "each type once",
        ["message", "price"],
        lambda: sorted(types(b"event: price\ndata: 1\n\ndata: 2\n\nevent: price\ndata: 3\n\n")),
    )
    report.expect("a block without data is no event", [], lambda: sorted(types(b"event: price\nid: 1\n\n")))
    report.expect("an empty type is none", ["message"], lambda: sorted(types(b"event:\ndata: 1\n\n")))
    report.expect("upper case is another type", ["Price"], lambda: sorted(types(b"event: Price\ndata: 1\n\n")))
    report.expect("a line may end with CRLF", ["price"], lambda: sorted(types(b"event: price\r\ndata: 1\r\n\r\n")))
    report.expect("a field may have no colon", ["price"], lambda: sorted(types(b"event: price\ndata\n\n")))
    report.expect("what has not ended is no event", [], lambda: sorted(types(b"event: price\ndata: 1\n")))
    report.expect("a comment is nothing to listen for", [], lambda: sorted(types(b": event: price\n\n")))
    return report


@Exercise
def headers(headers: Callable[[str | None, set[str], bool], Mapping[str, str]]) -> Report:
    """Lesson 6: the CORS headers of an answer (Fetch standard, 3.3).

    Args:
        headers: Takes the origin of the page, which may be None, the set of origins that are allowed, and whether
            cookies are allowed. Returns the headers by name.
    """
    report = Report("cors")

    def answer(origin: str | None, allowed: set[str], credentials: bool = False) -> dict[str, str]:
        # Names of headers are case-insensitive: RFC 9110, 5.1.
        return {name.title(): str(value) for name, value in headers(origin, allowed, credentials).items()}

    def of(origin: str | None, allowed: set[str], credentials: bool = False) -> dict[str, str]:
        return {name: value for name, value in answer(origin, allowed, credentials).items() if name != "Vary"}

    report.expect("an origin that is allowed is told so", {ALLOW: PAGE}, lambda: of(PAGE, {PAGE}))
    report.expect("one that is not is told nothing", {}, lambda: of("https://evil.example", {PAGE}))
    report.expect("nor is a client without an origin", {}, lambda: of(None, {PAGE}))
    report.expect("another port is another origin", {}, lambda: of(f"{PAGE}:8443", {PAGE}))
    report.expect("and so is another scheme", {}, lambda: of("http://shop.example", {PAGE}))
    report.expect("nor are its cookies wanted", {}, lambda: of("https://evil.example", {PAGE}, True))
    report.expect("cookies are allowed in so many words", {ALLOW: PAGE, CREDENTIALS: "true"},
                  lambda: of(PAGE, {PAGE}, True))  # fmt: skip
    report.expect("* is for everybody", {ALLOW: "*"}, lambda: of("https://any.example", {"*"}))
    report.expect("but never with cookies", {ALLOW: "*"}, lambda: of("https://any.example", {"*"}, True))
    report.expect(
        "a cache is told that each answer depends on the origin",
        ["Origin"] * 4,
        lambda: [
            answer(origin, allowed).get("Vary", "").title()
            for origin, allowed in [(PAGE, {PAGE}), ("https://evil.example", {PAGE}), (None, {PAGE}), (PAGE, {"*"})]
        ],
    )
    return report
