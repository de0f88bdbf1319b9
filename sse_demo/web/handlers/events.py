"""``/events``: subscribe with GET, publish with POST."""

from __future__ import annotations

from random import SystemRandom

from tornado.web import stream_request_body

from ...errors import TopicFull
from ...hub.position import Cursor
from ...settings import Settings
from .handler import Handler
from .publication import Publication

MAX_RECENT = 2**31 - 1  # where the log has no limit

_random = SystemRandom()  # a seed of Python's own belongs to the program around us


class Subscription(Handler):
    """GET: the events of some topics, from a place on."""

    async def get(self) -> None:
        self.check_accept()
        topics, cursor, resumes = self.place()
        connection = await self.open_event_stream(_hello(self.hub.settings))
        self.hub.subscribe(connection, topics, cursor, resumes=resumes)

    def place(self) -> tuple[list[str], Cursor, bool]:
        """The topics, the place from which they are read, and whether the client has been here before."""
        topics = self.topics()
        recent = self.query_number("recent", 0, least=0, most=min(self.hub.settings.log_events, MAX_RECENT))
        # The header wins: a browser that reconnects sends it to the same address, with the query of its first time.
        last_event_id = self.request.headers.get("Last-Event-ID") or self.query("last_event_id", "")
        try:
            return topics, self.hub.seek(topics, last_event_id, recent), bool(last_event_id)
        except TopicFull as error:
            raise self.refusal("topic_full", str(error)) from None


@stream_request_body
class EventsHandler(Subscription, Publication):
    """Both, at one address."""


def _hello(settings: Settings) -> bytes:
    """When the server goes away, its clients shall not all come back in the same moment."""
    jitter = _random.uniform(-settings.retry_jitter, settings.retry_jitter)
    return b":\nretry: %d\n\n" % max(0, round(settings.retry * (1 + jitter) * 1000))
