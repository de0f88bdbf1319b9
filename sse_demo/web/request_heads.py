"""What is to be seen to in the head of a request, beside what Tornado sees to."""

from __future__ import annotations

import re

from tornado.httputil import HTTPHeaders, HTTPInputError, RequestStartLine

from .bodies import MAX_DIGITS

_ABSOLUTE = re.compile(r"https?://(?P<host>[^/?#@]+)(?P<rest>(?:[/?].*)?)", re.IGNORECASE)


def check_body(version: str, headers: HTTPHeaders) -> None:
    """See to what Tornado takes too easily, or in one spelling alone, or as no number.

    Raises:
        HTTPInputError: A client of HTTP/1.0 sends chunks, which it does not know (RFC 9112, 6.1).
    """
    length = headers.get("Content-Length", "")
    if len(length) > MAX_DIGITS and length.isascii() and length.isdigit():
        headers["Content-Length"] = str(10**MAX_DIGITS)  # Python reads no more than some thousand digits
    if version == "HTTP/1.0":
        headers.pop("Expect", None)  # such a client knows no answer before the answer (RFC 9110, 10.1.1)
        if "Transfer-Encoding" in headers:
            raise HTTPInputError("HTTP/1.0 has no Transfer-Encoding")
    elif "Expect" in headers and headers["Expect"].lower() == "100-continue":
        headers["Expect"] = "100-continue"


def origin_form(request: RequestStartLine, headers: HTTPHeaders) -> str:
    """The path and the query of a target that is a whole address. Its host replaces the one of the header ``Host``.

    RFC 9112, 3.2.2. A request that lacks ``Host``, or has several, is left to Tornado, which refuses it.

    Raises:
        HTTPInputError: The address has no host, or has a user's name in it.
    """
    if request.path == "*" or request.method == "CONNECT":
        return request.path
    address = _ABSOLUTE.fullmatch(request.path)
    if address is None:
        raise HTTPInputError("the target must be a path, or an address of HTTP without the name of a user")
    hosts = headers.get_list("Host")
    if len(hosts) == 1 or (not hosts and request.version == "HTTP/1.0"):
        headers["Host"] = address["host"]
    rest = address["rest"]
    if not rest and request.method == "OPTIONS":
        return "*"  # RFC 9112, 3.2.4
    return rest if rest.startswith("/") else f"/{rest}"
