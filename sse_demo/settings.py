"""Every limit and interval of a server, by name."""

from __future__ import annotations

from dataclasses import dataclass, fields

KiB, MiB = 1024, 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The limits and intervals of a server. ``serve(heartbeat=5)`` changes one; each must be greater than zero.

    heartbeat
        Seconds between the comments that keep an idle stream alive.
    request_timeout
        Seconds for a request to arrive, and for which an idle connection is kept.
    max_event_size
        Bytes of one event on the wire.
    max_connections
        Event streams open at the same time; one more is answered with 503.
    max_topics
        Topics of the server.
    max_topics_per_connection
        Topics that one connection may follow.
    log_events, log_bytes
        What the log keeps of each topic for those who come back: so many events, and no more than so many bytes.
    read_batch
        Bytes that a connection which lags behind is given from the log at a time.
    max_burst
        Events that wait for the event loop. A thread that publishes more at once waits until they are delivered.
    idempotency_keys
        ``Idempotency-Key`` values remembered, the newest.
    """

    heartbeat: float = 15.0
    request_timeout: float = 60.0
    max_event_size: int = 1 * MiB
    max_connections: int = 10_000
    max_topics: int = 1_000
    max_topics_per_connection: int = 100
    log_events: int = 10_000
    log_bytes: int = 16 * MiB
    read_batch: int = 64 * KiB
    max_burst: int = 1_000
    idempotency_keys: int = 10_000

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                raise ValueError(f"{field.name} must be a number greater than zero, not {value!r}")
