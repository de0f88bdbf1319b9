"""What a token says that its bearer may do: ``authorization_details`` (RFC 9396) or ``scope`` (RFC 6749, 3.3).

In ``authorization_details``, an entry of this service has the type ``event-stream``::

    {"type": "event-stream", "actions": ["subscribe"], "topics": ["prices/*"]}

The rights of an operator are actions without topics: ``admin``, ``metrics``, ``ready``. An entry with ``locations``
is for those services alone. In ``scope``, the same is ``subscribe:prices/* publish:news operate:admin``. Where a token
has both, ``authorization_details`` holds. Entries and scopes of other services are passed over. One entry of this
service that cannot be read spoils the whole token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from .identity import OPERATOR_RIGHTS, OperatorRight, Rights

TYPE = "event-stream"
_TOPIC_ACTIONS = ("subscribe", "publish")
_MEMBERS = ("type", "actions", "topics", "locations")


def rights_of(claims: Mapping[str, Any], audience: str) -> Rights:
    """The rights of a token.

    Args:
        claims: The claims of the token, whose signature was checked.
        audience: The name of this service, with which ``locations`` is compared.

    Raises:
        ValueError: An entry, or the whole claim, cannot be read.
    """
    collected = _Collected()
    if "authorization_details" in claims:
        entries = claims["authorization_details"]
        if not isinstance(entries, list):
            raise ValueError("authorization_details must be a list")
        for entry in entries:
            _read_entry(entry, audience, collected)
    elif "scope" in claims:
        if not isinstance(claims["scope"], str):
            raise ValueError("scope must be a text")
        for scope in claims["scope"].split(" "):
            _read_scope(scope, collected)
    return collected.rights()


class _Collected:
    """What was read so far."""

    def __init__(self) -> None:
        self.topics: dict[str, list[str]] = {action: [] for action in _TOPIC_ACTIONS}
        self.operate: set[OperatorRight] = set()

    def rights(self) -> Rights:
        return Rights(
            subscribe=tuple(self.topics["subscribe"]),
            publish=tuple(self.topics["publish"]),
            operate=frozenset(self.operate),
        )


def _read_entry(entry: object, audience: str, collected: _Collected) -> None:
    if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
        raise ValueError("an entry of authorization_details must be an object with a type")
    if entry["type"] != TYPE:
        return
    if unknown := entry.keys() - set(_MEMBERS):
        # What is not understood may be a restriction, so the rest must not count.
        raise ValueError(f"an entry has the member {min(unknown)!r}, which is not known; known are {_MEMBERS}")
    if "locations" in entry and audience not in _texts(entry["locations"], "locations"):
        return
    actions = _texts(entry.get("actions"), "actions")
    topics = _texts(entry["topics"], "topics") if "topics" in entry else []
    if bool(topics) != any(action in _TOPIC_ACTIONS for action in actions):
        raise ValueError("an entry has topics where it has the action subscribe or publish, and only there")
    for action in actions:
        if action in _TOPIC_ACTIONS:
            collected.topics[action] += topics
        elif action in OPERATOR_RIGHTS:
            collected.operate.add(action)
        else:
            raise ValueError(f"an entry has the action {action!r}, which is none")


def _read_scope(scope: str, collected: _Collected) -> None:
    action, colon, topic = scope.partition(":")
    if colon and action in _TOPIC_ACTIONS:
        collected.topics[action].append(topic)
    elif colon and action == "operate":
        collected.operate.add(cast("OperatorRight", topic))


def _texts(value: object, name: str) -> list[Any]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} must be a list of texts, and not empty")
    return value
