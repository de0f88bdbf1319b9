"""The names of topics, and which of them are of a special kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from ..errors import InvalidInput
from ..fields import Checked, names

TOPIC_NAME = re.compile(r"[A-Za-z0-9._:/~-]{1,128}")
# What a topic name is made of, and what fnmatch reads in a pattern.
TOPIC_PATTERN = re.compile(r"[A-Za-z0-9._:/~*?!\[\]-]+")
REMEMBERED = 1024  # lists of patterns, and what is what in each

_special = re.compile(r"[*?\[]").search


def _patterns() -> tuple[str, ...]:
    patterns: tuple[str, ...] = names("topic names or patterns", TOPIC_PATTERN.fullmatch, "a topic name or a pattern")
    return patterns


@dataclass(frozen=True, kw_only=True)
class TopicKinds(Checked):
    """Topics of a special kind, each a name or a pattern such as ``"prices/*"``.

    Attributes:
        coalesce: A subscriber that lags gets only the newest event for each key.
        state: What is published is the whole state, a JSON object. Subscribers get one ``snapshot``, and then a
            ``patch`` (RFC 7396) for each change. A topic that is in both lists is a state.
        urgent: A subscriber that lags gets these first.
    """

    coalesce: tuple[str, ...] = _patterns()
    state: tuple[str, ...] = _patterns()
    urgent: tuple[str, ...] = _patterns()

    def is_state(self, topic: str) -> bool:
        """Whether the topic's data is a whole document, of which subscribers get the changes."""
        return matches(topic, self.state)

    def coalesces(self, topic: str) -> bool:
        """Whether a newer event of the topic replaces an older one with the same key."""
        return matches(topic, self.coalesce) and not self.is_state(topic)

    def is_urgent(self, topic: str) -> bool:
        """Whether a subscriber that lags gets the topic before others."""
        return matches(topic, self.urgent)


def require_topic(topic: str) -> None:
    """Raise :class:`InvalidInput` for what is no topic name."""
    if not isinstance(topic, str) or not TOPIC_NAME.fullmatch(topic):
        raise InvalidInput(f"{topic!r} is not a topic name: 1 to 128 letters, digits and . _ : / ~ -")


def matches(topic: str, patterns: tuple[str, ...]) -> bool:
    """Whether the topic is one of these names, or fits one of these patterns."""
    if not patterns:
        return False
    names, beginnings, others = _sorted_out(patterns)
    return topic in names or topic.startswith(beginnings) or any(fnmatchcase(topic, pattern) for pattern in others)


@lru_cache(maxsize=REMEMBERED)
def _sorted_out(patterns: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]:
    """The names, the beginnings of those patterns that have nothing special but a ``*`` at the end, and the others.

    To make a regular expression of a pattern takes as long as many comparisons. Python remembers 256 of them, and each
    token of many may have patterns of its own.
    """
    names = [pattern for pattern in patterns if not _special(pattern)]
    beginnings = [pattern[:-1] for pattern in patterns if pattern[-1:] == "*" and not _special(pattern[:-1])]
    others = [pattern for pattern in patterns if _special(pattern[:-1]) or pattern[-1:] in ("?", "[")]
    return frozenset(names), tuple(beginnings), tuple(others)
