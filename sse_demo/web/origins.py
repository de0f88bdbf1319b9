"""Where a page comes from (RFC 6454, 6.2), and which pages may show the pages of a server in a frame."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from tornado.httputil import HTTPServerRequest

REMEMBERED = 1024  # origins, and how each is compared

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}

# JupyterLab on this machine shows the demo in a frame, at another port. So does Visual Studio Code.
_LOCAL_PAGES = "http://localhost:* https://localhost:* http://127.0.0.1:* https://127.0.0.1:* vscode-webview:"


@lru_cache(maxsize=REMEMBERED)
def canonical(origin: str) -> str:
    """An origin as it is compared: in lower case, and without the default port of its scheme.

    Args:
        origin: Such as ``https://example.org``. What is none, such as ``null``, is left as it is.

    >>> canonical("HTTP://Example.org:80"), canonical("https://example.org:80"), canonical("null")
    ('http://example.org', 'https://example.org:80', 'null')
    """
    scheme, is_origin, host = origin.lower().partition("://")
    if not is_origin:
        return origin
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORTS.get(scheme, '')).removesuffix(':')}"


def is_own_page(request: HTTPServerRequest) -> bool:
    """Whether a request comes from one of the server's own pages, or from what is no page."""
    if "Origin" not in request.headers:
        return True
    origin = request.headers["Origin"]
    if canonical(origin) == canonical(f"{request.protocol}://{request.host}"):
        return True
    # A proxy may have asked for the server by another name than the page has. What the browser itself says holds: no
    # page can set this header (Fetch Metadata, 2.3). Neither check keeps out a page whose name was made to point here,
    # as its own origin then is the server's: that is done by `known_host`.
    return request.headers.get("Sec-Fetch-Site") == "same-origin" and origin != "null"


@lru_cache(maxsize=REMEMBERED)
def frame_ancestors(origins: Sequence[str]) -> str:
    """The header ``Content-Security-Policy`` that tells who may show a page in a frame (CSP 3, 6.4.2).

    The server's own pages may, those of this machine, and those that may read and publish as well. A page of anybody
    else could lay the frame under its own buttons.

    Args:
        origins: The setting ``allow_origins``.
    """
    if "*" in origins:
        return "frame-ancestors *"
    return " ".join(["frame-ancestors 'self'", _LOCAL_PAGES, *(origin for origin in origins if origin != "null")])
