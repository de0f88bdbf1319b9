"""What a handler asks before it does something: may this one?"""

from __future__ import annotations

from collections.abc import Sequence

from .bearer import insufficient_scope, who_are_you
from .identity import Identity, OperatorRight


def require_subscribe(identity: Identity, topics: Sequence[str]) -> None:
    """Raise a problem where one of the topics may not be read: 401 for somebody unknown, else 403.

    The problem names a topic only where this one may publish to it, and so may know that it exists.
    """
    refused = [topic for topic in topics if not identity.may_subscribe(topic)]
    if refused:
        named = [topic for topic in refused if identity.may_publish(topic)]
        _refuse(identity, f"you may not read {', '.join(named) or _unnamed(topics)}")


def require_publish(identity: Identity, topics: Sequence[str]) -> None:
    """Raise a problem where one of the topics may not be published to: 401 for somebody unknown, else 403."""
    refused = [topic for topic in topics if not identity.may_publish(topic)]
    if refused:
        named = [topic for topic in refused if identity.may_subscribe(topic)]
        _refuse(identity, f"you may not publish to {', '.join(named) or _unnamed(topics)}")


def require_publisher(identity: Identity) -> None:
    """Raise a problem where nothing at all may be published: 401 for somebody unknown, else 403."""
    if not (identity.rights.publish or identity.everybody.publish):
        _refuse(identity, "you may not publish here")


def require_right(identity: Identity, right: OperatorRight) -> None:
    """Raise a problem where this right of an operator is not there: 401 for somebody unknown, else 403."""
    if not identity.may(right):
        _refuse(identity, f"this needs the right {right}")


def require_known(identity: Identity) -> None:
    """Raise a problem with status 401 for somebody who has not told who they are."""
    if not identity.is_known:
        raise who_are_you()


def _unnamed(topics: Sequence[str]) -> str:
    return "this topic" if len(topics) == 1 else "one or more of these topics"


def _refuse(identity: Identity, detail: str) -> None:
    require_known(identity)
    raise insufficient_scope(detail)
