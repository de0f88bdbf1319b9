"""The guard of one service: who asks, what that one may do, and when a right has ended."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Sequence
from typing import NamedTuple

from tornado.httputil import HTTPServerRequest

from ...observe.metrics import Metrics
from ..addresses import counted_as
from ..problems import Problem, problem
from .access import Access
from .bearer import invalid_request, invalid_token
from .credentials import Credentials
from .identity import KINDS, Identity
from .limits import AccessLimits
from .revoked import Revoked
from .sessions import Session, Sessions
from .streams import Streams
from .tickets import Tickets
from .tokens import MAX_LIFE, TokenRefused, Tokens, TokenUnchecked
from .tries import Tries


class Revocation(NamedTuple):
    """What has become of it.

    Attributes:
        sessions: How many sessions were ended.
        streams: How many open streams were ended.
    """

    sessions: int
    streams: int


class Guard:
    """Knows who asks. For the event loop's thread.

    Args:
        access: Who may do what.
        limits: How many there may be of each.
        metrics: Count what is refused and what is ended.

    Attributes:
        anonymous: Everybody who has not said who they are.
        sessions: The sessions, ``None`` where there are none.
        tickets: The tickets, likewise.
        streams: The open streams.
        limits: The limits.
    """

    def __init__(self, access: Access, limits: AccessLimits, metrics: Metrics) -> None:
        self.limits = limits
        self.anonymous = Identity(subject="", kind="anonymous", rights=access.rights_of_all)
        self.sessions = (
            Sessions(
                access.session_secrets,
                idle=limits.session_idle,
                most=limits.max_sessions,
                most_of_subject=limits.max_sessions_per_subject,
                made_room=lambda session: self._end_streams(session, "too many sessions"),
            )
            if access.sessions
            else None
        )
        self.tickets = (
            Tickets(age=limits.ticket_age, most=limits.max_tickets, most_of_subject=limits.max_streams_per_subject)
            if access.tickets
            else None
        )
        self.streams = Streams(limits, metrics, self.ends)
        self._tokens = Tokens(access.issuers, access.rights_of_all)
        self._revoked = Revoked(max((one.max_life + one.leeway for one in access.issuers), default=MAX_LIFE))
        self._tries = Tries(limits.max_failed_tries)
        self._decisions = {(kind, outcome): 0 for kind in KINDS for outcome in ("granted", "refused")}
        self._measure(metrics)

    def prepare(self, request: HTTPServerRequest) -> Awaitable[object] | None:
        """What to wait for before it can be told who asks: the key of a token may have to be asked for."""
        token = Credentials(request).token_or_none()
        return self._tokens.prepare(token) if token else None

    def identify(
        self,
        request: HTTPServerRequest,
        topics: Sequence[str] | None = None,
        *,
        logs_in: bool = False,
        from_trusted_page: bool = False,
    ) -> Identity:
        """Who asks. A token comes before a session, and a session before a ticket.

        Args:
            request: The request.
            topics: For which a ticket may be shown; ``None`` where none is taken.
            logs_in: A token counts alone, whatever session is shown with it.
            from_trusted_page: The page that asks may use the session of its visitor, wherever the page is from.

        Raises:
            Problem: 400, 401, 429 or 503, where what was sent does not count.
        """
        shown, address = Credentials(request), counted_as(str(request.remote_ip))
        # Others at the same address go on with their sessions, of which nobody can make one up, and without any.
        if shown.is_try and (wait := self._tries.wait(address)) > 0:
            raise problem(429, "too many wrong tokens or tickets came from here", {"Retry-After": math.ceil(wait)})
        try:
            return self._identify(shown, topics, logs_in, from_trusted_page)
        except Problem as refused:
            if refused.status_code == 401:
                self._tries.failed(address)
            raise

    def count(self, request: HTTPServerRequest, identity: Identity, *, refused: bool) -> None:
        """Count a decision: who was let in, or what was shown in vain."""
        kind = Credentials(request).kind if refused and not identity.is_known else identity.kind
        self._decisions[kind, "refused" if refused else "granted"] += 1

    def identify_token(self, token: str) -> Identity:
        """Whose token it is.

        Raises:
            Problem: 401, or 503 where that cannot be told for now.
        """
        try:
            identity = self._tokens.identify(token)
        except TokenUnchecked as error:
            raise problem(503, error.detail, {"Retry-After": 5}) from error
        except TokenRefused as error:
            raise invalid_token(error.detail) from error
        if self._revoked.has(identity):
            raise invalid_token("the token was revoked")
        return identity

    def ends(self, identity: Identity) -> float:
        """When the right of this one ends, in seconds since 1970; 0 where it has."""
        if identity.session is not None:
            session = self.sessions.named(identity.session) if self.sessions else None
            return session.ends if session else 0.0
        return 0.0 if self._revoked.has(identity) else identity.expires

    def revoke(
        self,
        *,
        subject: str | None = None,
        session: str | None = None,
        token_id: str | None = None,
        issuer: str | None = None,
        reason: str = "revoked",
    ) -> Revocation:
        """Take rights away at once: those of a subject, of one session, or of one token.

        Tokens count no more, sessions end, and the clients of open streams are told so before these end.

        Args:
            subject: Whose rights.
            session: The session's name.
            token_id: The id of a token (``jti``).
            issuer: Of whom the subject or the token is; by default of any.
            reason: What the clients of the streams are told.

        Raises:
            ValueError: Not exactly one of the three is given, or it is empty.
        """
        if [bool(name) for name in (subject, session, token_id) if name is not None] != [True]:
            raise ValueError("revoke() takes exactly one of subject, session and token_id, and none that is empty")
        if subject is not None:
            self._revoked.subject(subject, issuer)
        if token_id is not None:
            self._revoked.token(token_id, issuer)

        def is_meant(identity: Identity) -> bool:
            if issuer is not None and identity.issuer != issuer:
                return False
            if subject is not None:
                return identity.subject == subject
            return identity.session == session if session is not None else identity.token_id == token_id

        ended = self.sessions.end(lambda one: is_meant(one.identity)) if self.sessions else 0
        return Revocation(ended, self.streams.revoke(lambda stream: is_meant(stream.identity), reason))

    def session_of(self, request: HTTPServerRequest) -> Session | None:
        """The session whose cookie the request has."""
        cookie = Credentials(request).session()
        return self.sessions.use(cookie) if cookie and self.sessions else None

    def end_session(self, session: Session, reason: str | None) -> None:
        """End a session and its streams, after their clients were told why.

        Args:
            session: The session.
            reason: What the clients are told. ``None`` where they are told nothing, since they are to come back.
        """
        assert self.sessions is not None
        self.sessions.end(lambda one: one is session)
        self._end_streams(session, reason)

    def _end_streams(self, session: Session, reason: str | None) -> None:
        self.streams.revoke(lambda stream: stream.identity.session == session.name, reason)

    def _measure(self, metrics: Metrics) -> None:
        sessions, tickets, streams = self.sessions, self.tickets, self.streams
        metrics.counter(
            "sse_access", "Requests let in or refused", lambda: self._decisions.copy(), ["credential", "outcome"]
        )
        metrics.gauge(
            "sse_streams", "Event streams open", lambda: {kind: streams.of_kind(kind) for kind in KINDS}, ["credential"]
        )
        if sessions is not None:
            metrics.gauge("sse_sessions", "Sessions", lambda: len(sessions))
        if tickets is not None:
            metrics.gauge("sse_tickets", "Tickets that wait to be used", lambda: len(tickets))

    def _identify(
        self, shown: Credentials, topics: Sequence[str] | None, logs_in: bool, from_trusted_page: bool
    ) -> Identity:
        shown.refuse_token_in_query()
        token, cookie, ticket = shown.token(), shown.session(), shown.ticket()
        by_token = self.identify_token(token) if token else None
        session = None
        if cookie and self.sessions and not (logs_in and by_token):
            if not from_trusted_page:  # before the cookie is looked at, so that the answer tells nothing of it
                shown.refuse_foreign_page()
            session = self.sessions.use(cookie)
        known = [one for one in (by_token, session and session.identity) if one]
        if ticket:
            known.append(self._take_ticket(ticket, topics))
        if len({(one.issuer, one.subject) for one in known}) > 1:
            raise invalid_request("the token, the session and the ticket are not of the same subject; send one of them")
        return known[0] if known else self.anonymous

    def _take_ticket(self, ticket: str, topics: Sequence[str] | None) -> Identity:
        if topics is None or self.tickets is None:
            raise invalid_request("a ticket is good for GET /events, and for nothing else")
        identity = self.tickets.take(ticket, topics)
        if identity is None or self.ends(identity) <= 0:
            raise invalid_token("the ticket is used, too old, or for other topics; ask for another one")
        return identity
