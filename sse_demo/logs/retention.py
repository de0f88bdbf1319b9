"""How much a log keeps, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from ..fields import Checked, MiB, seconds, whole


@dataclass(frozen=True, kw_only=True)
class Retention(Checked):
    """What a log keeps. The oldest events go first, whatever they are; a topic goes with its last event.

    Attributes:
        max_topics: Topics in the log. For one more, the oldest topic that has had a single event goes; where there is
            none, the event is refused.
        log_events: Events kept for each topic.
        log_bytes: Bytes kept for all topics together, counted as what an event really takes in memory or on the disk.
        log_age: Time for which an event is kept.
        idempotency_keys: Values of ``Idempotency-Key`` remembered, the newest.
    """

    max_topics: int | float = whole(1_000)
    log_events: int | float = whole(10_000)
    log_bytes: int | float = whole(64 * MiB)
    log_age: float = seconds(24 * 3600.0)
    idempotency_keys: int | float = whole(10_000)
