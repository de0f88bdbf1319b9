"""The middleware of the service. Each is a generator function with one ``yield``.

The code before the ``yield`` runs before the handler, and the code after it once the answer is ready. See
:data:`sse_demo.web.handlers.Middleware`.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Generator, Sequence

from .access_log import is_logged, log_line
from .handlers import Handler, Middleware, problem
from .handlers.failures import explained
from .origins import canonical, is_own_page

PREFLIGHT_AGE = 600  # seconds for which a browser may remember what is allowed
PREFLIGHT = "Access-Control-Request-Method"  # a header that only a preflight has
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")  # they change nothing: RFC 9110, 9.2.1
EXPOSED_HEADERS = "Retry-After, X-Request-ID"

_process_id = os.urandom(10).hex()  # so that the requests of all processes have ids of their own
_numbers = itertools.count(1)
_usable_id = re.compile(r"[A-Za-z0-9._:-]{1,128}").fullmatch


def request_id(handler: Handler) -> Generator[None, None, None]:
    """Give the request an id, or keep the one that a proxy has given it, and tell it in the answer."""
    headers = handler.request.headers
    usable = "X-Request-ID" in headers and _usable_id(headers["X-Request-ID"])
    handler.request_id = headers["X-Request-ID"] if usable else f"{_process_id}{next(_numbers):012x}"
    yield
    handler.set_header("X-Request-ID", handler.request_id)


def access_log(handler: Handler) -> Generator[None, None, None]:
    """Log one line of JSON for each answer; for a stream when it begins."""
    yield
    if not is_logged():
        return
    request = handler.request
    line = {
        "method": request.method,
        "path": request.path,  # alone: a query may hold what does not belong in a log
        "status": handler.get_status(),
        "ms": round(request.request_time() * 1000, 1),
        "remote": request.remote_ip,
        "request_id": handler.request_id,
    }
    if handler.service.guard:
        line |= {"subject": handler.identity.subject, "credential": handler.identity.kind}
        if handler.refused_because:
            line["refused"] = handler.refused_because
    log_line(line)


def in_progress(handler: Handler) -> Generator[None, None, None]:
    """Note each request until the headers of its answer are ready, so that a server which stops can wait for it."""
    service = handler.service
    service.in_progress.add(handler)
    try:
        yield
    finally:
        service.in_progress.discard(handler)
        if not service.in_progress:
            service.all_answered.set()


def recovery(handler: Handler) -> Generator[None, None, None]:
    """Turn an exception into an answer, which the middleware outside of this one then sees.

    See :func:`~sse_demo.web.handlers.failures.explained`.
    """
    try:
        yield
    except Exception as error:
        raise explained(handler, error) from error


def cors(origins: Sequence[str], credentials: bool = False) -> Middleware:
    """Let pages from other origins read what is answered (Fetch standard, "CORS protocol").

    A page that is allowed may send any headers.

    Args:
        origins: Such as ``https://example.org``, or ``*`` for all.
        credentials: A browser sends its cookies, too. Then the origins must be named.
    """
    named = {canonical(origin) for origin in origins}

    def allow(handler: Handler, origin: str) -> None:
        handler.set_header("Access-Control-Allow-Origin", "*" if "*" in named else origin)
        handler.set_header("Access-Control-Expose-Headers", EXPOSED_HEADERS)
        if credentials:
            handler.set_header("Access-Control-Allow-Credentials", "true")

    def answer_preflight(handler: Handler, origin: str) -> None:
        """Answer at once: a browser asks without the headers that open a lock further in."""
        methods = ", ".join(handler.allowed_methods())
        handler.set_status(204)
        handler.set_header("Allow", methods)
        handler.set_header("Vary", "Origin")
        allow(handler, origin)
        handler.set_header("Access-Control-Allow-Methods", methods)
        if wanted := handler.request.headers.get("Access-Control-Request-Headers"):
            handler.set_header("Access-Control-Allow-Headers", wanted)
        handler.set_header("Access-Control-Max-Age", str(PREFLIGHT_AGE))
        handler.finish()

    def cross_origin(handler: Handler) -> Generator[None, None, None]:
        request = handler.request
        origin = request.headers.get("Origin")
        if origin is not None and ("*" in named or canonical(origin) in named):
            handler.origin_is_allowed = True
            if request.method == "OPTIONS" and PREFLIGHT in request.headers:
                return answer_preflight(handler, origin)
        yield
        handler.add_header("Vary", "Origin")
        if handler.origin_is_allowed and origin is not None:
            allow(handler, origin)

    return cross_origin


def same_origin(handler: Handler) -> Generator[None, None, None]:
    """Refuse with 403 a page from elsewhere that would change something.

    Any page in a browser can send a POST to any server. Only the server's own pages may do so here, and the pages that
    ``cors`` lets in. A client that is no page sends no ``Origin``.
    """
    if handler.request.method not in SAFE_METHODS and not (handler.origin_is_allowed or is_own_page(handler.request)):
        origin = handler.request.headers["Origin"]
        raise problem(403, f"a page from {origin} may not {handler.request.method} here; allow_origins can let it")
    yield
