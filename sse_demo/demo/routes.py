"""The addresses of the demo."""

from __future__ import annotations

from ..web.routing import Route
from .page import PageHandler, PingHandler
from .ten_messages import TenMessagesHandler

DEMO = (
    Route("/", PageHandler),
    Route("/stream", TenMessagesHandler),
    Route("/ping", PingHandler),
)
