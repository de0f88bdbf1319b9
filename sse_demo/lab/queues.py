"""``QUEUES``: the usual broadcast server, with a queue and a task for each subscriber, to be measured."""

from __future__ import annotations

import sys
from pathlib import Path

from ..bench import Target

SERVER = Path(__file__).with_name("queue_server.py")


def _command(port: int) -> list[str]:
    return [sys.executable, str(SERVER), str(port)]


QUEUES = Target("a queue for each", _command, "/", "/")
