"""What a function logs while it is checked."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def keeping_logs() -> Iterator[list[logging.LogRecord]]:
    """Keep what this thread logs, and print it nowhere."""
    records: list[logging.LogRecord] = []
    thread, call_handlers = threading.get_ident(), logging.Logger.callHandlers
    root, disabled = logging.getLogger(), logging.root.manager.disable
    handlers = root.handlers[:]

    def keep(self: logging.Logger, record: logging.LogRecord) -> None:
        if threading.get_ident() == thread:
            records.append(record)
        else:
            call_handlers(self, record)

    logging.Logger.callHandlers = keep  # type: ignore[method-assign]
    logging.disable(logging.NOTSET)
    try:
        yield records
    finally:
        logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign]
        logging.disable(disabled)
        root.handlers[:] = handlers  # logging.exception() may have added one


def logged(function: Callable[[], object], records: list[logging.LogRecord]) -> str:
    """What the function logs, in words."""
    records.clear()
    function()
    if not records:
        return "nothing"
    if any(record.name == "root" for record in records):
        return "a line of the root logger: logging.exception() is not log.exception()"
    if not all(record.exc_info and record.exc_info[0] for record in records):
        return "a line without a traceback: log.exception() adds it"
    return "1 line with its traceback" if len(records) == 1 else f"{len(records)} lines with their tracebacks"
