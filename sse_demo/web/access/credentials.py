"""What a request shows to tell who asks: a token in a header, a session in a cookie, a ticket in the query."""

from __future__ import annotations

import re

from tornado.httputil import HTTPServerRequest

from ..addresses import is_loopback
from ..origins import is_own_page
from ..problems import Problem, problem
from .bearer import invalid_request
from .identity import Kind

TICKET = "ticket"  # in the query
_TOKENS_IN_QUERY = ("access_token", "authorization", "jwt", "token")  # as other servers call them
_token = re.compile(r"[A-Za-z0-9._~+/-]+=*").fullmatch  # RFC 6750, 2.1
# Nothing but a semicolon parts two cookies, and nothing but spaces and tabs is around them. A server that takes more
# for it finds a cookie in the value of another one, which any host of the domain may have set.
_cookies = {name: re.compile(f"(?:^|;)[ \t]*{name}=([^;]*)").findall for name in ("__Host-session", "session")}
_ticket = re.compile(rb"[A-Za-z0-9_-]{1,64}").fullmatch


class Credentials:
    """What one request shows. Nothing of it is proven."""

    def __init__(self, request: HTTPServerRequest) -> None:
        self._request = request

    @property
    def kind(self) -> Kind:
        """What is shown first, whether it counts or not."""
        if self._has_token:
            return "token"
        if f"{cookie_name(self._request)}=" in self._request.headers.get("Cookie", ""):
            return "session"
        return "ticket" if self._has_ticket else "anonymous"

    @property
    def is_try(self) -> bool:
        """Whether a token or a ticket is shown, whatever else is: somebody may be guessing."""
        return self._has_token or self._has_ticket

    @property
    def _has_token(self) -> bool:
        query = self._request.query_arguments
        scheme = self._request.headers.get("Authorization", "")[:6].lower()
        return scheme == "bearer" or any(name in query for name in _TOKENS_IN_QUERY)

    @property
    def _has_ticket(self) -> bool:
        return TICKET in self._request.query_arguments

    def token(self) -> str | None:
        """The token of ``Authorization: Bearer``; ``None`` where there is none.

        Raises:
            Problem: 400 where the header cannot be read, or is there twice.
        """
        headers = self._request.headers.get_list("Authorization")
        if len(headers) > 1:
            raise invalid_request("there are several headers Authorization; send one")
        scheme, _, token = headers[0].partition(" ") if headers else ("", "", "")
        if scheme.lower() != "bearer":
            return None  # it is for somebody else, such as a proxy
        token = token.strip(" ")
        if not _token(token):
            raise invalid_request("Authorization has the form: Bearer TOKEN, with one token")
        return token

    def token_or_none(self) -> str | None:
        """The token, where it can be read."""
        try:
            return self.token()
        except Problem:  # which is told when it is asked for
            return None

    def session(self) -> str | None:
        """The cookie of a session; ``None`` where there is none.

        Raises:
            Problem: 400 where there are several, of which somebody else has set at least one.
        """
        find_all = _cookies[cookie_name(self._request)]
        values = [value for header in self._request.headers.get_list("Cookie") for value in find_all(header)]
        if len(values) > 1:
            raise invalid_request("there are several cookies of a session; delete the cookies of this site")
        return values[0].rstrip(" \t") if values else None

    def ticket(self) -> str | None:
        """The ticket; ``None`` where there is none.

        Raises:
            Problem: 400 where it is none, or there are several.
        """
        values = self._request.query_arguments.get(TICKET, [])
        if not values:
            return None
        if len(values) > 1 or not _ticket(values[0]):
            raise invalid_request("the query has one ticket, as POST /tickets gave it")
        return values[0].decode()

    def refuse_token_in_query(self) -> None:
        """Raise a problem with status 400 for a token in the query, where logs and histories would keep it."""
        for name in _TOKENS_IN_QUERY:
            if name in self._request.query_arguments:
                raise invalid_request(
                    f"{name} does not belong into an address, which logs and histories keep. Send it as "
                    "Authorization: Bearer TOKEN, or trade it for a ticket with POST /tickets"
                )

    def refuse_foreign_page(self) -> None:
        """Raise a problem with status 403 where a page from elsewhere uses the session of its visitor.

        Whoever follows a link to a page of this server is let in.
        """
        headers = self._request.headers
        if headers.get("Sec-Fetch-Mode") == "navigate" and self._request.method in ("GET", "HEAD"):
            return
        if headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") or not is_own_page(self._request):
            raise problem(403, "a page from elsewhere may not use the session of its visitor")


def can_be_secure(request: HTTPServerRequest) -> bool:
    """Whether a browser keeps a cookie with ``Secure`` of this server, and sends it back."""
    return request.protocol == "https" or is_loopback(request.host_name)


def cookie_name(request: HTTPServerRequest) -> str:
    """What the cookie of a session is called. ``__Host-`` keeps out those that other hosts of the domain have set."""
    return "__Host-session" if can_be_secure(request) else "session"
