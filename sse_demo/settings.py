"""Every limit and interval of a server, by name: one flat set, put together from the parts of those who use them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

from .hub.settings import HubSettings
from .web.access.limits import AccessLimits
from .web.limits import WebLimits


@dataclass(frozen=True, kw_only=True)
class Settings(HubSettings, WebLimits, AccessLimits):
    """The limits and intervals of a server. ``serve(heartbeat=5)`` changes one.

    Numbers are greater than zero, and ``math.inf`` is no limit. Bytes are bytes on the wire unless it says otherwise,
    times are seconds. Each is described where it is used: :class:`~sse_demo.logs.retention.Retention`,
    :class:`~sse_demo.hub.topics.TopicKinds`, :class:`~sse_demo.hub.settings.HubLimits`,
    :class:`~sse_demo.web.limits.WebLimits`,
    :class:`~sse_demo.web.access.limits.AccessLimits`. The table of all is in ``sse_demo/README.md``.

    Raises:
        ValueError: A value is none that the setting may have; the error says what it may be.
    """


class SettingsByName(TypedDict, total=False):
    """The settings as ``serve(**settings)`` takes them, for type checkers."""

    max_topics: float
    log_events: float
    log_bytes: float
    log_age: float
    idempotency_keys: float
    coalesce: Iterable[str]
    state: Iterable[str]
    urgent: Iterable[str]
    max_event_size: float
    max_waiting: float
    max_waiting_bytes: float
    max_burst: float
    burst_bytes: float
    max_subscribers_per_topic: float
    max_connection_age: float
    max_lag: float
    max_stall: float
    heartbeat: float
    batch_delay: float
    read_batch: float
    max_connections: float
    max_topics_per_connection: float
    max_batch: float
    max_batch_size: float
    request_timeout: float
    retry: float
    retry_jitter: float
    min_retry: float
    max_retry: float
    allow_hosts: Iterable[str]
    trusted_proxies: Iterable[str]
    allow_origins: Iterable[str]
    allow_credentials: bool
    session_idle: float
    max_sessions: float
    max_sessions_per_subject: float
    ticket_age: float
    max_tickets: float
    max_streams_per_subject: float
    max_streams_per_address: float
    max_failed_tries: float
    renew_before: float
    renew_event: str
    ended_event: str
