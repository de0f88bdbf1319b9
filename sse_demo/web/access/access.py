"""What ``serve(access=...)`` is given: whose tokens count, and what is open to everybody."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from .identity import OperatorRight, Rights
from .tokens import Issuer


def _random_secret() -> tuple[bytes]:
    return (secrets.token_bytes(32),)


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may listen and publish. Nothing is open but what is named here.

    Attributes:
        issuers: Those whose tokens count.
        anonymous: Topics that everybody may read, also who has not said who that is: names, or patterns such as
            ``"news/*"``.
        open_to_all: What everybody may see beside: ``"metrics"``, ``"ready"``.
        sessions: Whether a page may trade a token for a session (``POST /session``). Sessions are kept in memory: a
            server that starts again knows none.
        session_secrets: With which the cookies of sessions are signed, so that a made-up one is refused before
            anything is looked up: the first signs, and all are accepted. By default a random one.
        tickets: Whether a token or a session may be traded for a ticket (``POST /tickets``).
        rights_of_all: What everybody may do.

    Raises:
        ValueError: A value makes no sense.
    """

    issuers: Sequence[Issuer] = ()
    anonymous: Sequence[str] = ()
    open_to_all: Sequence[OperatorRight] = ()
    sessions: bool = True
    session_secrets: Sequence[bytes] = field(default_factory=_random_secret, repr=False)
    tickets: bool = True
    rights_of_all: Rights = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("issuers", "anonymous", "open_to_all", "session_secrets"):
            if isinstance(getattr(self, name), (str, bytes, Issuer)):
                raise ValueError(f"{name} is a list")
        if "admin" in self.open_to_all:
            raise ValueError("the right admin is not for everybody")
        rights = Rights(subscribe=tuple(self.anonymous), operate=frozenset(self.open_to_all))
        object.__setattr__(self, "rights_of_all", rights)
