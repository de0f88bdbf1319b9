"""The query of a request, read strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, overload

from ...hub.topics import require_topic
from ..problems import problem

_Number = TypeVar("_Number", int, float)


class Query:
    """The query of one request. A value that is given twice is an error: nobody can know which was meant.

    Args:
        given: The values of each name, as Tornado's ``request.query_arguments`` has them.
        max_topics: How many topics the query may name.
    """

    def __init__(self, given: Mapping[str, Sequence[bytes]], max_topics: float) -> None:
        self._given = given
        self._max_topics = max_topics

    def __contains__(self, name: str) -> bool:
        """Whether the query gives this name."""
        return name in self._given

    @overload
    def text(self, name: str, default: str) -> str: ...

    @overload
    def text(self, name: str, default: None = None) -> str | None: ...

    def text(self, name: str, default: str | None = None) -> str | None:
        """One value, as it is.

        Raises:
            Problem: 400 where it is given twice or is not UTF-8.
        """
        values = self._values(name)
        if len(values) > 1:
            raise problem(400, f"{name} is given {len(values)} times, and once is allowed")
        return values[0] if values else default

    def number(self, name: str, default: _Number, least: float, most: float) -> _Number:
        """One number: a whole one where the default is whole, else any.

        Raises:
            Problem: 400 where it is none, or not from ``least`` to ``most``.
        """
        text = self.text(name)
        if text is None:
            return default
        try:
            value = type(default)(text)
        except ValueError:
            value = None
        # Python reads digits of any script, and underscores between them.
        if value is None or not text.isascii() or "_" in text or not least <= value <= most:
            kind = "whole number" if isinstance(default, int) else "number"
            raise problem(400, f"{name} must be a {kind} from {least} to {most}, not {text!r}")
        return value

    def topics(self) -> list[str]:
        """The topics, one or more.

        Raises:
            Problem: 400 where the query names none, or more than one request may name.
            InvalidInput: One of them cannot be the name of a topic.
        """
        topics = self._values("topic")
        if not topics:
            raise problem(400, "the query names no topic; use /events?topic=news")
        if len(topics) > self._max_topics:
            raise problem(400, f"the query names {len(topics)} topics, and {self._max_topics} are allowed")
        for topic in topics:
            require_topic(topic)
        return topics

    def topic(self) -> str:
        """The one topic to publish to. Raises as :meth:`topics` does, and a problem with status 400 for several."""
        topic, *more = self.topics()
        if more:
            raise problem(400, "an event is published to one topic")
        return topic

    def _values(self, name: str) -> list[str]:
        try:
            # Not get_query_arguments, which makes spaces of control characters without a word.
            return [value.decode() for value in self._given.get(name, ())]
        except UnicodeDecodeError as error:
            raise problem(400, f"{name} must be UTF-8: {error}") from None
