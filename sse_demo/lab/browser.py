"""``BrowserEvents``: the browser's own ``EventSource``, seen from Python."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import anywidget
import traitlets

from .. import cells
from ..event import Event

NO_BROWSER = "no browser"


class BrowserEvents(anywidget.AnyWidget):
    """An event stream that is read by the browser which shows this notebook, and not by Python.

    url
        The stream, as Python would reach it.
    types
        The event types to listen for; a browser gives no others.
    show, keep
        So many events are shown, and kept in ``events``.
    credentials
        Send cookies to another origin, too (``withCredentials``).
    via
        ``direct`` takes the address as it is. ``proxy`` goes through jupyter-server-proxy on JupyterLab's own origin,
        for a JupyterLab on another machine. ``auto`` is direct where the page comes from this machine, otherwise proxy.

    ``state`` is ``no browser`` until a browser shows it, then ``connecting``, ``open`` or ``closed``; ``opened`` counts
    the connections, ``errors`` the events of that name, ``count`` the events, and ``last_id`` is the last one's. What
    the browser says arrives between two cells, and not while one is running: there is no use in waiting for it.

    The stream is open as long as an output shows it; it is closed with the last one, with :meth:`stop`, with the
    kernel, and when the cell is run again.
    """

    _esm = Path(__file__).with_name("browser.js")

    url = traitlets.Unicode().tag(sync=True)
    types = traitlets.List(traitlets.Unicode()).tag(sync=True)
    credentials = traitlets.Bool().tag(sync=True)
    via = traitlets.Enum(("auto", "direct", "proxy")).tag(sync=True)
    show = traitlets.Int().tag(sync=True)
    key = traitlets.Unicode().tag(sync=True)
    stopped = traitlets.Bool(False).tag(sync=True)
    state = traitlets.Unicode(NO_BROWSER).tag(sync=True)
    opened = traitlets.Int(0).tag(sync=True)
    errors = traitlets.Int(0).tag(sync=True)
    count = traitlets.Int(0).tag(sync=True)
    last_id = traitlets.Unicode("").tag(sync=True)
    shown = traitlets.List().tag(sync=True)

    def __init__(
        self,
        url: str,
        *,
        types: Sequence[str] = ("message",),
        credentials: bool = False,
        via: str = "auto",
        show: int = 10,
        keep: int = 1_000,
    ):
        cells.stop_earlier_run()
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"an event stream has an http or https address, not {url!r}")
        self.events: deque[Event] = deque(maxlen=keep)
        super().__init__(url=url, types=list(types), credentials=credentials, via=via, show=show, key=uuid.uuid4().hex)
        self.on_msg(self._receive)
        cells.stop_on_rerun(self)

    def __repr__(self) -> str:
        parts = urlsplit(self.url)
        return f"BrowserEvents({parts.path + (f'?{parts.query}' if parts.query else '')!r})"

    def stop(self) -> None:
        """Close the stream. The output stays as it is."""
        self.stopped = True  # which the browser is told

    def _receive(self, _widget: object, content: dict, _buffers: object) -> None:
        for type_, data, id_ in content.get("events", []):
            self.events.append(Event(data, event=type_, id=id_ or None))
