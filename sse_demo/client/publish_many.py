"""``publish_many()``: several events in one request, all or none."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any

from ..errors import InvalidInput, PublishError
from ..wire.event import Event
from .address import parse_address, shown
from .own_loop import run_in_a_thread
from .post import TIMEOUT, Asking, milliseconds, post

MEDIA_TYPE = "application/x-ndjson"
MAX_ID = 256  # bytes that each id may take in the answer
MAX_REST = 16 * 1024  # bytes that all else may take in the answer

_TEXTS = ("topic", "key")
_FIELDS = ("data", "event", "retry", *_TEXTS)


def publish_many(
    url: str,
    events: Iterable[str | Event | Mapping[str, object]],
    *,
    idempotency_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    proxy: str | None = None,
    timeout: float = TIMEOUT,
) -> list[str]:
    """Publish several events in one request, and return their ids. The server keeps all of them, or none.

    >>> publish_many("http://127.0.0.1:8000/events?topic=news", ["one", "two"])      # doctest: +SKIP
    ['66c0ffee-1', '66c0ffee-2']

    The request has the type ``application/x-ndjson``: each of its lines is an event, as a JSON object.

    Args:
        url: Where to publish, as in :func:`publish`. The topic in its query is that of all events which name none.
        events: Texts, which are the data of one event each; or events, whose ids are not sent, since the server gives
            its own; or mappings such as ``{"data": "187.2", "topic": "prices", "key": "AAPL"}``. A mapping has the
            member ``data``, and may have ``topic``, ``event``, ``key``, and ``retry`` in seconds.
        idempotency_key: A text of one's own that names all of the request. A server that gets the same request twice
            keeps the events once, and answers with the same ids.
        headers: As in :func:`publish`.
        tls: As in :func:`publish`.
        proxy: As in :func:`publish`.
        timeout: As in :func:`publish`.

    Raises:
        PublishError: As from :func:`publish`. ``line`` is the number of the event, from 1, that the server names as
            the reason.
        InvalidInput: The address is none, or the wire format has no room for a value.
        TypeError: A value has the wrong type.
    """
    lines = _lines(events)
    asking = Asking(idempotency_key, headers, tls, proxy, timeout)
    return run_in_a_thread(_send(url, lines, asking), f"publish {shown(url)}")


async def publish_many_async(
    url: str,
    events: Iterable[str | Event | Mapping[str, object]],
    *,
    idempotency_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    proxy: str | None = None,
    timeout: float = TIMEOUT,  # noqa: ASYNC109  # the arguments of publish_many()
) -> list[str]:
    """The same as :func:`publish_many`, for use in a coroutine."""
    return await _send(url, _lines(events), Asking(idempotency_key, headers, tls, proxy, timeout))


async def _send(url: str, lines: list[bytes], asking: Asking) -> list[str]:
    address = parse_address(url)
    if not lines:
        return []
    most = MAX_REST + MAX_ID * len(lines)
    answer = await post(url, address, MEDIA_TYPE, b"\n".join(lines), asking, "ids", most)
    ids = answer.told
    if not (isinstance(ids, list) and len(ids) == len(lines) and all(isinstance(id, str) for id in ids)):
        raise PublishError(f"{shown(url)} gave no answer that tells an id for each event", shown(url), answer.status)
    return ids


def _lines(events: Iterable[str | Event | Mapping[str, object]]) -> list[bytes]:
    """Each event as a line of NDJSON, without its end."""
    if isinstance(events, (str, Event, Mapping)):
        raise TypeError("events must be several, such as a list; publish() sends a single one")
    lines = []
    for number, event in enumerate(events, start=1):
        try:
            lines.append(json.dumps(_members(event), ensure_ascii=False).encode())
        except UnicodeEncodeError as error:
            raise InvalidInput(f"event {number} has a lone surrogate, which UTF-8 cannot carry: {error}") from None
        except InvalidInput as error:
            raise InvalidInput(f"event {number}: {error}") from None
        except TypeError as error:
            raise TypeError(f"event {number}: {error}") from None
    return lines


def _members(given: object) -> dict[str, object]:
    """The members of an event's JSON object: without those that have no value of their own."""
    if isinstance(given, str):
        given = {"data": given}
    if isinstance(given, Mapping):
        event, more = _event(given), {name: given.get(name) for name in _TEXTS}
    elif isinstance(given, Event):
        event, more = given, {}
    else:
        raise TypeError(f"it must be a text, an Event, or a mapping with data, not {type(given).__name__}")
    members = {"event": None if event.event == "message" else event.event, "retry": event.retry, **more}
    return {"data": event.data} | {name: value for name, value in members.items() if value is not None}


def _event(fields: Mapping[Any, Any]) -> Event:
    """The event of a mapping, whose other members are checked, too."""
    if unknown := [name for name in fields if name not in _FIELDS]:
        raise InvalidInput(f"{unknown[0]!r} is nothing that an event has; there are {', '.join(_FIELDS)}")
    if "data" not in fields:
        raise InvalidInput("it has no data")
    for name in _TEXTS:
        if not isinstance(fields.get(name, ""), (str, NoneType)):
            raise TypeError(f"{name} must be a str, not {type(fields[name]).__name__}")
    kind, retry = fields.get("event"), fields.get("retry")
    return Event(
        fields["data"], "message" if kind is None else kind, retry=None if retry is None else milliseconds(retry)
    )
