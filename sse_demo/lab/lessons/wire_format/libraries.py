"""``PARSERS``: this package's parser, and those that people would otherwise choose, as contestants."""

from __future__ import annotations

from collections.abc import Iterable

from ....wire.parser import EventStreamParser
from .judge import Contestant
from .rules import Read


def httpx_sse(chunks: list[bytes]) -> Iterable[Read]:
    """httpx-sse, behind a response of httpx."""
    import httpx
    import httpx_sse

    response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=iter(chunks))
    return [(event.event, event.data, event.id) for event in httpx_sse.EventSource(response).iter_sse()]


def sseclient(chunks: list[bytes]) -> Iterable[Read]:
    """sseclient-py, which takes any iterable of bytes."""
    from sseclient import SSEClient

    return [(event.event, event.data, event.id or "") for event in SSEClient(iter(chunks)).events()]


def launchdarkly(chunks: list[bytes]) -> Iterable[Read]:
    """The reader of launchdarkly-eventsource."""
    from ld_eventsource.actions import Event
    from ld_eventsource.reader import _BufferedLineReader, _SSEReader

    lines = _BufferedLineReader.lines_from(chunks)
    given = [item for item in _SSEReader(lines).events_and_comments() if isinstance(item, Event)]
    return [(event.event, event.data, event.last_event_id or "") for event in given]


#: By name. The libraries are there in the versions of ``requirements.txt``.
PARSERS: dict[str, Contestant] = {
    "sse_demo": EventStreamParser,
    "httpx-sse": httpx_sse,
    "sseclient-py": sseclient,
    "launchdarkly-eventsource": launchdarkly,
}
