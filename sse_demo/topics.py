"""The names of topics, and which of them are of a special kind."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from .settings import Settings

TOPIC_NAME = re.compile(r"[A-Za-z0-9._:/~-]{1,128}")


class Topics:
    """What the settings ``coalesce``, ``state`` and ``urgent`` say of a topic."""

    def __init__(self, settings: Settings):
        self._settings = settings

    def coalesces(self, topic: str) -> bool:
        return _matches(topic, self._settings.coalesce)

    def is_state(self, topic: str) -> bool:
        return _matches(topic, self._settings.state)

    def is_urgent(self, topic: str) -> bool:
        return _matches(topic, self._settings.urgent)


def check_topic(topic: str) -> None:
    """Raise ``ValueError`` for what is no topic name."""
    if not isinstance(topic, str) or not TOPIC_NAME.fullmatch(topic):
        raise ValueError(f"{topic!r} is not a topic name: 1 to 128 letters, digits and . _ : / ~ -")


def _matches(topic: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(topic, pattern) for pattern in patterns)
