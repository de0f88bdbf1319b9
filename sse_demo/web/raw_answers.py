"""Answers to what never becomes a request: as bytes, without a handler."""

from __future__ import annotations

import json
from http import HTTPStatus

RETRY_AFTER = 5  # seconds, told to a client that is refused only for now
_LONGEST_DETAIL = 200  # characters: what is told may repeat what a stranger has sent


def raw_problem(status: int, detail: str) -> bytes:
    """A whole answer as a problem (RFC 9457), after which the connection is closed.

    Args:
        status: The HTTP status. With 503, the answer says when to come again.
        detail: What was wrong and what is allowed.
    """
    title = HTTPStatus(status).phrase
    body = json.dumps({"title": title, "status": status, "detail": detail[:_LONGEST_DETAIL]}).encode()
    lines = [
        f"HTTP/1.1 {status} {title}",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *([f"Retry-After: {RETRY_AFTER}"] if status == HTTPStatus.SERVICE_UNAVAILABLE else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
