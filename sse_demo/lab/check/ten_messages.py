"""The checks of lesson 1."""

from __future__ import annotations

import http.client
from functools import partial
from itertools import islice, pairwise
from urllib.parse import parse_qs, urlsplit

from ... import listen
from ...wire.event import Event
from ...wire.parser import EventStreamParser
from ..lessons.ten_messages.answers import Answer, checked
from ..views.report import Report
from .exercise import Exercise
from .words import Words

HERE = ("127.0.0.1", "localhost")
TIMEOUT = 3.0  # seconds for one answer of the server
MENU = ["tea", "coffee", "cake"]
ENOUGH = 20  # events of one answer: a menu that has more is wrong already
FEW = 3  # ids that a remark names
STRANGE_IDS = ("yesterday", "-1", "-2", "0", "1", "2", "3", "4", "99", "٣", "²", "a b", "None", ",")
LOOKS = ("0{}", "{}0", "{0}{0}", "+{}", "{}.0", "{}-1", "x:{}", "{},x", '"{}"')  # like an id that was

THREE_IDS, NO_IDS = Words("3 different ids"), Words("no ids")
SAME_IDS, SAME_ID = Words("the same ids"), Words("the same id")
SAME_ANSWERS, ALL = Words("the same answers"), Words("all of it")


@Exercise
def four_messages(url: str) -> Report:
    """Lesson 1: an address that streams exactly four messages, a quarter of a second apart.

    Args:
        url: The address, on a running server.
    """
    report = Report("four_messages")
    if not isinstance(url, str):
        report.add(False, "the address is a text", f"it is {url!r}")
        return report
    report.expect("the address is that of the stream", "/stream on this machine", _where, url)
    report.expect(
        "it asks for a quarter of a second between two messages", 0.25, lambda: float(_asked(url, "interval", "2"))
    )
    report.expect("it asks for four messages", 4, lambda: int(_asked(url, "count", "10")))
    if report.passed:  # a wrong address might take long
        report.expect("these messages come, and then the end", ["0", "1", "2", "3"], _ids, url)
    return report


@Exercise
def stop_id(url: str, last_event_id: str) -> Report:
    """Lesson 1: a last event ID for which the server says that there is no more.

    Args:
        url: The stream, on a running server.
        last_event_id: The learner's answer.
    """
    report = Report("stop_id")
    if not isinstance(last_event_id, str):
        report.add(False, "the id is a text, in quotation marks", f"it is {last_event_id!r}")
        return report
    report.add(True, "the id is a text")
    report.expect("the server answers it with 204", 204, _status, url, last_event_id)
    return report


@Exercise
def menu(answer: Answer) -> Report:
    """Lesson 1: three messages for every client, each of them once, and then an end.

    Args:
        answer: Takes a client's last event ID, ``""`` where it has none. Returns a status and the events.
    """
    report = Report("menu")
    if not callable(answer):
        report.add(False, "menu is a function", f"it is {answer!r}")
        return report

    first = "a first visit, without an id, is answered with 200 and the whole menu"
    report.expect(first, (200, MENU), lambda: _visit(answer, "")[:2])
    if not report.passed:
        return report
    report.expect("each message has an id of its own", THREE_IDS, lambda: _count(_visit(answer, "")[2]))
    report.expect("a second client gets the whole menu, too", (200, MENU), lambda: _visit(answer, "")[:2])
    report.expect("a second client gets the same ids", SAME_IDS, lambda: _same(answer))
    for number, text in enumerate(MENU):
        rest = MENU[number + 1 :]
        wanted = (200, rest) if rest else (204, [])
        what = f"200 and only {' and '.join(rest)}" if rest else "204 and no message"
        report.expect(f"a visit after {text} is answered with {what}", wanted, partial(_after, answer, number))
    report.expect("coffee keeps its id on a visit after tea", SAME_ID, lambda: _keeps_its_id(answer))
    report.expect("a visit gets the same answer, whoever has come in between", SAME_ANSWERS, lambda: _in_turn(answer))
    report.expect("an id that was never on the menu is answered with the whole menu", ALL, lambda: _strange(answer))
    return report


def _where(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path} on {'this machine' if parts.hostname in HERE else parts.hostname}"


def _asked(url: str, name: str, default: str) -> str:
    return parse_qs(urlsplit(url).query, keep_blank_values=True).get(name, [default])[-1]


def _ids(url: str) -> list[str | None]:
    with listen(url, reconnect=False, connect_timeout=TIMEOUT) as stream:
        return [event.id for event in stream]


def _status(url: str, last_event_id: str) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}", headers={"Last-Event-ID": last_event_id})
        return connection.getresponse().status
    except ConnectionRefusedError:
        raise ConnectionError("no server answers at this address; the first code cell starts one") from None
    finally:
        connection.close()


def _visit(answer: Answer, last_event_id: str) -> tuple[int, list[str], list[str | None]]:
    """The status, the texts and the ids that a client gets, over the wire."""
    given = answer(last_event_id)
    if isinstance(given, tuple) and len(given) == 2:
        given = given[0], islice(given[1] or (), ENOUGH)
    status, events = checked(given)
    parser: EventStreamParser[Event] = EventStreamParser()
    received = parser.feed(b"".join(event.encode() for event in events))
    return status, [event.data for event in received], [event.id or None for event in received]


def _count(ids: list[str | None]) -> str:
    missing = ids.count(None)
    if missing:
        return Words(f"{missing} messages without an id")
    for id in filter(None, ids):
        if id != _in_a_header(id):
            return Words(f"{id!r}, which loses its outer spaces on the way back")
    return Words(f"{len(set(ids))} different ids")


def _in_a_header(id: str) -> str:
    """An id as ``Last-Event-ID`` brings it: a header has no spaces at its ends (RFC 9110, 5.5)."""
    return id.strip(" \t")


def _back(answer: Answer, number: int) -> tuple[int, list[str], list[str | None]]:
    """What a client gets whose line has broken after the message with this number."""
    return _visit(answer, _in_a_header(_visit(answer, "")[2][number] or ""))


def _after(answer: Answer, number: int) -> tuple[int, list[str]]:
    return _back(answer, number)[:2]


def _same(answer: Answer) -> str:
    one, another = _visit(answer, "")[2], _visit(answer, "")[2]
    if None in one:
        return NO_IDS
    return SAME_IDS if one == another else Words(f"{one} and then {another}")


def _keeps_its_id(answer: Answer) -> str:
    before, after = _visit(answer, "")[2][1:2], _back(answer, 0)[2][:1]
    if None in before:
        return NO_IDS
    return SAME_ID if before == after else Words(f"{before} and then {after}")


def _in_turn(answer: Answer) -> str:
    """Clients who come back in any order, with no first visit between them, which a server could begin anew at."""
    ids = _visit(answer, "")[2]
    if None in ids:
        return NO_IDS
    for number in (2, 0, 2, 1, 0, 1):
        rest = MENU[number + 1 :]
        got = _visit(answer, _in_a_header(ids[number] or ""))[:2]
        if got != (200 if rest else 204, rest):
            return Words(f"{got} for a client that has seen {MENU[number]}")
    return SAME_ANSWERS


def _strange(answer: Answer) -> str:
    known = [id for id in _visit(answer, "")[2] if id]
    failed = [id for id in _strangers(known) if _visit(answer, id)[:2] != (200, MENU)]
    return Words(f"something else for {', '.join(map(repr, failed[:FEW]))}") if failed else ALL


def _strangers(known: list[str]) -> list[str]:
    """Ids that were never on the menu; those which look like one that was come first."""
    looks = [look for id in known for look in (*(form.format(id) for form in LOOKS), id.swapcase(), id[:-1])]
    for between in ("", ",", ", ", " ", "', '"):
        looks += [between.join(some) for some in (*pairwise(known), known)]
    sent = [_in_a_header(id) for id in (*looks, *STRANGE_IDS)]
    return [id for id in dict.fromkeys(sent) if id and id not in known]
