"""The limits and intervals of access control."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ...fields import Checked, seconds, text, whole

_EVENT_NAME = re.compile(r"[^\r\n\0]{1,128}")


def _event_name(default: str) -> Any:
    return text(default, _EVENT_NAME.fullmatch, "the name of an event, in one line")


@dataclass(frozen=True, kw_only=True)
class AccessLimits(Checked):
    """What holds where a server has access control: ``serve(access=...)``.

    Attributes:
        session_idle: Time for which a session goes on without being used.
        max_sessions: Sessions at the same time; for one more, the one that would end first makes room.
        max_sessions_per_subject: Sessions of one subject, likewise.
        ticket_age: Time for which a ticket is good.
        max_tickets: Tickets that wait to be used, and of one subject as many as it may have streams; for one more, the
            oldest makes room.
        max_streams_per_subject: Event streams of one subject at the same time; one more is answered with 429.
        max_streams_per_address: Event streams of one address whose clients have not said who they are, likewise.
            Addresses of IPv6 count as one where their first 64 bits are the same, here and below.
        max_failed_tries: Wrong tokens and tickets from one address within a minute. For the rest of the minute each
            token and ticket that comes from there is answered with 429; sessions go on.
        renew_before: Time before the end of a stream's right at which its client is told to renew it.
        renew_event: Name of the event that says so.
        ended_event: Name of the event that tells a client that its right was taken away.
    """

    session_idle: float = seconds(1800.0)
    max_sessions: int | float = whole(10_000)
    max_sessions_per_subject: int | float = whole(100)
    ticket_age: float = seconds(30.0)
    max_tickets: int | float = whole(10_000)
    max_streams_per_subject: int | float = whole(100)
    max_streams_per_address: int | float = whole(100)
    max_failed_tries: int | float = whole(100)
    renew_before: float = seconds(30.0, zero=True)
    renew_event: str = _event_name("access-ends")
    ended_event: str = _event_name("access-ended")
