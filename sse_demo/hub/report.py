"""How a thread that appends tells of errors."""

from __future__ import annotations

import logging
import threading


def report(logger: logging.Logger, message: str, error: BaseException) -> None:
    """Log an error in a thread of its own.

    Who logs takes locks of others. A thread that appends must not wait for them: their owner may be publishing.
    """
    details = (type(error), error, error.__traceback__)
    threading.Thread(target=logger.error, args=(message,), kwargs={"exc_info": details}, daemon=True).start()
