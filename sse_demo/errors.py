"""One family of errors. Each has the HTTP status that it means, and can be pickled and copied.

``except SSEError`` catches whatever this package raises on purpose, except for ``TypeError`` where a value has the
wrong type and ``ValueError`` where a server or a client is set up with a value that makes no sense.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .wire.event import Comment, Event


class SSEError(Exception):
    """The head of the family.

    Attributes:
        status: The HTTP status that the error means; ``None`` where there is none.
    """

    status: int | None = None

    def __reduce__(self) -> tuple[Callable[..., SSEError], tuple[Any, ...]]:
        # BaseException would call the class with `args` alone, which those with more arguments do not accept.
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(kind: type[SSEError], args: tuple[Any, ...], attributes: dict[str, Any]) -> SSEError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


class InvalidInput(SSEError, ValueError):
    """A value that cannot be published or subscribed to: a bad topic name, a line end in an id, no state."""

    status = 400


class EventTooLarge(SSEError, ValueError):
    """An event, or one line of a stream, is larger than the limit.

    Attributes:
        events: What a parser had completed in the same chunk before it met the limit, so that nothing that arrived
            whole is lost.
    """

    status = 413

    def __init__(self, message: str, events: list[Event | Comment] | None = None) -> None:
        super().__init__(message)
        self.events: list[Event | Comment] = events or []


class IdempotencyConflict(SSEError, ValueError):
    """An idempotency key has come again with another event."""

    status = 422


class TopicFull(SSEError, RuntimeError):
    """A topic has as many subscribers as it may have."""

    status = 503


class Overloaded(SSEError, RuntimeError):
    """More publications wait for the log than may wait. Nothing of this one has been kept; try again later."""

    status = 503


class ServerStopped(SSEError, RuntimeError):
    """The server, or the hub, has been stopped, or this process is a fork of the one in which it runs.

    Nothing of the publication has been kept.
    """

    status = 503


class LogError(SSEError, RuntimeError):
    """The log cannot take the events of a batch. None of them has been kept."""

    status = 503


class LogFull(LogError):
    """The disk, or whatever else the log is kept on, is full. None of the events has been kept."""


class LogUncertain(LogError):
    """The log has broken off: it is not known whether the events have been kept.

    A publisher that tries again with the same idempotency key gets one event, and its id.
    """


class Overtaken(LogError):
    """A state has changed since the publisher looked at it. None of the events has been kept."""


class Rejected(LogError):
    """Some publications of a batch cannot be kept. None of the batch has been kept, also none of the others.

    Attributes:
        causes: By the publication's place in the batch: its own error, such as an :class:`IdempotencyConflict`. The
            batch without these publications may be appended again.
    """

    def __init__(self, causes: Mapping[int, Exception]) -> None:
        super().__init__("; ".join(map(str, causes.values())))
        self.causes = dict(causes)


class EventSourceError(SSEError):
    """A stream has ended for good: the answer was no event stream, or what came cannot be read.

    Attributes:
        url: The address as it was asked for, without user and password.
        tries: How many connections were tried in a row.
        status: The status of the last answer, ``None`` where there was none.
    """

    def __init__(self, message: str, url: str, tries: int, status: int | None = None) -> None:
        super().__init__(message)
        self.url = url
        self.tries = tries
        self.status = status


class PublishError(SSEError):
    """A server has not told the id of an event that was sent to it.

    Where there was no answer, it is not known whether the event has been kept. A publisher that tries again with the
    same idempotency key gets one event, and its id.

    Attributes:
        url: The address as it was asked for, without user and password.
        status: The status of the answer, ``None`` where there was none.
        line: The number of the event, from 1, that the server names as the reason, where several were sent; ``None``
            where it names none.
    """

    def __init__(self, message: str, url: str, status: int | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.url = url
        self.status = status
        self.line = line
