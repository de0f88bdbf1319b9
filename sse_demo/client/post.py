"""One request that publishes, and what its answer means."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import re
import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from ..errors import InvalidInput, PublishError
from .address import shown
from .connections import (
    Connections,
    Lost,
    Refused,
    abort,
    nobody_there,
    nothing_answers,
    one_line,
    problem_detail,
    read_up_to,
)
from .inlet import Response
from .proxy import require_proxy

TIMEOUT = 30.0  # seconds
MAX_RETRY = (2**31 - 1) / 1000  # seconds; more is no time that a browser could wait


class Asking(NamedTuple):
    """How a server is asked: the arguments that all functions which publish have in common.

    Attributes:
        idempotency_key: The name of the publication, for the header ``Idempotency-Key``.
        headers: Sent with the request.
        tls: A context for ``https``, where the system's authorities are not the right ones.
        proxy: The address of a proxy, or ``"environment"``; ``None`` for none.
        timeout: The seconds within which the answer must have come.
    """

    idempotency_key: str | None
    headers: Mapping[str, str] | None
    tls: ssl.SSLContext | None
    proxy: str | None
    timeout: float


class Answer(NamedTuple):
    """An answer of a server that has accepted what was sent.

    Attributes:
        status: Of the answer, from 200 to 299.
        told: The member of the answer that was asked for; ``None`` where it has none.
    """

    status: int
    told: Any


async def post(url: str, address: URL, media_type: str, body: bytes, asking: Asking, name: str, most: int) -> Answer:
    """Publish a body, and return what the answer tells under a name. Redirects are not followed.

    Args:
        url: The address as it was given.
        address: The same, with all of its query.
        media_type: Of the body.
        body: What is published.
        asking: How the server is asked.
        name: The member of the answer, which is a JSON object.
        most: The bytes of an answer that are read.

    Raises:
        PublishError: Nothing answers, or the server refuses what was sent.
        InvalidInput: A header cannot be sent, or the timeout or the proxy is none.
    """
    require_proxy(asking.proxy)
    if not asking.timeout > 0:
        raise InvalidInput(f"timeout must be more than 0 seconds, not {asking.timeout!r}")
    headers = CIMultiDict({"Content-Type": media_type})
    headers.update(asking.headers or {})
    if asking.idempotency_key is not None:
        headers["Idempotency-Key"] = asking.idempotency_key
    connections = Connections(aiohttp.ClientTimeout(total=None), asking.tls, asking.proxy)
    try:
        async with asyncio.timeout(asking.timeout) as deadline:
            response = await connections.request("POST", address, headers, body, redirects=False)
            try:
                return await _told(response, shown(url), name, most)
            finally:
                abort(response)
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise PublishError(f"{shown(url)} has not answered within {asking.timeout:g} s", shown(url)) from error
    except Refused as refusal:
        if isinstance(refusal.__cause__, InvalidInput):
            raise InvalidInput(f"{shown(url)} {refusal}") from refusal.__cause__
        raise PublishError(f"{shown(url)} {refusal}", shown(url), refusal.status) from refusal.__cause__
    except Lost as loss:
        raise PublishError(_why(loss, shown(url)), shown(url), loss.status) from loss.error
    except UnicodeError as error:
        raise InvalidInput(f"{shown(url)!r} is not an address: {error}") from None
    except InvalidInput:  # the proxy that the environment names
        raise
    except ValueError as error:
        raise InvalidInput(f"a header cannot be sent: {error}") from error
    finally:
        await connections.close()


def milliseconds(retry: float) -> int:
    """A reconnection time in the unit of the wire.

    Args:
        retry: The time in seconds.

    Raises:
        InvalidInput: The number is no such time.
    """
    if not 0 <= retry < math.inf:
        raise InvalidInput(f"retry must be a number of seconds that is not negative, not {retry!r}")
    if retry > MAX_RETRY:
        raise InvalidInput(f"retry must be a number of seconds up to {int(MAX_RETRY)}, not {retry!r}")
    return round(retry * 1000)


async def _told(response: Response, url: str, name: str, most: int) -> Answer:
    """Read a member of an answer."""
    body = b""
    with contextlib.suppress(aiohttp.ClientError, OSError):  # what has broken off tells nothing
        body = await read_up_to(response, most)
    if 200 <= response.status < 300:
        try:
            return Answer(response.status, json.loads(body)[name])
        except (ValueError, LookupError, TypeError, RecursionError):
            return Answer(response.status, None)
    why = problem_detail(body) or one_line(body.decode(errors="replace"))  # such as a page of a proxy
    if 300 <= response.status < 400:
        why = "a redirect is not followed"
    answered = f"{url} answered {response.status} {one_line(response.reason or '')}".rstrip()
    line = re.match(r"line (\d{1,18}):", why)
    raise PublishError(
        f"{answered}: {why}" if why else answered, url, response.status, line=int(line[1]) if line else None
    )


def _why(loss: Lost, url: str) -> str:
    nobody = nobody_there(loss.error)
    return f"{nothing_answers(url, nobody)}; is the server running?" if nobody else f"{url}: {loss}"
