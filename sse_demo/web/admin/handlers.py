"""``/admin``: who is there, for operators: a page, what it shows, and how a stream or a right is ended."""

from __future__ import annotations

import re

from tornado.httputil import HTTPServerRequest

from ...wire.strict_json import read_json
from ..access_log import log_line
from ..handlers import Handler, problem
from ..handlers.accept import asks_for_event_stream
from ..handlers.media_type import media_type
from ..service import Service
from .listing import Listing, Wanted
from .page import content_security_policy, page

ENDED_BY_OPERATOR = "ended by an operator"  # what the client of a stream is told
MAX_REVOCATION = 4096  # bytes of a request that revokes a right
MAX_NAME = 256  # characters of a subject, a session's name, a token's id and an issuer
REVOCABLE = ("subject", "session", "token_id")

# A token, or the cookie of a session: three parts. Neither is a name, and the log would keep it.
_secret = re.compile(r"[\w-]{16,}\.[\w-]{16,}\.[\w-]{16,}").fullmatch


class AdminPageHandler(Handler):
    """The page. It shows nothing by itself, and asks as whoever has logged in."""

    needs = "nothing"

    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Security-Policy", content_security_policy())
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Referrer-Policy", "no-referrer")
        self.write(page())


class SubscribersHandler(Handler):
    """GET tells the open streams; as an event stream, whenever something changes. See :class:`Wanted`."""

    needs = "admin"

    async def get(self) -> None:
        wanted = Wanted.by(self.query)
        listing = Listing(self.guard.streams, self.hub)
        self.set_header("Vary", "Accept")
        if asks_for_event_stream(self.request.headers.get("Accept", "")):
            await self.send_events(listing.follow(wanted))
        else:
            summary, rows = await listing.look(wanted)
            self.set_header("Cache-Control", "no-store")
            self.write({**summary, "subscribers": rows})


class SubscriberHandler(Handler):
    """DELETE ends a stream. Its client is told why, and may come back unless its right is revoked."""

    needs = "admin"

    def delete(self, id: str) -> None:
        number = int(id) if id.isascii() and id.isdigit() and len(id) < 17 else 0
        stream = self.guard.streams.get(number)
        if stream is None or str(number) != id:
            raise problem(404, "there is no open stream with this id")
        self.guard.streams.end(stream, ENDED_BY_OPERATOR)
        self.set_status(204)


class RevocationsHandler(Handler):
    """POST takes rights away: of a subject, of a session, or of a token. The answer counts what has ended hereby."""

    needs = "admin"

    @classmethod
    def max_body_size(cls, request: HTTPServerRequest, service: Service) -> float:
        """A name takes no more."""
        return min(MAX_REVOCATION, super().max_body_size(request, service))

    def post(self) -> None:
        if media_type(self.request.headers.get("Content-Type", "")) != "application/json":
            raise problem(415, "the body must be application/json")
        asked = _read_revocation(self.body_text())
        ended = self.guard.revoke(**asked)
        log_line({"revoked": asked, "by": self.identity.subject, "request_id": self.request_id, **ended._asdict()})
        self.set_header("Cache-Control", "no-store")
        self.write(ended._asdict())


def _read_revocation(text: str) -> dict[str, str]:
    """What is to be revoked, as ``Guard.revoke`` takes it.

    Raises:
        Problem: 400 where the text does not say so.
    """
    try:
        asked = read_json(text, unique=True)
    except ValueError as error:
        raise problem(400, f"the body cannot be read: {error}") from None
    if not isinstance(asked, dict) or len(asked.keys() - {"issuer"}) != 1 or not asked.keys() <= {*REVOCABLE, "issuer"}:
        raise problem(400, f"the body is an object with one of {', '.join(REVOCABLE)}, perhaps an issuer, and no more")
    for name, value in asked.items():
        if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
            raise problem(400, f"{name} is a text of 1 to {MAX_NAME} characters")
        if _secret(value):
            raise problem(400, f"{name} is a secret, and no name: a list of the streams gives the names")
    return asked
