"""``/session``: a page trades a token for a cookie, renews it, and gives it back."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from tornado.httputil import HTTPServerRequest

from ..access.bearer import who_are_you
from ..access.credentials import can_be_secure, cookie_name
from ..access.identity import Identity
from ..access.rights import require_known
from ..problems import problem
from .handler import Handler


class SessionHandler(Handler):
    """POST begins a session or renews it, GET tells whose it is, DELETE ends it.

    A session begins with a token, and has its rights and, at the latest, its end. Its id is new, whatever cookie was
    sent along. That cookie's session ends hereby, and its streams come back with the new one.
    """

    needs = "nothing"
    logs_in = True

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    def get(self) -> None:
        self._tell(self.identity)

    def post(self) -> None:
        require_known(self.identity)
        if self.identity.kind != "token":
            return self._tell(self.identity)
        guard, identity = self.guard, self.identity
        sessions = guard.sessions
        assert sessions is not None  # or this handler has no route
        with ExitStack() as at_the_end:
            if old := guard.session_of(self.request):
                sessions.end(lambda one: one is old)
                same = (old.identity.issuer, old.identity.subject) == (identity.issuer, identity.subject)
                at_the_end.callback(guard.end_session, old, None if same else "another login")
            cookie, session = sessions.begin(identity)
            self._set_cookie(cookie)
            self._tell(session.identity)
            self.finish()  # first: the clients whose streams end may be back in a moment, and shall have the new cookie

    def delete(self) -> None:
        """With ``everywhere=true`` all sessions of the subject end, and its tokens of before count no more."""
        everywhere = self.query.text("everywhere", "false")
        if everywhere not in ("true", "false"):
            raise problem(400, "everywhere is true or false")
        session = self.guard.session_of(self.request)
        if everywhere == "true":
            require_known(self.identity)
        elif session is None:
            raise who_are_you("there is no session that could end")
        if session is not None:
            self.guard.end_session(session, reason="logout")
        if everywhere == "true":
            self.guard.revoke(subject=self.identity.subject, issuer=self.identity.issuer, reason="logout")
        self._set_cookie("")
        self.set_status(204)

    def _tell(self, identity: Identity) -> None:
        known: dict[str, Any] = {"kind": identity.kind}
        if identity.is_known:
            left = self.guard.ends(identity) - time.time()
            known |= {
                "subject": identity.subject,
                "seconds": round(left, 1),
                "subscribe": identity.rights.subscribe,
                "publish": identity.rights.publish,
                "operate": sorted(identity.rights.operate),
            }
        self.write(known)

    def _set_cookie(self, value: str) -> None:
        """Set the cookie, or delete it where the value is empty. The browser forgets it when it is closed."""
        self.add_header("Set-Cookie", session_cookie(self.request, value))


def session_cookie(request: HTTPServerRequest, value: str) -> str:
    """The header ``Set-Cookie`` of a session; it deletes the cookie where the value is empty."""
    attributes = ["Path=/", "HttpOnly", "SameSite=Lax"]
    if can_be_secure(request):
        attributes.append("Secure")
    if not value:
        attributes.append("Max-Age=0")
    return "; ".join([f"{cookie_name(request)}={value}", *attributes])
