"""What tells about the service itself, and the answer of an address that has none."""

from __future__ import annotations

from ...observe.metrics import CONTENT_TYPE
from ..problems import problem
from .handler import Handler


class NotFoundHandler(Handler):
    """404, for any method. Only ``OPTIONS *`` asks about no address, but about the server (RFC 9110, 9.3.7)."""

    def prepare(self) -> None:
        super().prepare()
        if not self._finished and (self.request.method, self.request.path) != ("OPTIONS", "*"):
            raise problem(404, f"there is nothing at {self.request.path}")

    def options(self, *args: str, **kwargs: str) -> None:
        self.set_status(204)
        self.set_header("Allow", ", ".join(self.SUPPORTED_METHODS))


class HealthHandler(Handler):
    """Tells whether clients may be sent here: 503 says to a balancer that they may not.

    How many clients there are is told to those who may see the metrics.
    """

    needs = "nothing"

    def get(self) -> None:
        condition = self.service.condition
        self.set_status(200 if condition == "ok" else 503)
        figures = {"connections": len(self.service.connections), "subscribers": self.hub.subscribers}
        self.write({"status": condition, **(figures if self.identity.may("metrics") else {})})


class ReadyHandler(Handler):
    """Tells whether more clients may be sent here: 503 also where all event streams are taken."""

    needs = "ready"

    def get(self) -> None:
        condition = self.service.condition
        if condition == "ok" and self.service.is_full:
            condition = "full"
        self.set_status(200 if condition == "ok" else 503)
        self.write({"status": "ready" if condition == "ok" else condition})


class MetricsHandler(Handler):
    """The figures of the service, for Prometheus."""

    needs = "metrics"

    def get(self) -> None:
        self.set_header("Content-Type", CONTENT_TYPE)
        self.write(self.hub.metrics.text())
