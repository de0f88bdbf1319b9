"""What the browser that shows a notebook reads from a server by itself, past Python."""

from __future__ import annotations

import threading
import uuid
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import anywidget
import traitlets

from .. import notebook
from ..wire.event import Event

NO_BROWSER = "no browser"


def _script(name: str) -> str:
    return "\n".join(Path(__file__).with_name(part).read_text("utf-8") for part in ("address.js", name))


class _InBrowser(anywidget.AnyWidget):
    """Something at an address, as Python would reach it, and the way on which the browser does."""

    url = traitlets.Unicode().tag(sync=True)
    via = traitlets.Enum(("auto", "direct", "proxy")).tag(sync=True)

    def __init__(self, url: str, **options):
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"a server has an http or https address, not {url!r}")
        super().__init__(url=url, **options)

    def __repr__(self) -> str:
        parts = urlsplit(self.url)
        return f"{type(self).__name__}({parts.path + (f'?{parts.query}' if parts.query else '')!r})"


class BrowserPage(_InBrowser):
    """A page of a server, in a frame ``height`` pixels high. For ``via`` see :class:`BrowserEvents`."""

    _esm = _script("browser_page.js")

    height = traitlets.Int().tag(sync=True)

    def __init__(self, url: str, *, height: int = 430, via: str = "auto"):
        super().__init__(url, height=height, via=via)


class BrowserEvents(_InBrowser):
    """An event stream that is read by the browser's own ``EventSource``, and not by Python.

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
        for a server on the kernel's machine whose port the browser cannot reach; another machine is always direct.
        ``auto`` is direct where JupyterLab is at a local address and the server answers the browser, otherwise proxy.

    ``state`` is ``no browser`` until a browser shows it, then ``connecting``, ``open`` or ``closed``; ``opened`` counts
    the connections, ``errors`` the events of that name, ``count`` the events, and ``last_id`` is the last one's. A page
    that is loaded again starts again; of two pages that show it, the newer one is reported. Some front ends report
    between two cells only, so a cell should not wait for it.

    Over HTTP/1.1 a browser has six connections to JupyterLab's origin. Of the streams and pages that go through it four
    are open at once, and the next one waits for a place, in the state ``connecting``.

    The stream is open as long as an output shows it; it is closed with the last one, with :meth:`stop`, with the
    kernel, and when the cell is run again.
    """

    _esm = _script("browser_events.js")

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
        notebook.stop_earlier_run()
        self.events: deque[Event] = deque(maxlen=keep)
        self._lock = threading.Lock()  # JupyterLab's second line to a kernel has a thread of its own
        self._pages: list[str] = []
        self._version = 0  # of what the newest page has reported
        key = uuid.uuid4().hex
        super().__init__(url, types=list(types), credentials=credentials, via=via, show=show, keep=keep, key=key)
        self.on_msg(self._receive)
        notebook.stop_on_rerun(self)

    def stop(self) -> None:
        """Close the stream. The output stays as it is."""
        self.stopped = True  # which the browser is told

    def _receive(self, _widget: object, report: dict, _buffers: object) -> None:
        """Take what is new in a report, and confirm it. A page repeats what has not been confirmed.

        Reports may overtake each other: the first ones go to the main line of the kernel, where they wait for the cell
        that is running; when JupyterLab has opened its second line, the next ones go there.
        """
        run, version = report["run"], report["version"]
        with self._lock:
            if run not in self._pages:
                self._pages.append(run)
                self._version = 0
            if run == self._pages[-1] and version > self._version:
                known, self._version = self._version, version
                self._take([event for since, *event in report["events"] if since > known], report["seen"])
        self.send({"run": run, "version": version})

    def _take(self, events: list[list[str]], seen: dict) -> None:
        for type_, data, id_ in events:
            self.events.append(Event(data, event=type_, id=id_ or None))
        with self.hold_trait_notifications():
            for name, value in seen.items():
                setattr(self, name, value)
