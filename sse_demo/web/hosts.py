"""The names by which a server may be asked for: what keeps out names that were made to point to it (DNS rebinding).

A page of ``http://evil.test`` may have its name point to 127.0.0.1 a moment later. For the browser the server on this
machine then is the page's own, and the page may read and publish. But the browser still says ``Host: evil.test``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from functools import lru_cache

from .addresses import is_loopback
from .handlers import Handler, Middleware, problem

REMEMBERED = 1024  # hosts, and what was found out about each

_authority = re.compile(r"(\[[^\]]*\]|[^:]*)(?::\d*)?")


def known_host(allowed: Sequence[str], *, proxied: bool = False) -> Middleware:
    """Refuse with 421 a request for a name that is not this server's (RFC 9110, 7.4).

    Names of loopback are always known: nobody can make them point elsewhere. Any other name is known if it is allowed;
    or if none is allowed, and the server can be reached from other machines.

    Args:
        allowed: Names, and patterns such as ``*.example.org``; ``*`` is every name.
        proxied: What a proxy says that it was asked for has come before. The server's own name has to be known then,
            too: a page under a false name that comes to the server directly could claim to come through a proxy.
    """

    def check(handler: Handler) -> Generator[None, None, None]:
        if allowed or handler.service.local_only:
            request = handler.request
            for host in (request.host, request.headers.get("Host", "localhost")) if proxied else (request.host,):
                if not is_known(host):
                    raise problem(421, _not_known(host))
        yield

    is_known = _known(tuple(allowed))
    return check


@lru_cache(maxsize=REMEMBERED)
def name_in(host: str) -> str:
    """The name in the value of ``Host``, as it is compared: without the port and the last dot, in lower case.

    >>> name_in("Example.org.:8000"), name_in("[::1]:8000"), name_in("[::1]")
    ('example.org', '[::1]', '[::1]')
    """
    found = _authority.fullmatch(host)
    return (found[1] if found else host).lower().removesuffix(".")


def _known(allowed: tuple[str, ...]) -> Callable[[str], bool]:
    names = {name_in(name) for name in allowed}
    endings = tuple(name[1:] for name in names if name.startswith("*."))

    @lru_cache(maxsize=REMEMBERED)
    def is_known(host: str) -> bool:
        name = name_in(host)
        return is_loopback(name) or "*" in names or name in names or name.endswith(endings)

    return is_known


def _not_known(host: str) -> str:
    name = name_in(host)
    return (
        f"this server does not answer as {name!r}; the setting allow_hosts names what it answers as, as in "
        f"serve(allow_hosts=[{name!r}]) or --set allow_hosts={name}"
    )
