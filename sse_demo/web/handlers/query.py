"""The query of a request, read strictly."""

from __future__ import annotations

from ...hub.topics import require_topic
from .base import Base, problem


class Query(Base):
    def query(self, name: str, default: str | None = None) -> str | None:
        """One value of the query. Given twice, it is an error: nobody can know which was meant."""
        values = self.get_query_arguments(name, strip=False)
        if len(values) > 1:
            raise problem(400, f"{name} is given {len(values)} times, and once is allowed")
        return values[0] if values else default

    def query_number(self, name: str, default: float, least: float, most: float) -> float:
        """A number of the query, whole where the default is whole."""
        text = self.query(name)
        if text is None:
            return default
        kind = type(default)
        try:
            value = kind(text) if text.isascii() and "_" not in text else None
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise problem(
                400, f"{name} must be a {'whole ' * (kind is int)}number from {least} to {most}, not {text!r}"
            )
        return value

    def topics(self) -> list[str]:
        topics = self.get_query_arguments("topic", strip=False)
        limit = self.hub.settings.max_topics_per_connection
        if not topics:
            raise problem(400, "the query names no topic; use /events?topic=news")
        if len(topics) > limit:
            raise problem(400, f"the query names {len(topics)} topics, and {limit} are allowed")
        try:
            for topic in topics:
                require_topic(topic)
        except ValueError as error:
            raise problem(400, str(error)) from None
        return topics
