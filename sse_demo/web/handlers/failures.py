"""What becomes of an exception that a handler or its middleware lets out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tornado.web import HTTPError

from ...errors import LogError, SSEError
from ..problems import problem, refusal

if TYPE_CHECKING:
    from .handler import Handler

_logger = logging.getLogger("sse_demo.app")


def explained(handler: Handler, error: Exception) -> HTTPError:
    """The answer that an exception becomes. All exceptions of all handlers come through here.

    An exception that nothing explains is logged, and becomes a 500 that hides its details.
    """
    if isinstance(error, HTTPError):
        return error
    if isinstance(error, SSEError) and (refused := refusal(error, handler.hub)):
        if isinstance(error, LogError):  # its text is for the operator alone
            _logger.warning("%s refused, request %s: %s", _shown(handler), handler.request_id, error)
        return refused
    log_failure(handler, error)
    return problem(500, "this is an error of the server, and it has been logged")


def log_failure(handler: Handler, error: BaseException) -> None:
    """Logs an exception with its traceback and the id of the request."""
    _logger.error("%s failed, request %s", _shown(handler), handler.request_id, exc_info=error)


def _shown(handler: Handler) -> str:
    """The method and the path alone: a query may hold what does not belong in a log.

    A path may have bytes that end a line, or that a terminal obeys (ECMA-48, 5.3): they are written as they are named.
    """
    path = handler.request.path.encode("ascii", "backslashreplace").decode()
    return f"{handler.request.method} {path}"
