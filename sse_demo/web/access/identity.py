"""Who asks, and what that one may do."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from ...hub.topics import TOPIC_PATTERN, matches

MAX_PATTERNS = 100  # names and patterns that one identity may have for each of its two questions
MAX_PATTERN = 256  # characters of one; it costs more to read a long one than all the rest of a request

#: What may be done beside subscribing and publishing.
OperatorRight = Literal["admin", "metrics", "ready"]
OPERATOR_RIGHTS: tuple[OperatorRight, ...] = ("admin", "metrics", "ready")

#: How somebody has told who they are.
Kind = Literal["anonymous", "token", "session", "ticket"]
KINDS: tuple[Kind, ...] = ("anonymous", "token", "session", "ticket")


def require_patterns(patterns: Iterable[str]) -> None:
    """Raise ``ValueError`` for what are no names or patterns of topics, or too many."""
    items = tuple(patterns)
    if len(items) > MAX_PATTERNS:
        raise ValueError(f"{len(items)} topics are more than {MAX_PATTERNS}, which is the limit; a pattern names many")
    for item in items:
        if not isinstance(item, str) or len(item) > MAX_PATTERN or not TOPIC_PATTERN.fullmatch(item):
            raise ValueError(f"{str(item)[:200]!r} is neither a topic name nor a pattern")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What may be done. Topics are names, or patterns such as ``"prices/*"``.

    Attributes:
        subscribe: Topics that may be read.
        publish: Topics that may be published to.
        operate: What else may be done: ``"metrics"``, ``"ready"``, and ``"admin"``, which sees and ends streams.

    Raises:
        ValueError: A pattern or a right is none, or there are too many.
    """

    subscribe: tuple[str, ...] = ()
    publish: tuple[str, ...] = ()
    operate: frozenset[OperatorRight] = frozenset()

    def __post_init__(self) -> None:
        for patterns in (self.subscribe, self.publish):
            require_patterns(patterns)
        if not self.operate <= set(OPERATOR_RIGHTS):
            unknown = ", ".join(map(repr, sorted(self.operate - set(OPERATOR_RIGHTS))))
            raise ValueError(f"{unknown} is no right of an operator; there are {', '.join(OPERATOR_RIGHTS)}")


NO_RIGHTS = Rights()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody who asks.

    Attributes:
        subject: Who it is, as the issuer names them; ``""`` for everybody who has not said.
        rights: What they may do.
        kind: How they have told who they are.
        expires: When the right ends, in seconds since 1970 (Unix time); ``math.inf`` where it does not.
        issuer: Who has named them.
        issued: When that was, in seconds since 1970; ``-math.inf`` where nobody has said.
        token_id: The id of the token (``jti``), where it has one.
        session: The name of the session, where there is one. It is no secret.
        everybody: What everybody may do, and so this one as well.
    """

    subject: str
    rights: Rights
    kind: Kind
    expires: float = math.inf
    issuer: str = ""
    issued: float = -math.inf
    token_id: str | None = None
    session: str | None = None
    everybody: Rights = NO_RIGHTS

    def may_subscribe(self, topic: str) -> bool:
        """Whether this topic may be read."""
        return matches(topic, self.rights.subscribe) or matches(topic, self.everybody.subscribe)

    def may_publish(self, topic: str) -> bool:
        """Whether this topic may be published to."""
        return matches(topic, self.rights.publish) or matches(topic, self.everybody.publish)

    def may(self, right: OperatorRight) -> bool:
        """Whether this right of an operator is there."""
        return right in self.rights.operate or right in self.everybody.operate

    @property
    def is_known(self) -> bool:
        """Whether they have told who they are."""
        return self.kind != "anonymous"

    @property
    def publisher(self) -> str:
        """A short name for the publisher, the same for the same subject of the same issuer, and no other's."""
        return sha256(f"{self.issuer}\0{self.subject}".encode()).hexdigest()[:32]


#: Everybody, where a server has no access control.
EVERYBODY = Identity(
    subject="", kind="anonymous", rights=Rights(subscribe=("*",), publish=("*",), operate=frozenset(OPERATOR_RIGHTS))
)
