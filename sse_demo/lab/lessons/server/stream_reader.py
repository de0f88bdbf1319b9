"""``StreamReader``: a client that keeps what has come of a stream, and when."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import time
from collections.abc import Callable
from itertools import pairwise

from ....wire.parser import EventStreamParser

SOON = 0.6  # seconds in which something that is due at once has come
LATE = 0.05  # seconds from a line to the end of its block, or from a write to its arrival
TOO_SHORT, TOO_LONG = 0.75, 1.4  # of a pause that is expected
SLACK = 0.04  # seconds; a machine that is busy wakes late

_NOTED = 100  # pieces; a handler without a pause writes millions
_LEAVE_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends a RST


class Account:
    """The bytes of a stream, and when its first parts were complete.

    Attributes:
        body: The bytes so far.
    """

    def __init__(self) -> None:
        self.body = b""
        self._times: list[tuple[float, int, int, int]] = []  # when there were so many data, events, comments

    def add(self, piece: bytes) -> None:
        """More bytes, at this moment."""
        self.body += piece
        if len(self._times) < _NOTED:
            self._times.append((time.monotonic(), len(self.data), len(self.events), self.comments))

    @property
    def events(self) -> list[str]:
        """The data of each complete event."""
        return [event.data for event in EventStreamParser().feed(self.body)]

    @property
    def data(self) -> list[str]:
        """The text of each line of data, whether its event is complete or not."""
        whole = self._lines.rpartition(b"\n")[0]
        return [line.decode("utf-8", "replace") for line in re.findall(rb"(?m)^data: ?(.*)$", whole)]

    @property
    def comments(self) -> int:
        """How many complete comments there are."""
        return len(re.findall(rb"(?m)^:.*\n", self._lines))

    @property
    def _lines(self) -> bytes:
        """The body, with one kind of line end."""
        return self.body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def pause(self, count: int, due: float, what: int = 0) -> str:
        """How far apart so many are, in words such as ``"0.1 s"``.

        This machine may be busy, and some are late: they are told apart from ``due`` where none of them fits.

        Args:
            count: How many.
            due: The seconds that are expected.
            what: Lines of data (0), events (1) or comments (2).
        """
        times = [at for number in range(count) if (at := self.when(what, number)) is not None]
        gaps = sorted(later - at for at, later in pairwise(times))
        if not gaps:
            return "nothing to compare"
        fits = gaps[0] < TOO_LONG * due + SLACK and gaps[-1] > TOO_SHORT * due
        return f"{due if fits else gaps[len(gaps) // 2]:.1g} s"

    def delay(self, written: Account, count: int) -> float:
        """The fewest seconds that any of the first lines of data took from its writing. 0 where that is not known.

        Args:
            written: What the server has written.
            count: How many lines.
        """
        pairs = [(written.when(0, number), self.when(0, number)) for number in range(count)]
        return min((came - sent for sent, came in pairs if sent and came), default=0.0)

    def manner(self, count: int, written: Account) -> str:
        """How so many lines of data have come. Two may have come together, since this machine may be busy."""
        times = [at for number in range(count) if (at := self.when(0, number)) is not None]
        if len(times) < count:
            return f"{len(self.data)} of {count}"
        if times[-1] - times[0] < 2 * LATE:
            return "without a pause"
        if (delay := self.delay(written, count)) > LATE:
            return f"each {delay:.1f} s after it was written"
        return "one by one" if len(set(times)) >= count - 1 else "together"

    def blocks(self, count: int) -> str:
        """How so many lines of data make events."""
        events = self.events[:count]
        if not events:
            return "0 events"
        complete = [(self.when(1, number) or 0) - (self.when(0, number) or 0) for number in range(len(events))]
        when = "at once" if max(complete) < LATE else "when the next city comes"
        return f"{len(events)} events, complete {when}, with {sum(len(data.split(chr(10))) for data in events)} cities"

    def in_words(self, pause: float, written: Account) -> str:
        """How many comments and data have come.

        Args:
            pause: The seconds that are expected between two comments.
            written: What the server has written.
        """
        apart = written.pause(2, pause, 2)
        other = f" {apart} apart" if self.comments > 1 and apart != f"{pause:.1g} s" else ""
        return f"{self.comments} comments{other}, {max(len(self.events), len(self.data))} events"

    def when(self, what: int, number: int) -> float | None:
        """When one of them was complete: of the lines of data (0), the events (1) or the comments (2)."""
        return next((at for at, *counts in self._times if counts[what] > number), None)


class StreamReader(Account):
    """A client that reads when it is told to. It speaks HTTP/1.0, to which the body comes as it is.

    Attributes:
        head: The status line and the headers, as far as they have come.
        port: That of the client.
    """

    def __init__(self, port: int) -> None:
        super().__init__()
        self.head = b""
        self.port = 0
        self._socket = socket.socket()
        self._socket.settimeout(SOON)
        with contextlib.suppress(OSError):  # the handler has ended its server
            self._socket.connect(("127.0.0.1", port))
            self.port = self._socket.getsockname()[1]
            self._socket.sendall(b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")

    def __enter__(self) -> StreamReader:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Break the connection off."""
        with contextlib.suppress(OSError):  # two threads at the same moment
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LEAVE_AT_ONCE)
        self._socket.close()

    def wait(self, fact: Callable[[], object], seconds: float = SOON) -> bool:
        """Read until something is true of what has come, so many seconds at most. Returns whether it is."""
        deadline = time.monotonic() + seconds
        while not fact() and (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                piece = self._socket.recv(65_536)
            except OSError:  # too late, or broken off
                break
            if not piece:
                break
            if not self.head.endswith(b"\r\n\r\n"):
                head, end, piece = (self.head + piece).partition(b"\r\n\r\n")
                self.head = head + end
            self.add(piece)
        return bool(fact())

    @property
    def status(self) -> str:
        """The status in digits, ``""`` where nothing has come."""
        found = re.match(rb"HTTP/1\.[01] (\d{3})", self.head)
        return found[1].decode() if found else ""

    @property
    def framing(self) -> str:
        """What the headers say wrongly about how the body is sent, or ``""``. In HTTP/1.0 there is nothing to say."""
        for name, value in re.findall(rb"(?im)^(content-length|(?:transfer|content)-encoding): *([^\r\n]*)", self.head):
            if not value.isdigit() or int(value) != len(self.body):  # Tornado knows the length of what has ended
                return f"{name.decode().title()}: {value.decode('latin-1')}"
        return ""

    @property
    def type(self) -> str:
        """The media type. Of its parameters only a charset that is wrong: HTML allows none but UTF-8."""
        found = re.search(rb"(?im)^content-type:([^;\r\n]*)(.*)$", self.head)
        if not found:
            return "no Content-Type" if self.head else "nothing"
        kind, parameters = (part.decode("latin-1").strip().lower() for part in found.groups())
        charset = re.search(r"charset\s*=\s*\"?([^\s;\"]*)", parameters)
        return kind if not charset or charset[1] == "utf-8" else f"{kind}; charset={charset[1]}"
