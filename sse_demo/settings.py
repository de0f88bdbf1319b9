"""Every limit and interval of a server, by name."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

KiB, MiB = 1024, 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The limits and intervals of a server. ``serve(heartbeat=5)`` changes one.

    Numbers are greater than zero, and ``math.inf`` is no limit. Bytes are bytes on the wire, times are seconds.

    What one connection may do:

    max_connections
        Event streams open at the same time; one more is answered with 503.
    max_subscribers_per_topic
        Likewise for each topic.
    max_topics_per_connection
        Topics that one connection may follow.
    max_connection_age
        Age at which a stream is ended, give or take a tenth; its client soon comes back. Behind a balancer, this is
        what moves connections to a new server.
    max_lag
        Time that a subscriber may lag behind. Then it is closed, and resumes by its last event id.
    max_stall
        Time in which a subscriber that lags must take the batch it was given; else it is closed, too.
    heartbeat
        Time between the comments that keep an idle stream alive.
    retry
        Time that a client is told to wait before it comes back after it has lost its connection.
    retry_jitter
        By which part of it each is told another one, so that they do not all come back at once: from half to one and a
        half times ``retry`` with 0.5.
    request_timeout
        Time for a request to arrive, and for which an idle connection is kept.

    What is kept, and for how long:

    max_event_size
        Bytes of one event.
    max_topics
        Topics in the log. A topic is dropped when its last event is.
    log_events
        Events kept for each topic.
    log_bytes
        Bytes kept for all topics together. The oldest go first.
    log_age
        Time for which an event is kept. One with a key stays until a newer one has the same key.
    idempotency_keys
        ``Idempotency-Key`` values remembered, the newest.

    How events are sent:

    batch_delay
        Time to wait for more events before a batch goes out; 0 sends at once.
    read_batch
        Bytes that a connection which lags behind is given from the log at a time.
    max_burst, burst_bytes
        Events that wait for the event loop, and their bytes. A thread that publishes more at once waits until they are
        delivered.

    Three lists of topics, each a name or a pattern such as ``"prices/*"``:

    coalesce
        Who lags gets only the newest event for each key.
    state
        What is published is the whole state, a JSON object. Subscribers get one ``snapshot``, and then a ``patch``
        (RFC 7396) for each change.
    urgent
        Who lags gets these first.

    And who may read and publish from a page in a browser, beside the server's own pages (Fetch standard, 3.2):

    allow_origins
        Such as ``"https://example.org"``, or ``"*"`` for every page in the world.
    allow_credentials
        Their browsers send cookies, too. Then the origins have to be named.
    """

    max_connections: int = 10_000
    max_subscribers_per_topic: int = 10_000
    max_topics_per_connection: int = 100
    max_connection_age: float = math.inf
    max_lag: float = 300.0
    max_stall: float = 60.0
    heartbeat: float = 15.0
    retry: float = 2.0
    retry_jitter: float = 0.5
    request_timeout: float = 60.0

    max_event_size: int = 1 * MiB
    max_topics: int = 1_000
    log_events: int = 10_000
    log_bytes: int = 64 * MiB
    log_age: float = 24 * 3600.0
    idempotency_keys: int = 10_000

    batch_delay: float = 0.0
    read_batch: int = 64 * KiB
    max_burst: int = 1_000
    burst_bytes: int = 4 * MiB

    coalesce: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    urgent: tuple[str, ...] = ()

    allow_origins: tuple[str, ...] = ()
    allow_credentials: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, tuple):
                if isinstance(value, str) or not all(isinstance(pattern, str) for pattern in value):
                    what = "origins" if field.name == "allow_origins" else "topic names or patterns"
                    raise ValueError(f"{field.name} must be a list of {what}, not {value!r}")
                object.__setattr__(self, field.name, tuple(value))  # a list, too, is welcome
            elif isinstance(field.default, bool):
                if not isinstance(value, bool):
                    raise ValueError(f"{field.name} must be True or False, not {value!r}")
            elif isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
                raise ValueError(f"{field.name} must be a number that is not negative, not {value!r}")
            elif value == 0 and field.name not in ("batch_delay", "retry_jitter"):
                raise ValueError(f"{field.name} must be greater than zero")
            elif isinstance(field.default, int) and not (isinstance(value, int) or value == math.inf):
                raise ValueError(f"{field.name} must be a whole number, not {value!r}")
        if self.allow_credentials and "*" in self.allow_origins:
            raise ValueError("allow_credentials needs origins that are named, and not *")
