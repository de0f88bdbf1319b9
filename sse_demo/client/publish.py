"""``publish()``: one event, sent over HTTP to a server that keeps it and gives it an id."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import ssl
from collections.abc import Mapping
from urllib.parse import urlencode

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from ..errors import InvalidInput, PublishError
from ..wire.event import Event
from .address import parse_address, shown
from .connections import Connections, Lost, Refused, abort, nobody_there, nothing_answers, problem_detail, read_up_to
from .own_loop import run_in_a_thread

TIMEOUT = 30.0  # seconds
MAX_ANSWER = 16 * 1024  # bytes of an answer that are read
MAX_SHOWN = 500  # characters of an error answer that is no problem (RFC 9457)


def publish(
    url: str,
    data: str,
    *,
    event: str | None = None,
    key: str | None = None,
    retry: float | None = None,
    idempotency_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    timeout: float = TIMEOUT,
) -> str:
    """Publish one event, and return the id that the server has given it. From any thread, also in a notebook.

    >>> publish("http://127.0.0.1:8000/events?topic=news", "hello")      # doctest: +SKIP
    '66c0ffee-1'

    Redirects are not followed, and no proxy is asked.

    Args:
        url: Where to publish: ``http`` or ``https``, with the topic in the query. A user and a password in it are sent
            as ``Authorization``, and never shown.
        data: The data of the event, any text.
        event: The event type; by default ``message``.
        key: On a topic that coalesces: a newer event with the same key takes the place of this one.
        retry: The reconnection time in seconds that the event tells each client.
        idempotency_key: A text of one's own that names this publication. A server that gets it twice keeps one event,
            and answers with the same id: so a publisher can try again after an error.
        headers: Sent with the request, such as an ``Authorization``.
        tls: A context for ``https``, where the system's authorities are not the right ones.
        timeout: The seconds within which the answer must have come.

    Raises:
        PublishError: Nothing answers, the server refuses the event, or its answer tells no id.
        InvalidInput: The address is none, or the wire format has no room for a value.
        TypeError: A value has the wrong type.
    """
    publishing = publish_async(
        url,
        data,
        event=event,
        key=key,
        retry=retry,
        idempotency_key=idempotency_key,
        headers=headers,
        tls=tls,
        timeout=timeout,
    )
    return run_in_a_thread(publishing, f"publish {shown(url)}")


async def publish_async(
    url: str,
    data: str,
    *,
    event: str | None = None,
    key: str | None = None,
    retry: float | None = None,
    idempotency_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    timeout: float = TIMEOUT,  # noqa: ASYNC109  # the arguments of publish()
) -> str:
    """The same as :func:`publish`, for use in a coroutine."""
    if retry is not None and not 0 <= retry < math.inf:
        raise InvalidInput(f"retry must be a number of seconds that is not negative, not {retry!r}")
    checked = Event(data, "message" if event is None else event, retry=None if retry is None else round(retry * 1000))
    more = {"event": event, "key": key, "retry": checked.retry}
    address = _with_query(url, {name: value for name, value in more.items() if value is not None})
    all_headers = CIMultiDict({"Content-Type": "text/plain; charset=utf-8"})
    all_headers.update(headers or {})
    if idempotency_key is not None:
        all_headers["Idempotency-Key"] = idempotency_key
    connections = Connections(aiohttp.ClientTimeout(total=None), tls)
    try:
        async with asyncio.timeout(timeout) as deadline:
            response = await connections.request("POST", address, all_headers, checked.data.encode(), redirects=False)
            try:
                return await _id(response, shown(url))
            finally:
                abort(response)
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise PublishError(f"{shown(url)} has not answered within {timeout:g} s", shown(url)) from error
    except Refused as refusal:
        raise InvalidInput(f"{shown(url)} {refusal}") from refusal.__cause__
    except Lost as loss:
        raise PublishError(_why(loss, shown(url)), shown(url)) from loss.error
    except ValueError as error:
        raise InvalidInput(f"a header cannot be sent: {error}") from error
    finally:
        await connections.close()


def _with_query(url: str, more: dict[str, object]) -> URL:
    """The address with more in its query. The query that is there already stays as it is written."""
    before, hash, fragment = url.partition("#")
    mark = "" if not more else "&" if "?" in before else "?"
    return parse_address(f"{before}{mark}{urlencode(more)}{hash}{fragment}")


async def _id(response: aiohttp.ClientResponse, url: str) -> str:
    """Read the id from an answer."""
    body = b""
    with contextlib.suppress(aiohttp.ClientError, OSError):  # what has broken off tells nothing
        body = await read_up_to(response, MAX_ANSWER)
    if not 200 <= response.status < 300:
        redirected = 300 <= response.status < 400
        why = "a redirect is not followed" if redirected else problem_detail(body) or _one_line(body)
        answered = f"{url} answered {response.status} {response.reason}"
        raise PublishError(f"{answered}: {why}" if why else answered, url, response.status)
    try:
        id = json.loads(body)["id"]
    except (ValueError, LookupError, TypeError, RecursionError):
        id = None
    if not isinstance(id, str):
        raise PublishError(f"{url} gave no answer that tells an id", url, response.status)
    return id


def _one_line(body: bytes) -> str:
    """The text of an error answer in a form of its own, such as a page of a proxy, without control characters."""
    text = "".join(character if character.isprintable() else " " for character in body.decode(errors="replace"))
    return " ".join(text.split())[:MAX_SHOWN]


def _why(loss: Lost, url: str) -> str:
    nobody = nobody_there(loss.error)
    return f"{nothing_answers(url, nobody)}; is the server running?" if nobody else f"{url}: {loss}"
