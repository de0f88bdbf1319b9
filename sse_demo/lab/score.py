"""``score_board``: how many vectors of the standard each of several parsers reads rightly.

A contestant is a function from the chunks of a stream to its events, or a class with a method ``feed(chunk)`` that
returns events. An event is a tuple ``(event, data, last_event_id)`` or has attributes ``event``, ``data`` and ``id``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import Any, Protocol

from ..wire.parser import EventStreamParser
from ..wire.vectors import VECTORS, Vector, cuts
from .look import GOOD, WAITING


class _Parser(Protocol):
    def feed(self, chunk: bytes, /) -> Iterable[Any]: ...


Contestant = type[_Parser] | Callable[[list[bytes]], Iterable[Any]]


def score_board(contestants: dict[str, Contestant], vectors: Iterable[Vector] = VECTORS) -> ScoreBoard:
    """Count the vectors that each contestant reads rightly: in one piece, and however they are cut.

    Args:
        contestants: By name.
        vectors: By default those of the standard.
    """
    return ScoreBoard({name: failures(contestant, vectors) for name, contestant in contestants.items()}, list(vectors))


def failures(contestant: Contestant, vectors: Iterable[Vector] = VECTORS) -> dict[str, str]:
    """Find the vectors that a contestant does not read rightly.

    Args:
        contestant: A parser.
        vectors: By default those of the standard.

    Returns:
        By the name of the vector: ``"whole"`` where the contestant fails already at the vector in one piece, and
        ``"cut"`` where the contestant fails only at some of its cuts.
    """
    failed = {}
    for vector in vectors:
        if vector.start_id:  # not every contestant can start with an id
            continue
        for number, chunks in enumerate(cuts(vector.stream)):
            if not _right(contestant, chunks, vector):
                failed[vector.name] = "cut" if number else "whole"
                break
    return failed


def _right(contestant: Contestant, chunks: list[bytes], vector: Vector) -> bool:
    try:
        return [_fields(event) for event in _run(contestant, chunks)] == [tuple(event) for event in vector.events]
    except Exception:  # a parser that raises has not read the vector rightly; which error it was does not matter here
        return False


def _run(contestant: Contestant, chunks: list[bytes]) -> Iterable[Any]:
    if isinstance(contestant, type):
        parser = contestant()
        return [event for chunk in chunks for event in parser.feed(chunk)]
    return contestant(chunks)


def _fields(event: Any) -> tuple[str, str, str]:
    if isinstance(event, tuple) and len(event) == 3:
        return event
    return event.event, event.data, event.id or ""


class ScoreBoard:
    """A table of the vectors that each contestant reads rightly: in one piece, and in every way they can be cut.

    Args:
        failed: By the name of the contestant, what :func:`failures` has found.
        vectors: All the vectors.

    Attributes:
        total: How many vectors a contestant can read rightly.
    """

    def __init__(self, failed: dict[str, dict[str, str]], vectors: list[Vector]) -> None:
        self.failed = failed
        self.total = sum(not vector.start_id for vector in vectors)

    @property
    def rows(self) -> list[tuple[str, int, int]]:
        """Of each contestant: the name, and how many vectors it reads rightly in one piece, and however cut."""
        return [
            (name, self.total - list(failed.values()).count("whole"), self.total - len(failed))
            for name, failed in self.failed.items()
        ]

    def __repr__(self) -> str:
        width = max(len(name) for name in self.failed)
        head = f"{f'of {self.total} vectors':{width}}  in one piece  however cut"
        return "\n".join([head, *(f"{name:{width}}  {whole:12}  {cut:11}" for name, whole, cut in self.rows)])

    def _repr_html_(self) -> str:
        def bar(right: int) -> str:
            share = 100 * right / self.total
            color = GOOD if right == self.total else WAITING
            return (
                f'<td style="text-align:left;min-width:180px"><div style="display:flex;gap:6px;align-items:center">'
                f'<div style="background:{color};height:10px;width:{share * 1.2:.0f}px"></div>{right}</div></td>'
            )

        rows = "".join(
            f'<tr><td style="text-align:left">{escape(name)}</td>{bar(whole)}{bar(cut)}</tr>'
            for name, whole, cut in self.rows
        )
        head = f"<tr><th>of {self.total} vectors</th><th>in one piece</th><th>however cut</th></tr>"
        return f"<table>{head}{rows}</table>"


def httpx_sse(chunks: list[bytes]) -> Iterable[tuple[str, str, str]]:
    """httpx-sse, behind a response of httpx."""
    import httpx
    import httpx_sse

    response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=iter(chunks))
    return [(event.event, event.data, event.id) for event in httpx_sse.EventSource(response).iter_sse()]


def sseclient(chunks: list[bytes]) -> Iterable[tuple[str, str, str]]:
    """sseclient-py, which takes any iterable of bytes."""
    from sseclient import SSEClient

    return [(event.event, event.data, event.id or "") for event in SSEClient(iter(chunks)).events()]


def launchdarkly(chunks: list[bytes]) -> Iterable[tuple[str, str, str]]:
    """The reader of launchdarkly-eventsource."""
    from ld_eventsource.actions import Event
    from ld_eventsource.reader import _BufferedLineReader, _SSEReader

    lines = _BufferedLineReader.lines_from(chunks)
    read = [item for item in _SSEReader(lines).events_and_comments() if isinstance(item, Event)]
    return [(event.event, event.data, event.last_event_id or "") for event in read]


#: This package's parser, and those that people would otherwise choose.
KNOWN: dict[str, Contestant] = {
    "sse_demo": EventStreamParser,
    "httpx-sse": httpx_sse,
    "sseclient-py": sseclient,
    "launchdarkly-eventsource": launchdarkly,
}
