"""The options of :class:`~sse_demo.EventSource` and :func:`~sse_demo.listen`."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Container, Mapping
from typing import TypedDict

from .address import Url, shown
from .proxy import require_proxy
from .ready_state import StateChange
from .reconnection import Backoff


class EventSourceOptions(TypedDict, total=False):
    """All options but ``comments``, which decides what the stream gives. For type checkers.

    A function that hands its options on is ``def follow(url: str, **options: Unpack[EventSourceOptions])``.
    """

    last_event_id: str
    method: str
    body: bytes | str | None
    headers: Mapping[str, str] | None
    before_connect: Callable[[], Mapping[str, str] | Awaitable[Mapping[str, str]]] | None
    tls: ssl.SSLContext | None
    proxy: str | None
    max_event_size: int
    connect_timeout: float
    read_timeout: float | None
    retry_on: Container[int]
    backoff: Backoff
    max_tries: int | None
    reconnect: bool
    on_state_change: Callable[[StateChange], object] | None


def require_options(
    url: Url, proxy: str | None, max_tries: int | None, retry_on: Container[int], **timeouts: float | None
) -> None:
    """Raise ``ValueError`` for a value that makes no sense. ``timeouts`` are seconds."""
    require_proxy(proxy)
    if not str(url).lower().startswith(("http://", "https://")):
        raise ValueError(f"an event stream has an http or https address, not {shown(url)!r}")
    if max_tries is not None and max_tries < 1:
        raise ValueError(f"max_tries must be 1 or more, or None for no limit, not {max_tries!r}")
    if not isinstance(retry_on, Container):
        raise ValueError(f"retry_on must be statuses, such as (429, 503), not {retry_on!r}")
    for name, value in timeouts.items():
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be more than 0 seconds, or None to wait for ever, not {value!r}")
