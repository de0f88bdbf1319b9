"""The access log: one line of JSON for each answer, and for each stream whose right has ended."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

_logger = logging.getLogger("sse_demo.access")


def is_logged() -> bool:
    """Whether anybody reads it."""
    return _logger.isEnabledFor(logging.INFO)


def log_line(fields: Mapping[str, object]) -> None:
    """Log one line, with the time. It has no secret, and nothing of a query, which may hold one."""
    if is_logged():
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        _logger.info(json.dumps({"time": time, **fields}))
