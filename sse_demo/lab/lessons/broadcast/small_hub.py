"""``SmallHub``: a log, and subscribers that are cursors into it. Small enough for an exercise, on real sockets."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from ....notebook import owned_by_cell

BLANK = b"\n\n"  # ends an event
RESET = b"event: reset\ndata: some events are gone\n\n"  # tells a subscriber that the log has dropped what it wants
TURN = 100  # events that one subscriber is sent at a time, so that the others have theirs
PAUSE = 0.001  # seconds between two tries to write to sockets that are full

SendTo = Callable[["Subscriber", "SmallLog"], object]


def numbered(count: int, size: int = 1000) -> list[bytes]:
    """So many events, each of so many bytes, with the numbers from 0 on in their data."""
    events = (b"data: %04d " % number for number in range(count))
    return [event.ljust(size - len(BLANK), b"x") + BLANK for event in events]


def numbers(events: Iterable[bytes]) -> list[int]:
    """The numbers in the data of such events."""
    return [int(event.split(maxsplit=2)[1]) for event in events]


class SmallLog:
    """The newest events, each with a number that it keeps for ever: 0, 1, 2 ...

    Args:
        most: How many events are kept. The oldest ones are dropped.

    Attributes:
        end: The number that the next event will get.
    """

    def __init__(self, most: int = 100_000) -> None:
        self.end = 0
        self._events: deque[bytes] = deque(maxlen=most)

    @property
    def start(self) -> int:
        """The number of the oldest event that is kept."""
        return self.end - len(self._events)

    def append(self, event: bytes) -> None:
        """Keep an event."""
        self._events.append(event)
        self.end += 1

    def __getitem__(self, number: int) -> bytes:
        """The event with this number.

        Raises:
            IndexError: It has been dropped, or there is none yet.
        """
        if not self.start <= number < self.end:
            raise IndexError(f"the log has the events {self.start} to {self.end - 1}, and not {number}")
        return self._events[number - self.start]


class Subscriber:
    """A pair of connected sockets: a hub writes to one of them, and a thread reads from the other, or sleeps.

    A cell that is run again closes the sockets of its last run.

    Args:
        cursor: The number of the next event that it is to be sent.
        asleep: Whether nothing is read until :meth:`wake`.

    Attributes:
        cursor: A hub moves it on.
        socket: The end to which a hub writes.
    """

    @owned_by_cell
    def __init__(self, cursor: int = 0, *, asleep: bool = False) -> None:
        self.cursor = cursor
        self.socket, self._far_end = socket.socketpair()
        self._rest = memoryview(b"")  # of an event that has not gone out as a whole
        self._events: list[bytes] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        if not asleep:
            self.wake()

    def __repr__(self) -> str:
        return f"Subscriber(cursor={self.cursor:,})"

    def take(self, event: bytes) -> bool:
        """Give it an event, without ever waiting. Returns whether it takes it.

        It takes one more event than its socket has room for, and then none until that one has gone out.
        """
        if not self.flush():
            return False
        self._rest = memoryview(event)
        self.flush()
        return True

    def flush(self) -> bool:
        """Send on what is left of an event that has gone out in part. Returns whether nothing is left."""
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while self._rest:
                self._rest = self._rest[self.socket.send(self._rest) :]
        return not self._rest

    def wake(self) -> None:
        """Read all that comes, in a thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._read, name="Subscriber", daemon=True)
            self._thread.start()

    @property
    def events(self) -> list[bytes]:
        """The events that have been read."""
        with self._changed:
            return self._events[:]

    def wait_for(self, n: int, timeout: float = 10) -> list[bytes]:
        """Wait until ``n`` events have been read, and return all of them.

        Raises:
            TimeoutError: Fewer events have come.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._events) >= n, timeout):
                raise TimeoutError(f"no {n:,} events within {timeout:g} s: {len(self._events):,} have come")
            return self._events[:]

    def stop(self) -> None:
        """Close both sockets. Whoever still writes to it gets an OSError."""
        for end in (self.socket, self._far_end):
            with contextlib.suppress(OSError):  # the other end has gone
                end.shutdown(socket.SHUT_RDWR)  # which also ends a call that waits
        if self._thread:
            self._thread.join()
        self.socket.close()
        self._far_end.close()

    def _read(self) -> None:
        rest = b""
        with contextlib.suppress(OSError):
            while data := self._far_end.recv(65_536):
                *events, rest = (rest + data).split(BLANK)
                with self._changed:
                    self._events += [event + BLANK for event in events]
                    self._changed.notify_all()


class PublishingThread:
    """Publishes events in a thread, one after the other.

    A cell that is run again waits for nothing that its last run has published.

    Args:
        publish: Is called with each event. An OSError, of a subscriber that has gone, ends the thread.
        events: The events.
    """

    @owned_by_cell
    def __init__(self, publish: Callable[[bytes], object], events: Iterable[bytes]) -> None:
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, args=(publish, events), name="PublishingThread", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return "PublishingThread(still waits)" if self._thread.is_alive() else "PublishingThread(has ended)"

    def wait(self, timeout: float) -> None:
        """Wait until everything is published, at most so many seconds."""
        self._thread.join(timeout)

    def stop(self) -> None:
        """Publish no more events. One that waits for a subscriber goes on waiting, until that is stopped."""
        self._is_stopped = True

    def _run(self, publish: Callable[[bytes], object], events: Iterable[bytes]) -> None:
        with contextlib.suppress(OSError):
            for event in events:
                if self._is_stopped:
                    return
                publish(event)


class SmallHub:
    """Keeps each event once, and remembers of each subscriber how far it has come.

    Args:
        send_to: What a subscriber is sent next; by default ours.
        most: How many events the log keeps.

    Attributes:
        log: The events.
        subscribers: In the order in which they have come.
    """

    def __init__(self, send_to: SendTo | None = None, *, most: int = 100_000) -> None:
        self.log = SmallLog(most)
        self.subscribers: list[Subscriber] = []
        self._send_to = send_to or _send_to

    def subscribe(self, *, asleep: bool = False) -> Subscriber:
        """Add a subscriber, which is sent what is published from now on."""
        self.subscribers.append(Subscriber(self.log.end, asleep=asleep))
        return self.subscribers[-1]

    def publish(self, event: bytes) -> None:
        """Append an event to the log, and give each subscriber its turn."""
        self.log.append(event)
        self.turn()

    def turn(self) -> None:
        """Give each subscriber its turn. A real hub does so when the system says that a socket has room again."""
        for subscriber in self.subscribers:
            self._send_to(subscriber, self.log)

    def catch_up(self, subscriber: Subscriber, timeout: float = 10) -> None:
        """Give turns until a subscriber has been sent all that there is.

        Raises:
            TimeoutError: Its socket has no room, or ``send_to`` does not move its cursor.
        """
        deadline = time.monotonic() + timeout
        while not subscriber.flush() or subscriber.cursor < self.log.end:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the cursor is at {subscriber.cursor:,} of {self.log.end:,} after {timeout:g} s")
            before = subscriber.cursor
            self.turn()
            if subscriber.cursor == before:
                time.sleep(PAUSE)


def _send_to(subscriber: Subscriber, log: SmallLog) -> None:
    if subscriber.cursor < log.start:
        if not subscriber.take(RESET):
            return
        subscriber.cursor = log.start
    for number in range(subscriber.cursor, min(log.end, subscriber.cursor + TURN)):
        if not subscriber.take(log[number]):
            return
        subscriber.cursor = number + 1
