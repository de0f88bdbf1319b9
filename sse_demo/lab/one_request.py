"""``ask``: one request and its answer, for a cell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 5.0  # seconds in which nothing comes


@dataclass(frozen=True)
class Answer:
    """What a server has answered.

    Attributes:
        status: The HTTP status.
        headers: The headers. Their names may be written in whatever capitals.
        text: The whole body.
    """

    status: int
    headers: HTTPMessage
    text: str

    def json(self) -> Any:
        """The body, where it is JSON."""
        return json.loads(self.text)


def ask(
    url: str,
    method: str = "GET",
    headers: Mapping[str, str | None] | None = None,
    body: bytes | None = None,
    *,
    timeout: float = TIMEOUT,
) -> Answer:
    """Send a request, and wait for the whole answer. A status such as 404 is an answer like any other.

    Args:
        url: Where to, such as ``http://127.0.0.1:8000/ping``.
        method: The method.
        headers: Headers of the request. One that is None is not sent.
        body: The body of the request.
        timeout: Seconds.

    Raises:
        OSError: Nothing answers there, or not within the time.
        http.client.HTTPException: The answer is broken off.
    """
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        given = {name: value for name, value in (headers or {}).items() if value is not None}
        connection.request(method, parts._replace(scheme="", netloc="").geturl(), body, given)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read().decode())
    finally:
        connection.close()
