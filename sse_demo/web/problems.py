"""Errors as answers: ``application/problem+json`` (RFC 9457), and which exception becomes which.

An answer has a ``title``, a ``status``, and in ``detail`` what was wrong and what is allowed. It never has the path of
a file, a secret or a traceback.
"""

from __future__ import annotations

from collections.abc import Mapping

from tornado.web import HTTPError

from ..errors import LogError, LogFull, LogUncertain, Overloaded, ServerStopped, SSEError, TopicFull
from ..hub.hub import Hub
from .service import ServerFull

RETRY_AFTER = 5  # seconds, told to a client whose request is refused only for now
LONGEST_DETAIL = 1000  # characters: what is told may repeat what a stranger has sent, which may be some megabytes

# How the metric ``sse_refused`` calls the errors that mean 503.
_REASONS: Mapping[type[SSEError], str] = {
    ServerFull: "server_full",
    TopicFull: "topic_full",
    LogError: "log",
    Overloaded: "overloaded",
    ServerStopped: "stopped",
}


class Problem(HTTPError):
    """An error that becomes an answer. Its detail is cut off after ``LONGEST_DETAIL`` characters.

    Attributes:
        headers: Headers of the answer.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str | int] | None = None) -> None:
        cut = detail if len(detail) <= LONGEST_DETAIL else f"{detail[:LONGEST_DETAIL]} ..."
        super().__init__(status, cut)
        self.headers = dict(headers or {})


def problem(status: int, detail: str, headers: Mapping[str, str | int] | None = None) -> Problem:
    """An error to raise, in a handler or a middleware: it becomes an answer.

    Args:
        status: The HTTP status, 400 to 599.
        detail: What was wrong and what is allowed. Strangers read it.
        headers: Headers of the answer, such as ``{"Retry-After": 5}``.
    """
    return Problem(status, detail, headers)


def refusal(error: SSEError, hub: Hub) -> Problem | None:
    """The answer that an error of this package becomes: the status that the error means, and what strangers may read.

    A refusal that holds only for now (503) says when to come again, and is counted in the metric ``sse_refused``.

    Returns:
        The problem; ``None`` for an error that means no status of its own, such as an ``EventSourceError``, whose
        status is that of somebody else's answer.
    """
    status = type(error).status
    if status is None:
        return None
    if status != 503:
        return problem(status, str(error))
    reason = next((reason for kind, reason in _REASONS.items() if isinstance(error, kind)), "other")
    hub.metrics.refused.labels(reason).inc()
    return problem(503, _public_detail(error, hub), {"Retry-After": RETRY_AFTER})


def _public_detail(error: SSEError, hub: Hub) -> str:
    """The text of a ``LogError`` is for the operator: it may hold the path of a file, or the address of an engine."""
    if isinstance(error, LogUncertain):
        return "it is not known whether the event has been kept; the same Idempotency-Key again makes it one event"
    if isinstance(error, LogFull):
        most = f"{hub.settings.max_topics:,} topics"
        return f"the log has no room: its disk is full, or it has {most}, which is the limit"
    if isinstance(error, LogError):
        return "the log cannot take events for now, and nothing of this request has been kept"
    return str(error)
