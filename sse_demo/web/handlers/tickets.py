"""``/tickets``: a ticket for a stream whose client can send neither a header nor a cookie."""

from __future__ import annotations

from .handler import Handler


class TicketsHandler(Handler):
    """POST gives a ticket for the topics that the query names. It is good once, and not for long."""

    def post(self) -> None:
        topics = self.query.topics()
        self.require_subscribe(topics)
        tickets = self.guard.tickets
        assert tickets is not None  # or this handler has no route
        ticket = tickets.give(self.identity, topics)
        self.set_status(201)
        self.set_header("Cache-Control", "no-store")
        self.write({"ticket": ticket, "expires_in": tickets.age})
