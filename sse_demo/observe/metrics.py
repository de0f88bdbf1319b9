"""What a server counts, in the form that Prometheus reads.

See https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_DELIVERY_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)

#: Gives a figure; or several, each with the value of its label, or with those of its labels.
Read: TypeAlias = Callable[[], float | Mapping[Any, float]]


class Metrics:
    """The figures of one server. Each has a registry of its own, so that several servers can live in one process.

    Attributes:
        registry: All figures, for those who add some of their own.
        delivered: Events written to a subscriber.
        sent_bytes: Bytes of events written.
        refused: Subscribers and events refused, by reason.
        closed: Streams closed by the server, by reason.
        connections: Gives how many connections of any kind are open. Who serves them sets it.
        resets: Subscribers told that events are missing, by reason.
        delivery_seconds: Seconds from the append to the log until an event is written to all who have caught up.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.delivered = self.sent_bytes = 0
        self.counter("sse_delivered", "Events written to a subscriber", lambda: self.delivered)
        self.counter("sse_sent_bytes", "Bytes of events written", lambda: self.sent_bytes)
        self.refused = Counter("sse_refused", "Subscribers and events refused", ["reason"], registry=self.registry)
        self.closed = Counter("sse_closed", "Streams closed by the server", ["reason"], registry=self.registry)
        self.connections: Callable[[], int] = lambda: 0
        self.gauge("sse_connections", "Connections of any kind that are open", lambda: self.connections())
        self.resets = Counter(
            "sse_resets", "Subscribers told that events are missing", ["reason"], registry=self.registry
        )
        self.delivery_seconds = Histogram(
            "sse_delivery_seconds",
            "From the append to the log until an event is written to all who have caught up",
            buckets=_DELIVERY_SECONDS,
            registry=self.registry,
        )

    def gauge(self, name: str, description: str, read: Read, labels: Sequence[str] = ("reason",)) -> None:
        """Add a figure that goes up and down, and is read when somebody asks for it.

        Args:
            name: Such as ``sse_subscribers``.
            description: What the figure is, with its unit.
            read: Gives the figure, or one figure for each value of the labels. It may be called from any thread.
            labels: What the keys are, where ``read`` gives several figures.

        Raises:
            ValueError: There is a figure of this name already.
        """
        self.registry.register(_Read(GaugeMetricFamily, name, description, read, labels))

    def counter(self, name: str, description: str, read: Read, labels: Sequence[str] = ("reason",)) -> None:
        """Add a figure that only goes up, and is read when somebody asks for it.

        A ``Counter`` of Prometheus takes a lock for each step. A program that counts in one thread has a plain number
        instead, and gives it here.

        Args:
            name: Such as ``sse_delivered``, which is shown as ``sse_delivered_total``.
            description: What the figure is, with its unit.
            read: Gives the figure, or one figure for each value of the labels. It may be called from any thread.
            labels: What the keys are, where ``read`` gives several figures.

        Raises:
            ValueError: There is a figure of this name already.
        """
        self.registry.register(_Read(CounterMetricFamily, name, description, read, labels))

    def text(self) -> bytes:
        """All figures, as the content type :data:`CONTENT_TYPE`."""
        return generate_latest(self.registry)


class _Read(Collector):
    """A figure whose value somebody else keeps."""

    def __init__(
        self,
        family: type[CounterMetricFamily | GaugeMetricFamily],
        name: str,
        description: str,
        read: Read,
        labels: Sequence[str],
    ) -> None:
        self._family = family
        self._name = name
        self._description = description
        self._read = read
        self._labels = labels

    def describe(self) -> Iterator[Metric]:
        """The family without a value: how the registry finds out whether its name is taken."""
        yield self._family(self._name, self._description)

    def collect(self) -> Iterator[Metric]:
        value = self._read()
        if not isinstance(value, Mapping):
            yield self._family(self._name, self._description, value=value)
            return
        family = self._family(self._name, self._description, labels=self._labels)
        for key, figure in value.items():
            family.add_metric([key] if isinstance(key, str) else key, figure)
        yield family
