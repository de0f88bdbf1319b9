"""Every limit and interval of a server, by name."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields

KiB, MiB = 1024, 1024 * 1024
MAX_RETRY = 24 * 3600.0  # seconds; a client that stays away for longer has left

# What a topic name is made of (see topics.py), and what fnmatch reads in a pattern.
_topic_pattern = re.compile(r"[A-Za-z0-9._:/~*?!\[\]-]+")
# As browsers write it in the header Origin, with which it is compared: in lower case, and without a path.
_origin = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[a-z0-9._:\[\]-]+")


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
        Time that a client is told to wait before it comes back after it has lost its connection; a day at the most.
    retry_jitter
        By which part of it each is told another one, so that they do not all come back at once: from half to one and a
        half times ``retry`` with 0.5. From 0 to 1.
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
        Such as ``"https://example.org"``, in lower case and without a path; or ``"*"`` for every page in the world.
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
                object.__setattr__(self, field.name, _checked_list(field.name, value))  # a list, too, is welcome
            elif isinstance(field.default, bool):
                if not isinstance(value, bool):
                    raise ValueError(f"{field.name} must be True or False, not {value!r}")
            else:
                _check_number(field.name, value, whole=isinstance(field.default, int))
        if self.retry > MAX_RETRY:
            raise ValueError(f"retry must be a day at the most, {MAX_RETRY:.0f} seconds, not {self.retry!r}")
        if self.retry_jitter > 1:
            raise ValueError(f"retry_jitter must be from 0 to 1, not {self.retry_jitter!r}")
        if self.allow_credentials and "*" in self.allow_origins:
            raise ValueError("allow_credentials needs origins that are named, and not *")


def _check_number(name: str, value: object, *, whole: bool) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ValueError(f"{name} must be a number that is not negative, not {value!r}")
    if value == 0 and name not in ("batch_delay", "retry_jitter"):
        raise ValueError(f"{name} must be greater than zero")
    if whole and not (isinstance(value, int) or value == math.inf):
        raise ValueError(f"{name} must be a whole number, not {value!r}")


def _checked_list(name: str, value: object) -> tuple[str, ...]:
    if name == "allow_origins":
        what, legal, one = "origins", _origin, 'an origin such as "https://example.org" (lower case, no path), or "*"'
    else:
        what, legal, one = "topic names or patterns", _topic_pattern, "a topic name or a pattern"
    items = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (None,)
    if not all(isinstance(item, str) for item in items):
        raise ValueError(f"{name} must be a list of {what}, not {value!r}")
    for item in items:
        if not legal.fullmatch(item):
            raise ValueError(f"{name}: {item!r} is not {one}")
    return items
