"""What a server counts, in the form that Prometheus reads (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_DELIVERY_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """The figures of one server. Each has a registry of its own, so that several servers can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.published = Counter("sse_published", "Events published", registry=self.registry)
        self.delivered = Counter("sse_delivered", "Events written to a subscriber", registry=self.registry)
        self.sent_bytes = Counter("sse_sent_bytes", "Bytes of events written", registry=self.registry)
        self.refused = Counter("sse_refused", "Subscribers and events refused", ["reason"], registry=self.registry)
        self.closed = Counter("sse_closed", "Streams closed by the server", ["reason"], registry=self.registry)
        self.resets = Counter(
            "sse_resets", "Subscribers told that events are missing", ["reason"], registry=self.registry
        )
        self.delivery_seconds = Histogram(
            "sse_delivery_seconds",
            "From the append to the log until an event is written to all who have caught up",
            buckets=_DELIVERY_SECONDS,
            registry=self.registry,
        )

    def gauge(self, name: str, description: str, read: Callable[[], float]) -> None:
        """A figure that is read when it is asked for."""
        Gauge(name, description, registry=self.registry).set_function(read)

    def text(self) -> bytes:
        return generate_latest(self.registry)
