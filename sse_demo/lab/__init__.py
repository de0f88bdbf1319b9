"""What only the notebooks need: live widgets, checks of exercises, the score board (``pip install sse-demo[lab]``).

Each name is loaded when it is asked for: a lesson loads what it shows, and no other lesson's.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from . import check

#: The public names, each with its module.
_HOME_OF = {
    "serve_answers": ".answers",
    "TimeLine": ".time_line",
    "arrivals": ".time_line",
    "Background": ".background",
    "BrowserEvents": ".browser",
    "BrowserPage": ".browser",
    "BufferingProxy": ".buffering_proxy",
    "Buttons": ".buttons",
    "CITIES": ".by_hand",
    "CityStream": ".by_hand",
    "changed": ".by_hand",
    "heard": ".by_hand",
    "LiveChart": ".chart",
    "columns": ".columns",
    "Crowd": ".crowd",
    "CutMap": ".cut_slider",
    "CutSlider": ".cut_slider",
    "Fault": ".fault_proxy",
    "FaultProxy": ".fault_proxy",
    "feeding_times": ".feeding",
    "gaps": ".gaps",
    "HeartStrip": ".heart_strip",
    "check_installation": ".installation",
    "LiveEvents": ".live",
    "LiveRings": ".live_rings",
    "LogLines": ".log_lines",
    "ask": ".one_request",
    "ProgressLine": ".progress_line",
    "RetryingPublisher": ".retrying_publisher",
    "lagging": ".server_figures",
    "metric": ".server_figures",
    "QUEUES": ".queues",
    "cost_chart": ".queues",
    "Repeat": ".repeat",
    "PARSERS": ".libraries",
    "score_board": ".score",
    "ServerProcess": ".server_process",
    "SideBySide": ".side_by_side",
    "SlowReader": ".slow",
    "RESET": ".small_hub",
    "PublishingThread": ".small_hub",
    "SmallHub": ".small_hub",
    "Subscriber": ".small_hub",
    "numbered": ".small_hub",
    "numbers": ".small_hub",
    "source_of": ".source_of",
    "Speed": ".speed",
    "StillChart": ".still_chart",
    "StopButton": ".stop",
    "Trial": ".trial",
    "LiveVerdicts": ".verdicts",
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
