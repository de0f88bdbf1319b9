"""``BrowserEvents`` and ``BrowserPage``: what the browser reads from a server by itself, without Python."""

from __future__ import annotations

import threading
import uuid
from collections import deque
from collections.abc import Sequence
from typing import Any, TypedDict
from urllib.parse import urlsplit

import anywidget
import traitlets

from ...notebook import owned_by_cell
from ...wire.event import Event
from .view import script

NO_BROWSER = "no browser"


class _Report(TypedDict):
    """What a page reports, again and again until it is confirmed."""

    run: str  # of the page
    version: int  # of this report; a later one has a higher number
    events: list[tuple[int, str, str, str]]  # the version that first had it, the type, the data, the id
    seen: dict[str, str | int]  # by the name of the trait: state, opened, errors, count, last_id


class _InBrowser(anywidget.AnyWidget):
    """Something at an address, which the browser reads."""

    url = traitlets.Unicode().tag(sync=True)
    via = traitlets.Enum(("auto", "direct", "proxy")).tag(sync=True)

    def __init__(self, url: str, **options: Any) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"a server has an http or https address, not {url!r}")
        super().__init__(url=url, **options)

    def __repr__(self) -> str:
        parts = urlsplit(self.url)
        return f"{type(self).__name__}({parts.path + (f'?{parts.query}' if parts.query else '')!r})"


class BrowserPage(_InBrowser):
    """A page of a server, in a frame.

    Args:
        url: The page, as Python would reach it.
        height: Of the frame, in pixels.
        via: See :class:`BrowserEvents`.

    Raises:
        ValueError: The url is no http or https address.
        traitlets.TraitError: There is no such ``via``.
    """

    _esm = script("address.js", "kernel.js", "browser_page.js")

    height = traitlets.Int().tag(sync=True)

    def __init__(self, url: str, *, height: int = 430, via: str = "auto") -> None:
        super().__init__(url, height=height, via=via)


class BrowserEvents(_InBrowser):
    """An event stream that the browser's own ``EventSource`` reads, and not Python.

    The stream is open as long as an output shows it. It is closed with the last output, with :meth:`stop`, with the
    kernel, and when the cell is run again. A page that is loaded again opens the stream again. Where two pages show it,
    the attributes tell of the newer page.

    Some front ends report between two cells only. A cell should therefore not wait for an event.

    Over HTTP/1.1 a browser has six connections to JupyterLab's origin. Of the streams and pages that go through that
    origin, four are open at once. The next one waits for a place, in the state ``connecting``.

    Args:
        url: The stream, as Python would reach it.
        types: The event types to listen for. A browser gives no others.
        credentials: Whether to send cookies to another origin, too (``withCredentials``).
        via: ``direct`` takes the address as it is. ``proxy`` goes through jupyter-server-proxy on JupyterLab's own
            origin, for a server on the kernel's machine whose port the browser cannot reach. Another machine is always
            direct. ``auto`` is direct where JupyterLab is at a local address and the server answers the browser,
            otherwise proxy.
        show: How many events are shown.
        keep: How many events are kept.

    Attributes:
        events: The newest events that have come, at most ``keep``.
        state: ``no browser`` until a browser shows the stream, then ``connecting``, ``open`` or ``closed``.
        opened: How many connections were opened.
        errors: How many events ``error`` the ``EventSource`` has given.
        count: How many events have come.
        last_id: The last event ID.

    Raises:
        ValueError: The url is no http or https address.
        traitlets.TraitError: There is no such ``via``.
    """

    _esm = script("address.js", "kernel.js", "browser_events.js")

    types = traitlets.List(traitlets.Unicode()).tag(sync=True)
    credentials = traitlets.Bool().tag(sync=True)
    show = traitlets.Int().tag(sync=True)
    keep = traitlets.Int().tag(sync=True)
    key = traitlets.Unicode().tag(sync=True)
    stopped = traitlets.Bool(False).tag(sync=True)

    state = traitlets.Unicode(NO_BROWSER)
    opened = traitlets.Int(0)
    errors = traitlets.Int(0)
    count = traitlets.Int(0)
    last_id = traitlets.Unicode("")

    @owned_by_cell
    def __init__(
        self,
        url: str,
        *,
        types: Sequence[str] = ("message",),
        credentials: bool = False,
        via: str = "auto",
        show: int = 10,
        keep: int = 1_000,
    ) -> None:
        self.events: deque[Event] = deque(maxlen=keep)
        self._lock = threading.Lock()  # JupyterLab's second line to a kernel has a thread of its own
        self._pages: list[str] = []
        self._version = 0  # of the newest page's last report
        key = uuid.uuid4().hex
        super().__init__(url, types=list(types), credentials=credentials, via=via, show=show, keep=keep, key=key)
        self.on_msg(self._receive)

    def stop(self) -> None:
        """Close the stream. The output stays as it is."""
        self.stopped = True  # a trait: the browser sees the change

    def _receive(self, _widget: object, report: _Report, _buffers: object) -> None:
        """Keep what is new in a report, and confirm the report. A page repeats what has not been confirmed.

        Reports may overtake each other. The first ones go to the main line of the kernel, where they wait for the cell
        that is running. When JupyterLab has opened its second line, the next ones go there.
        """
        run, version = report["run"], report["version"]
        with self._lock:
            if run not in self._pages:
                self._pages.append(run)
                self._version = 0
            if run == self._pages[-1] and version > self._version:
                known, self._version = self._version, version
                for since, type_, data, id_ in report["events"]:
                    if since > known:
                        self.events.append(Event(data, event=type_, id=id_ or None))
                with self.hold_trait_notifications():
                    for name, value in report["seen"].items():
                        setattr(self, name, value)
        self.send({"run": run, "version": version})
