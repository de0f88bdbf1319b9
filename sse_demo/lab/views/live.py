"""``LiveEvents``: an event stream as a notebook output that goes on after its cell has finished."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from html import escape
from typing import Unpack
from urllib.parse import urlsplit

from ...client.options import EventSourceOptions
from ...client.ready_state import ReadyState, StateChange
from ...client.source import EventSource
from ...notebook import owned_by_cell
from ...wire.event import Event
from ..look import STATES, pill
from ..loop_thread import LoopThread
from .view import View

REDRAW = 0.2  # seconds; nobody reads faster, and a fast stream must not flood the browser
RATE_OVER = 5.0  # seconds
SHOWN_CHARACTERS = 200
LIST_STYLE = "font-family:var(--jp-code-font-family,monospace);font-size:12px;line-height:1.5;overflow-wrap:anywhere"


class Rate:
    """Events per second, from samples of how many have come.

    The rate is measured from the first new event in the samples to the last one, and not up to now. Otherwise a message
    every two seconds would be 0.3 a second at one moment and 0.7 at the next. When no event comes for longer than
    before, the rate falls.
    """

    def __init__(self) -> None:
        self._news: deque[tuple[float, int]] = deque()  # when a new event was seen, and how many had come

    def at(self, now: float, count: int) -> float:
        """Take a sample, and return the rate.

        Args:
            now: The time of the sample, in seconds.
            count: How many events have come so far.
        """
        news = self._news
        if count and (not news or count != news[-1][1]):
            news.append((now, count))
        while len(news) > 2 and now - news[0][0] > RATE_OVER:
            news.popleft()
        if len(news) < 2:
            return 0.0
        (start, first), (end, last) = news[0], news[-1]
        return round((last - first) / max(end - start, (now - end) * (len(news) - 1)), 1)


class LiveEvents(View):
    """A live view of an event stream: its state, the number of events, their rate, and the newest of them.

    A thread reads the stream. An error there is shown in the view, and :meth:`wait_for` raises it. Where the stream is
    lost, the view says why, and so does a wait that is over. A cell that is run again stops the view of its last run.

    Args:
        url: The stream.
        show: How many events are shown, the newest first.
        keep: How many events are kept.
        options: More arguments for :class:`~sse_demo.EventSource`.

    Attributes:
        events: The newest events that have come, at most ``keep``.
        count: How many events have come.
        error: What the stream has failed with, or None.
    """

    @owned_by_cell
    def __init__(self, url: str, *, show: int = 10, keep: int = 1_000, **options: Unpack[EventSourceOptions]) -> None:
        self.url = url
        self.events: deque[Event] = deque(maxlen=keep)
        self.count = 0
        self.error: Exception | None = None
        self._ended = False
        self._rate = Rate()
        self._times: deque[str] = deque(maxlen=show)
        self._trouble = ""  # why the stream is not open
        self._told = options.get("on_state_change")
        options["on_state_change"] = self._know_state
        self._source = EventSource(url, **options)
        self._changed = threading.Condition()
        super().__init__()
        self._draw()
        self._thread = LoopThread(f"LiveEvents {url}", self._run())

    def __repr__(self) -> str:
        parts = urlsplit(self.url)
        return f"LiveEvents({parts.path + (f'?{parts.query}' if parts.query else '')!r})"

    @property
    def state(self) -> str:
        """``connecting``, ``open``, ``failed``; or ``closed``, after :meth:`stop` or the end of the stream for good."""
        if self.error:
            return "failed"
        return "closed" if self._ended else self._source.ready_state.name.lower()

    def wait_for(self, n: int, timeout: float = 10) -> list[Event]:
        """Wait until ``n`` events have come, and return the first ``n`` of those that are kept.

        Args:
            n: How many events, counted from the start of the view.
            timeout: Seconds.

        Raises:
            TimeoutError: Fewer events have come.
            RuntimeError: The stream has ended before.
            Exception: The stream's own error.
        """
        self._wait(lambda: self.count >= n, timeout, f"{n} events")
        return list(self.events)[:n]

    def wait_for_id(self, id: str, timeout: float = 10) -> Event:
        """Wait until the event with an id has come, and return it.

        Args:
            id: As ``publish`` returns it.
            timeout: Seconds.

        Raises:
            TimeoutError: The event has not come, or is kept no more.
            RuntimeError: The stream has ended before.
            Exception: The stream's own error.
        """
        found: list[Event] = []

        def has_come() -> bool:
            found[:] = [event for event in self.events if event.id == id]
            return bool(found)

        self._wait(has_come, timeout, f"event {id}")
        return found[-1]

    def wait_closed(self, timeout: float = 10) -> None:
        """Wait until the stream has ended for good.

        Args:
            timeout: Seconds.

        Raises:
            TimeoutError: The stream has not ended.
            Exception: The stream's own error.
        """
        self._wait(lambda: self.state == "closed", timeout, "end of the stream")

    def stop(self) -> None:
        """Close the stream. The view stays as it is."""
        self._thread.stop()

    def _wait(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        def over() -> bool:
            return condition() or self._ended

        with self._changed:
            self._changed.wait_for(over, timeout)
            if condition():
                return
            if self.error:
                raise self.error
            so_far = f"{self.count} events have come from {self.url}"
            if self._ended:
                raise RuntimeError(f"the stream has ended before {what}: {so_far}")
            why = f": {self._trouble}" if self._trouble else ""
            raise TimeoutError(f"no {what} within {timeout:g} s: {so_far}, which is {self.state}{why}")

    def _know_state(self, change: StateChange) -> None:
        lost = change.state is ReadyState.CONNECTING
        self._trouble = f"{change.reason}; it tries again after {change.wait:.2g} s" if lost else ""
        if self._told:
            self._told(change)

    async def _run(self) -> None:
        drawing = asyncio.create_task(self._keep_drawing())
        try:
            await self._read()
        except Exception as error:  # nobody would see it in this thread
            self.error = error
        finally:
            drawing.cancel()
            with self._changed:
                self._ended = True
                self._changed.notify_all()
            self._draw()

    async def _read(self) -> None:
        async with self._source:
            async for event in self._source:
                with self._changed:
                    self.events.append(event)
                    self._times.append(time.strftime("%H:%M:%S"))
                    self.count += 1
                    self._changed.notify_all()

    async def _keep_drawing(self) -> None:
        drawn = None
        while True:
            now = (self.state, self._trouble, self.count, self._rate.at(time.monotonic(), self.count))
            if now != drawn:
                drawn = now
                self._draw()
            await asyncio.sleep(REDRAW)

    def _draw(self) -> None:
        rate = 0.0 if self._ended else self._rate.at(time.monotonic(), self.count)
        trouble = str(self.error) if self.error else "" if self._ended else self._trouble
        newest = list(zip(self._times, list(self.events)[-len(self._times) :], strict=False))
        last_id = f"<code>{escape(self._source.last_event_id) or '-'}</code>"
        figures = (f"events <b>{self.count}</b>", f"{rate:.1f} a second", f"last id {last_id}")
        self.html = (
            f"<div>{' &nbsp; '.join((pill(self.state), *map(_in_one_piece, figures)))}</div>"
            + (f'<div style="color:{STATES["failed"]}">{escape(trouble)}</div>' if trouble else "")
            + f'<div style="{LIST_STYLE}">{"".join(self._line(at, event) for at, event in reversed(newest))}</div>'
        )

    def _line(self, at: str, event: Event) -> str:
        data = event.data if len(event.data) <= SHOWN_CHARACTERS else event.data[:SHOWN_CHARACTERS] + "…"
        return (
            f'<div><span style="opacity:.6">{at}</span> <b>{escape(event.event)}</b> '
            f'<span style="opacity:.6">{escape(event.id or "")}</span> {escape(data)}</div>'
        )


def _in_one_piece(html: str) -> str:
    """What goes to the next line as a whole, where there is no room."""
    return f'<span style="display:inline-block">{html}</span>'
