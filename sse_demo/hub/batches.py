"""A run of entries, cut into what is written at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..logs.contract import Entry


def batches(entries: Iterable[Entry], size: float) -> Iterator[list[Entry]]:
    """Cut a run of entries so that what a full socket refuses, and is copied for it, stays small.

    Args:
        entries: In their order.
        size: Bytes of a batch. Its last entry may go beyond them.
    """
    batch: list[Entry] = []
    left = size
    for entry in entries:
        batch.append(entry)
        left -= len(entry.wire)
        if left <= 0:
            yield batch
            batch, left = [], size
    if batch:
        yield batch
