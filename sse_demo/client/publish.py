"""``publish()``: one event, sent over HTTP to a server that keeps it and gives it an id."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from urllib.parse import urlencode

from yarl import URL

from ..errors import InvalidInput, PublishError
from ..wire.event import Event
from .address import parse_address, shown
from .own_loop import run_in_a_thread
from .post import TIMEOUT, Asking, milliseconds, post

MAX_ANSWER = 16 * 1024  # bytes of an answer that are read


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
    proxy: str | None = None,
    timeout: float = TIMEOUT,
) -> str:
    """Publish one event, and return the id that the server has given it. From any thread, also in a notebook.

    >>> publish("http://127.0.0.1:8000/events?topic=news", "hello")      # doctest: +SKIP
    '66c0ffee-1'

    Redirects are not followed.

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
        proxy: The address of a proxy, with a user and a password if it has them; ``"environment"`` for the proxies that
            the environment names, as in ``HTTPS_PROXY`` and ``NO_PROXY``. By default no proxy is asked.
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
        proxy=proxy,
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
    proxy: str | None = None,
    timeout: float = TIMEOUT,  # noqa: ASYNC109  # the arguments of publish()
) -> str:
    """The same as :func:`publish`, for use in a coroutine."""
    milliseconds_to_wait = None if retry is None else milliseconds(retry)
    checked = Event(data, "message" if event is None else event, retry=milliseconds_to_wait)
    more = {"event": event, "key": key, "retry": checked.retry}
    address = _with_query(url, {name: value for name, value in more.items() if value is not None})
    asking = Asking(idempotency_key, headers, tls, proxy, timeout)
    answer = await post(url, address, "text/plain; charset=utf-8", checked.data.encode(), asking, "id", MAX_ANSWER)
    if not isinstance(answer.told, str):
        raise PublishError(f"{shown(url)} gave no answer that tells an id", shown(url), answer.status)
    return answer.told


def _with_query(url: str, more: dict[str, object]) -> URL:
    """The address with more in its query. The query that is there already stays as it is written."""
    before, hash, fragment = url.partition("#")
    mark = "" if not more else "&" if "?" in before else "?"
    try:
        return parse_address(f"{before}{mark}{urlencode(more)}{hash}{fragment}")
    except UnicodeEncodeError as error:
        raise InvalidInput(f"key contains a lone surrogate, which UTF-8 cannot carry: {error}") from None
