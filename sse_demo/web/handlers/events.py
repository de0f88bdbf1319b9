"""``/events``: subscribe with GET, publish with POST."""

from __future__ import annotations

from collections.abc import Sequence
from random import SystemRandom

from ...hub.position import Cursor
from ...wire.service_events import hello
from .handler import Handler
from .publication import PublishHandler

MAX_RECENT = 2**31 - 1  # where the log has no limit

_random = SystemRandom()  # a seed of Python's own belongs to the program around us


class SubscribeHandler(Handler):
    """Sends the events of some topics, from a place on."""

    needs = "nothing"  # but the right to each topic

    def ticket_topics(self) -> Sequence[str] | None:
        """Those that are asked for."""
        return self.query.topics() if self.request.method == "GET" else None

    async def get(self) -> None:
        self.check_accept()
        topics = self.query.topics()
        self.require_subscribe(topics)
        last_event_id = self.last_event_id()
        cursor = self._cursor(topics, last_event_id)  # before the first byte, so that nothing is missed from then on
        connection = await self.open_event_stream(hello(self._retry()))
        self.hub.subscribe(connection, topics, cursor, resumes=bool(last_event_id))

    def _cursor(self, topics: list[str], last_event_id: str) -> Cursor | None:
        """The place from which the topics are read; ``None`` where the log does not know the id."""
        recent = self.query.number("recent", 0, least=0, most=min(self.hub.settings.log_events, MAX_RECENT))
        return self.hub.seek(topics, last_event_id, recent)

    def _retry(self) -> float:
        """Seconds, others for each client: when the server goes away, not all shall come back in the same moment."""
        settings = self.service.settings
        return settings.retry * (1 + _random.uniform(-settings.retry_jitter, settings.retry_jitter))


class EventsHandler(SubscribeHandler, PublishHandler):
    """Both, at one address."""
