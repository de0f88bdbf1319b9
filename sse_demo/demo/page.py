"""The demo page, and the shortest answer there is."""

from __future__ import annotations

from pathlib import Path

from ..web.handlers import Handler
from ..web.origins import frame_ancestors

PAGE = Path(__file__).with_name("page.html")


class PageHandler(Handler):
    """The demo page: the browser's own EventSource."""

    needs = "nothing"  # whoever is to log in needs a page for it

    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Security-Policy", frame_ancestors(self.service.settings.allow_origins))
        self.write(PAGE.read_bytes())


class PingHandler(Handler):
    """Answers ``{"message": "pong"}``."""

    def get(self) -> None:
        self.write({"message": "pong"})
