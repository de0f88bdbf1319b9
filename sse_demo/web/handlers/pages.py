"""The demo page, and what tells about the service itself."""

from __future__ import annotations

from ...observe.metrics import CONTENT_TYPE
from .base import problem
from .handler import Handler


class NotFoundHandler(Handler):
    def prepare(self) -> None:
        super().prepare()
        if not self._finished:
            raise problem(404, f"there is nothing at {self.request.path}; / shows the demo page")


class HealthHandler(Handler):
    """503 while the server drains, so that a balancer sends nobody here any more."""

    def get(self) -> None:
        draining = self.settings["draining"]
        self.set_status(503 if draining else 200)
        self.write(
            {
                "status": "draining" if draining else "ok",
                "connections": len(self.settings["connections"]),
                "subscribers": len(self.hub),
            }
        )


class MetricsHandler(Handler):
    def get(self) -> None:
        self.set_header("Content-Type", CONTENT_TYPE)
        self.write(self.hub.metrics.text())
