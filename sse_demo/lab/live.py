"""``LiveEvents``: an event stream as a notebook output that goes on after its cell has finished."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from html import escape
from urllib.parse import urlsplit

import ipywidgets

from .. import notebook
from ..client.source import EventSource
from ..wire.event import Event

REDRAW = 0.2  # seconds; nobody reads faster, and a fast stream must not flood the browser
RATE_OVER = 5.0  # seconds
SHOWN_CHARACTERS = 200

_COLORS = {"connecting": "#b26a00", "open": "#2e7d32", "closed": "#616161", "failed": "#c62828"}


class Rate:
    """How many events come in a second, from how many had come each time that somebody has looked.

    It is measured from news to news, and not from now: else a message every two seconds would be 0.3 a second at one
    moment and 0.7 at the next. When the news stays away for longer than before, the rate falls.
    """

    def __init__(self):
        self._news: deque[tuple[float, int]] = deque()  # when something new was seen, and how many had come

    def at(self, now: float, count: int) -> float:
        news = self._news
        if count and (not news or count != news[-1][1]):
            news.append((now, count))
        while len(news) > 2 and now - news[0][0] > RATE_OVER:
            news.popleft()
        if len(news) < 2:
            return 0.0
        (start, first), (end, last) = news[0], news[-1]
        return round((last - first) / max(end - start, (now - end) * (len(news) - 1)), 1)


class LiveEvents(ipywidgets.VBox):
    """A live view of an event stream: its state, the number of events, their rate, and the newest of them.

    url
        The stream.
    show
        So many events are shown, the newest first.
    keep
        So many are kept in ``events``.

    The stream is read in a thread. An error there is shown in the view, kept in ``error`` and raised by
    :meth:`wait_for`. A cell that is run again stops the view that it had made before.
    """

    def __init__(self, url: str, *, show: int = 10, keep: int = 1_000, **options):
        notebook.stop_earlier_run()
        self.url = url
        self.events: deque[Event] = deque(maxlen=keep)
        self.count = 0
        self.error: Exception | None = None
        self._ended = False
        self._show = show
        self._rate = Rate()
        self._times: deque[str] = deque(maxlen=show)
        self._source = EventSource(url, **options)
        self._changed = threading.Condition()
        self._status = ipywidgets.HTML()
        self._list = ipywidgets.HTML()
        super().__init__([self._status, self._list])
        self._draw()
        self._thread = threading.Thread(target=self._run, name=f"LiveEvents {url}", daemon=True)
        self._thread.start()
        notebook.stop_on_rerun(self)

    def __repr__(self) -> str:
        parts = urlsplit(self.url)
        return f"LiveEvents({parts.path + (f'?{parts.query}' if parts.query else '')!r})"

    @property
    def state(self) -> str:
        """``connecting``, ``open``, ``closed`` (the server said that there is no more, or :meth:`stop`), ``failed``."""
        if self.error:
            return "failed"
        return "closed" if self._ended else self._source.ready_state.name.lower()

    def wait_for(self, n: int, timeout: float = 10) -> list[Event]:
        """Wait until ``n`` events have come, and return the first ``n`` of those that are kept.

        Raises ``TimeoutError`` when they do not come within ``timeout`` seconds, ``RuntimeError`` when the stream has
        ended before, and the stream's own error when it has failed.
        """
        self._wait(lambda: self.count >= n, timeout, f"{n} events")
        return list(self.events)[:n]

    def wait_closed(self, timeout: float = 10) -> None:
        """Wait until the stream has ended for good. Raises ``TimeoutError``, or the stream's own error."""
        self._wait(lambda: self.state == "closed", timeout, "the end of the stream")

    def stop(self) -> None:
        """Close the stream. The view stays as it is."""
        self._source.close()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _wait(self, condition, timeout: float, what: str) -> None:
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
            raise TimeoutError(f"no {what} within {timeout:g} s: {so_far}, which is {self.state}")

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._read())
        except Exception as error:  # nobody would see it in this thread
            self.error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
            self._draw()

    async def _read(self) -> None:
        drawing = asyncio.create_task(self._keep_drawing())
        async with self._source:
            async for event in self._source:
                with self._changed:
                    self.events.append(event)
                    self._times.append(time.strftime("%H:%M:%S"))
                    self.count += 1
                    self._changed.notify_all()
        drawing.cancel()

    async def _keep_drawing(self) -> None:
        drawn = None
        while True:
            now = (self.state, self.count, self._rate.at(time.monotonic(), self.count))
            if now != drawn:
                drawn = now
                self._draw()
            await asyncio.sleep(REDRAW)

    def _draw(self) -> None:
        rate = 0.0 if self._ended else self._rate.at(time.monotonic(), self.count)
        style = f"background:{_COLORS[self.state]};color:white;border-radius:9px;padding:1px 9px"
        pill = f'<span style="{style}">{self.state}</span>'
        error = f'<div style="color:{_COLORS["failed"]}">{escape(str(self.error))}</div>' if self.error else ""
        self._status.value = (
            f"{pill} &nbsp; events <b>{self.count}</b> &nbsp; {rate:.1f} a second &nbsp; "
            f"last id <code>{escape(self._source.last_event_id) or '-'}</code>{error}"
        )
        newest = list(zip(self._times, list(self.events)[-len(self._times) :], strict=False))
        self._list.value = (
            '<div style="font-family:var(--jp-code-font-family,monospace);font-size:12px;line-height:1.5">'
            + "".join(self._line(at, event) for at, event in reversed(newest))
            + "</div>"
        )

    def _line(self, at: str, event: Event) -> str:
        data = event.data if len(event.data) <= SHOWN_CHARACTERS else event.data[:SHOWN_CHARACTERS] + "…"
        return (
            f'<div><span style="opacity:.6">{at}</span> <b>{escape(event.event)}</b> '
            f'<span style="opacity:.6">{escape(event.id or "")}</span> {escape(data)}</div>'
        )
