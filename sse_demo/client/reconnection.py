"""When a client tries again, and how long it waits. No input or output."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

RECONNECTION_TIME = 3.0  # seconds, until the stream asks for another with `retry`
MAX_RECONNECTION_TIME = 24 * 3600.0  # seconds, however much a stream or a server asks for
MIN_RECONNECTION_TIME = 0.01  # seconds, however little a stream asks for
HASTY = 1.0  # seconds; a try that has ended before was hasty
HASTY_TRIES = 10  # in a row that may follow each other after the least time
LEAST_WAIT = 0.1  # seconds between those that follow

_random = random.SystemRandom()  # programs that seed Python's own would all come back at the same moments

#: Answers that another try may change: too many requests, and errors of the server (RFC 9110, 15.6; RFC 6585, 4).
TRANSIENT_STATUSES = frozenset({429, *range(500, 600)})


@dataclass(frozen=True)
class Backoff:
    """Wait longer with each try that fails, and not all at the same moment.

    Attributes:
        factor: The wait is the reconnection time, multiplied by this for each earlier try that has failed in a row; 1
            or more.
        limit: The most seconds of a wait. A reconnection time that is longer is the limit instead.
        jitter: Draw the wait between nothing and its full length ("full jitter"), so that clients that lost the same
            server at the same moment do not come back at the same moment.

    Raises:
        ValueError: A value makes no sense.
    """

    factor: float = 2.0
    limit: float = 60.0
    jitter: bool = True

    def __post_init__(self) -> None:
        if not self.factor >= 1:
            raise ValueError(f"a backoff multiplies by 1 or more, not by {self.factor!r}")
        if not self.limit >= 0:
            raise ValueError(f"the limit of a backoff is 0 or more seconds, not {self.limit!r}")

    def wait(self, reconnection_time: float, failed: int) -> float:
        """The seconds to wait before the next try.

        Args:
            reconnection_time: What the stream has asked for, in seconds.
            failed: How many tries have failed in a row.
        """
        reconnection_time = max(reconnection_time, MIN_RECONNECTION_TIME)  # nothing times a factor is nothing
        limit = max(self.limit, reconnection_time)
        try:
            longest = min(limit, reconnection_time * self.factor ** max(failed - 1, 0))
        except OverflowError:
            longest = limit
        return _random.uniform(0, longest) if self.jitter else longest


class Pace:
    """The floor under all waits: a server that ends each connection at once is not asked as fast as it can answer.

    A stream may ask for no wait at all (``retry: 0``), and each of its connections may bring an event before it ends.
    The standard lets a client wait longer than it was asked to (9.2.3, "reestablish the connection").
    """

    def __init__(self) -> None:
        self._begun_at = 0.0
        self._hasty = 0

    def begin(self, now: float) -> None:
        """A try begins.

        Args:
            now: The time on the monotonic clock.
        """
        self._begun_at = now

    def end(self, now: float) -> float:
        """A try, or the connection that it has made, has ended. The least seconds to wait for the next one.

        Args:
            now: The time on the monotonic clock.
        """
        self._hasty = self._hasty + 1 if now - self._begun_at < HASTY else 0
        return MIN_RECONNECTION_TIME if self._hasty <= HASTY_TRIES else LEAST_WAIT


#: The standard's own rule, 9.2.3: the reconnection time, each time.
CONSTANT = Backoff(factor=1, limit=0, jitter=False)


def retry_after(value: str | None) -> float:
    """The seconds that a ``Retry-After`` header asks for: a number of seconds or a date (RFC 9110, 10.2.3).

    0 when there is no header, or one that cannot be read.
    """
    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:20]), MAX_RECONNECTION_TIME)
    try:
        seconds = parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), MAX_RECONNECTION_TIME)
