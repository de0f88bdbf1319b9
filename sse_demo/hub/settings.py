"""What a hub takes from publishers, and what it does for subscribers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import SystemRandom

from ..fields import Checked, KiB, MiB, seconds, whole
from ..logs.retention import Retention
from .topics import TopicKinds

_random = SystemRandom()  # a seed of Python's own belongs to the program around us


@dataclass(frozen=True, kw_only=True)
class HubLimits(Checked):
    """The limits and intervals of a hub.

    Attributes:
        max_event_size: Bytes of one event on the wire. For a state, of its snapshot and of each patch.
        max_waiting: Publications that wait for the log. One more is refused with 503.
        max_waiting_bytes: Their bytes, likewise.
        max_burst: Events that wait for the event loop. A thread that publishes more at once waits until they are
            delivered.
        burst_bytes: Their bytes, likewise.
        max_subscribers_per_topic: Subscribers of one topic; one more is refused with 503.
        max_connection_age: Age at which a stream is ended, give or take a tenth; its client soon comes back. Behind a
            balancer, this is what moves connections to a new server.
        max_lag: Time that a subscriber may lag behind. Then it is closed, and resumes by its last event id.
        max_stall: Time in which a subscriber that lags must take the batch it was given; else it is closed, too.
        heartbeat: Time between the comments that keep an idle stream alive.
        batch_delay: Time to wait for more events before a batch goes out; 0 sends at once.
        read_batch: Bytes that a subscriber which lags is given from the log at a time.
    """

    max_event_size: int | float = whole(1 * MiB)
    max_waiting: int | float = whole(10_000)
    max_waiting_bytes: int | float = whole(64 * MiB)
    max_burst: int | float = whole(1_000)
    burst_bytes: int | float = whole(4 * MiB)

    max_subscribers_per_topic: int | float = whole(10_000)
    max_connection_age: float = seconds(math.inf)
    max_lag: float = seconds(300.0)
    max_stall: float = seconds(60.0)
    heartbeat: float = seconds(15.0)
    batch_delay: float = seconds(0.0, zero=True)
    read_batch: int | float = whole(64 * KiB)

    def draw_connection_age(self) -> float:
        """Seconds after which a stream is to be ended: ``max_connection_age``, give or take a tenth.

        So the clients that came together do not all leave together.
        """
        return self.max_connection_age * _random.uniform(0.9, 1.1)


@dataclass(frozen=True, kw_only=True)
class HubSettings(Retention, TopicKinds, HubLimits):
    """All that a hub is told: its own limits, the kinds of its topics, and what its log keeps."""
