"""Two pages for the learner's browser: one of a stranger, and one that tries each way to tell who asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from ....web.handlers import Handler
from ....web.origins import frame_ancestors
from ....web.routing import Route
from ...look import GOOD, QUIET, WAITING, WRONG

_COLORS = {"GOOD": GOOD, "QUIET": QUIET, "WAITING": WAITING, "WRONG": WRONG}


def strangers_page(reads: str) -> Route:
    """The page ``/kittens`` of somebody else. It shows what it could read.

    Args:
        reads: The address of a stream of another server.
    """
    return Route("/kittens", _page("kittens.html", READS=reads))


def three_ways(token: Callable[[], str]) -> list[Route]:
    """The page ``/ways``, which reads the topic ``prices`` of its own server in each way that there is.

    Args:
        token: Gives a new token for whoever uses the page. It stands for a login, of which the lesson speaks later.
    """

    class LoginHandler(Handler):
        needs = "nothing"

        def post(self) -> None:
            self.set_header("Cache-Control", "no-store")
            self.write({"token": token()})

    return [Route("/ways", _page("ways.html")), Route("/login", LoginHandler)]


def _page(name: str, **values: str) -> type[Handler]:
    text = Path(__file__).with_name(name).read_text("utf-8")
    for key, color in _COLORS.items():
        text = text.replace(f"${key}", color)
    for key, value in values.items():
        # As JavaScript, in which no text can end the script.
        text = text.replace(f"${key}", json.dumps(value).replace("<", "\\u003c"))

    class PageHandler(Handler):
        needs = "nothing"

        def get(self) -> None:
            self.set_header("Content-Type", "text/html; charset=utf-8")
            self.set_header("Cache-Control", "no-cache")
            self.set_header("Content-Security-Policy", frame_ancestors(self.service.settings.allow_origins))
            self.write(text)

    return PageHandler
