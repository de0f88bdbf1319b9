"""What only the notebooks need: live widgets, checks of exercises, the score board (``pip install sse-demo[lab]``).

Each name is loaded when it is asked for: a lesson loads what it shows, and no other lesson's.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from . import check

#: The public names, each with its module.
_HOME_OF = {
    "serve_answers": ".lessons.ten_messages.answers",
    "TimeLine": ".lessons.server.time_line",
    "arrivals": ".lessons.server.time_line",
    "Background": ".background",
    "BrowserEvents": ".views.browser",
    "BrowserPage": ".views.browser",
    "BufferingProxy": ".lessons.server.buffering_proxy",
    "Buttons": ".views.buttons",
    "CITIES": ".lessons.server.by_hand",
    "CityStream": ".lessons.server.by_hand",
    "changed": ".lessons.server.by_hand",
    "content_type": ".lessons.server.by_hand",
    "heard": ".lessons.server.by_hand",
    "LiveChart": ".views.chart",
    "columns": ".views.columns",
    "Crowd": ".lessons.when_the_line_drops.crowd",
    "OrdersChart": ".lessons.when_the_line_drops.lines",
    "line_buttons": ".lessons.when_the_line_drops.lines",
    "pull": ".lessons.when_the_line_drops.lines",
    "speed_chart": ".lessons.when_the_line_drops.lines",
    "CutMap": ".lessons.wire_format.cut_slider",
    "CutSlider": ".lessons.wire_format.cut_slider",
    "Fault": ".fault_proxy",
    "FaultProxy": ".fault_proxy",
    "feeding_times": ".lessons.wire_format.feeding",
    "gaps": ".gaps",
    "HeartStrip": ".lessons.client.heart_strip",
    "check_installation": ".installation",
    "LiveEvents": ".views.live",
    "LiveRings": ".lessons.service.live_rings",
    "LogLines": ".log_lines",
    "ask": ".one_request",
    "ProgressLine": ".views.progress_line",
    "RetryingPublisher": ".lessons.when_the_line_drops.retrying_publisher",
    "lagging": ".lessons.broadcast.server_figures",
    "behind_chart": ".lessons.broadcast.behind",
    "metric": ".lessons.broadcast.server_figures",
    "wait_for_subscribers": ".lessons.broadcast.server_figures",
    "QUEUES": ".lessons.broadcast.queues",
    "cost_chart": ".lessons.broadcast.queues",
    "Repeat": ".repeat",
    "PARSERS": ".lessons.wire_format.libraries",
    "score_board": ".lessons.wire_format.score",
    "ServerProcess": ".server_process",
    "SideBySide": ".views.side_by_side",
    "SlowReader": ".lessons.broadcast.slow",
    "RESET": ".lessons.broadcast.small_hub",
    "PublishingThread": ".lessons.broadcast.small_hub",
    "SmallHub": ".lessons.broadcast.small_hub",
    "Subscriber": ".lessons.broadcast.small_hub",
    "numbered": ".lessons.broadcast.small_hub",
    "numbers": ".lessons.broadcast.small_hub",
    "source_of": ".views.source_of",
    "Speed": ".lessons.broadcast.speed",
    "StillChart": ".views.still_chart",
    "StopButton": ".views.stop",
    "Trial": ".lessons.choosing_a_transport.trial",
    "LabIssuer": ".lessons.who_may_listen.issuer",
    "ShopPage": ".lessons.who_may_listen.code_flow",
    "bearer": ".lessons.who_may_listen.code_flow",
    "cookie_of": ".lessons.who_may_listen.code_flow",
    "measure_credentials": ".lessons.who_may_listen.costs",
    "SECRET": ".lessons.who_may_listen.by_hand",
    "TOKEN": ".lessons.who_may_listen.by_hand",
    "encoded": ".lessons.who_may_listen.by_hand",
    "decoded": ".lessons.who_may_listen.by_hand",
    "naive_verify": ".lessons.who_may_listen.by_hand",
    "packed": ".lessons.who_may_listen.by_hand",
    "rsa_pair": ".lessons.who_may_listen.by_hand",
    "signed": ".lessons.who_may_listen.by_hand",
    "strangers_page": ".lessons.who_may_listen.pages",
    "three_ways": ".lessons.who_may_listen.pages",
    "try_stolen": ".lessons.who_may_listen.costs",
    "whose": ".lessons.who_may_listen.code_flow",
    "why_refused": ".lessons.who_may_listen.by_hand",
    "LiveVerdicts": ".lessons.client.verdicts",
}

__all__ = ["check", *_HOME_OF]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
