"""The checks of lesson 1."""

from __future__ import annotations

import http.client
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

from ... import listen
from ...wire.parser import EventStreamParser
from ..report import Report
from .exercise import Exercise


@Exercise
def four_messages(url: str | None) -> Report:
    """Lesson 1: an address that streams exactly four messages, half a second apart.

    Args:
        url: The address, on a running server.
    """
    report = Report("four messages, half a second apart")
    query = {name: values[-1] for name, values in parse_qs(urlsplit(url or "").query).items()}
    report.expect("the address is /stream of the server", "/stream", lambda: urlsplit(url or "").path)
    report.expect("it asks for half a second between messages", 0.5, lambda: float(query.get("interval", 2)))
    report.expect("it asks for four messages", 4, lambda: int(query.get("count", 10)))
    if url and report.passed:  # a wrong address might take long
        report.expect("four messages came", ["0", "1", "2", "3"], _ids_until, url, "3")
    return report


@Exercise
def stop_id(url: str, last_event_id: str | None) -> Report:
    """Lesson 1: the last event ID for which the server says that there is no more.

    Args:
        url: The stream, on a running server.
        last_event_id: The learner's answer.
    """
    report = Report('the id that says "stop"')
    report.add(isinstance(last_event_id, str), "it is a string")
    if isinstance(last_event_id, str):
        report.expect("the stream has a message with this id", True, lambda: last_event_id in _ids(url))
        report.expect("the server answers it with 204", 204, _status, url, last_event_id)
    return report


def _ids(url: str) -> list[str | None]:
    with urlopen(f"{url}{'&' if urlsplit(url).query else '?'}interval=0", timeout=10) as answer:
        return [event.id for event in EventStreamParser().feed(answer.read())]


def _ids_until(url: str, last_id: str) -> list[str | None]:
    ids = []
    with listen(url) as stream:
        for event in stream:
            ids.append(event.id)
            if event.id == last_id:
                break
    return ids


def _status(url: str, last_event_id: str) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}", headers={"Last-Event-ID": last_event_id})
        return connection.getresponse().status
    finally:
        connection.close()
