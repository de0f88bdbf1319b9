"""The lines of standard input, published as they come."""

from __future__ import annotations

import itertools
import sys
import time
import uuid
from collections.abc import Callable

from ..client.connections import nobody_there
from ..client.reconnection import TRANSIENT_STATUSES, Backoff
from ..errors import PublishError, SSEError
from . import output, stdin
from .progress import Progress

WAIT = 0.02  # seconds that a line waits for others
FIRST_PAUSE = 1.0  # seconds before a second try, drawn between nothing and this; the next pauses are longer

#: Publishes the lines under an idempotency key, all or none, and returns their ids.
Send = Callable[[list[str], str], list[str]]


def publish_lines(send: Send, *, name: str | None, tries: int) -> None:
    """Publish each line of standard input, and print the ids, or count them where stdout is a terminal.

    No line is published twice: each batch of lines has an idempotency key, under which it is tried again.

    Args:
        send: How a batch is published.
        name: What the idempotency keys begin with, where the same input may be published again.
        tries: How many tries of a batch may fail.

    Raises:
        SSEError: A batch could not be published, or a line not be read. The error tells how many were published, and
            which line is the reason.
    """
    progress = Progress(stdin.size())
    counts = progress.is_shown and sys.stdout is not None and sys.stdout.isatty()
    beginning = uuid.uuid4().hex if name is None else name
    published = 0
    try:
        for batch in stdin.batches(WAIT if name is None else None):
            ids = _published(batch, send, f"{beginning}-{batch.first}", tries, progress)
            published = batch.last
            if not counts:
                output.say("\n".join(map(output.visible, ids)))
            progress.advance(len(ids), batch.size)
    except (OSError, ValueError) as error:
        raise SSEError(f"{error} (events published: {published:,})") from error
    finally:
        progress.close()


def _published(batch: stdin.Batch, send: Send, name: str, tries: int, progress: Progress) -> list[str]:
    backoff, unknown = Backoff(), False
    for tried in itertools.count(1):
        try:
            return send(batch.lines, name)
        except PublishError as error:
            is_refused = error.status is not None and 400 <= error.status < 500  # and would be known, had it been kept
            unknown = not is_refused and (unknown or nobody_there(error.__cause__) is None)
            is_for_good = error.status is not None and error.status not in TRANSIENT_STATUSES
            if is_for_good or tried == tries:
                raise SSEError(_failure(error, batch, unknown)) from error
            wait = backoff.wait(FIRST_PAUSE, tried)
            progress.clear()
            output.tell(f"{error}; trying again in {wait:.2g} s (Ctrl-C stops)")
            time.sleep(wait)
    raise AssertionError("the loop has no end")


def _failure(error: PublishError, batch: stdin.Batch, unknown: bool) -> str:
    """What has become of the lines."""
    which = f"line {batch.first}" if batch.first == batch.last else f"lines {batch.first} to {batch.last}"
    outcome = f"for {which} it is not known" if unknown else f"none from line {batch.first} on"
    # The server counts the lines of its request.
    where = which if error.line is None else f"line {batch.first + error.line - 1}"
    why = str(error).replace(f"line {error.line}: ", "", 1)
    return f"{where}: {why} (events published: {batch.first - 1:,}; {outcome})"
