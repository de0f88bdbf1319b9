"""``LiveVerdicts``: a stream of messages, and what several receivers make of each of them."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from html import escape
from typing import NamedTuple, Unpack

from ....client.options import EventSourceOptions
from ....wire.event import Event
from ...look import GOOD, QUIET, WAITING, WRONG, pill
from ...views.live import LiveEvents

SHOWN_CHARACTERS = 20  # of a message that is no JSON
COLORS = {"accepted": GOOD, "refused": WRONG, "dropped": WAITING}  # by the first word of a verdict
CELL = 'style="text-align:left;vertical-align:top;padding:2px 14px 2px 0"'
TABLE = 'style="table-layout:fixed;width:100%;max-width:720px;margin:4px 0"'
COLUMNS = '<col style="width:70px"><col style="width:150px">'  # of the time and the message; the others share the rest

Receiver = Callable[[Event], object]


class Verdict(NamedTuple):
    """What a receiver has made of a message.

    Attributes:
        text: In words.
        color: Of :mod:`sse_demo.lab.look`.
    """

    text: str
    color: str


class LiveVerdicts(LiveEvents):
    """A live list of messages, the newest first, with a column for each receiver.

    A receiver is called with each event, in the thread that reads the stream. The text that it returns is shown. A
    receiver that raises an exception is called no more: it is a loop that has ended.

    Args:
        url: The stream. The data of its events is a signature on a line of its own, and a message as JSON.
        receivers: By name, functions that take an event.
        show: How many messages are shown.
        options: More arguments for :class:`~sse_demo.EventSource`.

    Attributes:
        ended: By the name of a receiver, the exception that has ended it.
    """

    def __init__(
        self, url: str, receivers: Mapping[str, Receiver], *, show: int = 8, **options: Unpack[EventSourceOptions]
    ) -> None:
        self.ended: dict[str, Exception] = {}
        self._receivers = dict(receivers)
        self._rows: deque[tuple[str, Event, list[Verdict]]] = deque(maxlen=show)
        super().__init__(url, show=show, **options)

    def __repr__(self) -> str:
        return f"LiveVerdicts({', '.join(self._receivers)})"

    async def _read(self) -> None:
        async with self._source:
            async for event in self._source:
                verdicts = [self._ask(name, receiver, event) for name, receiver in self._receivers.items()]
                with self._changed:
                    self._rows.append((time.strftime("%H:%M:%S"), event, verdicts))
                    self.events.append(event)
                    self.count += 1
                    self._changed.notify_all()

    def _ask(self, name: str, receiver: Receiver, event: Event) -> Verdict:
        if name in self.ended:
            return Verdict("", QUIET)
        try:
            text = str(receiver(event))
        except Exception as error:
            self.ended[name] = error
            return Verdict(f"{type(error).__name__}: its loop has ended", WRONG)
        return Verdict(text, COLORS.get(text.partition(":")[0], QUIET))

    def _draw(self) -> None:
        heads = "".join(f"<th {CELL}>{escape(name)}{self._end_of(name)}</th>" for name in self._receivers)
        trouble = str(self.error) if self.error else "" if self._ended else self._trouble
        self.html = (
            f"<div>{pill(self.state)} &nbsp; messages <b>{self.count}</b></div>"
            + (f'<div style="color:{WRONG}">{escape(trouble)}</div>' if trouble else "")
            + f"<table {TABLE}>{COLUMNS}<tr><th {CELL}>at</th><th {CELL}>message</th>{heads}</tr>"
            + "".join(_line(*row) for row in reversed(list(self._rows)))
            + "</table>"
        )

    def _end_of(self, name: str) -> str:
        error = self.ended.get(name)
        return f' <span style="color:{WRONG}">has ended: {type(error).__name__}</span>' if error else ""


def _line(at: str, event: Event, verdicts: list[Verdict]) -> str:
    cells = [at, summary(event.data)]
    for verdict in verdicts:
        word, colon, reason = verdict.text.partition(":")
        cells.append(f'<b style="color:{verdict.color}">{escape(word)}</b>{colon}{escape(reason)}')
    return "<tr>" + "".join(f"<td {CELL}>{cell}</td>" for cell in cells) + "</tr>"


def summary(data: str) -> str:
    """What a message says, as HTML: its type and its payload, without the signature, the time and the brackets."""
    body = data.partition("\n")[2] or data
    try:
        message = json.loads(body)
        kind, payload = str(message["type"]), dict(message["payload"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"<code>{escape(body[:SHOWN_CHARACTERS])}</code>"
    parts = [str(value) if name == kind else f"{name} = {value}" for name, value in payload.items()]
    return f"<b>{escape(kind)}</b> {escape(', '.join(parts))}"
