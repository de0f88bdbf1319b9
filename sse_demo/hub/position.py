"""Where a subscriber stands: a place in the log, and so in all the topics of a connection at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from ..logs.contract import EventLog, parse_id


class Cursor(NamedTuple):
    """A place in the topics that are not urgent, and one in those that are, which may be further.

    On the wire: ``mark-position``, or ``mark-position-urgent`` where they differ.

    Attributes:
        position: Up to here the subscriber has had the topics that are not urgent.
        urgent: Up to here it has had the urgent ones.
        mark: The mark of the larger position, where they differ.
    """

    position: int
    urgent: int
    mark: str = ""

    @classmethod
    def seek(cls, log: EventLog, topics: Collection[str], last_event_id: str = "", recent: int = 0) -> Cursor | None:
        """Where to start. See :meth:`EventLog.seek`; ``None`` if the log does not know the id."""
        first, _, urgent = last_event_id.rpartition("-")
        mark, behind = parse_id(first)
        if not (mark and urgent):  # one position
            start = log.seek(topics, last_event_id, recent)
            return None if start is None else cls(start, start)
        ahead = log.seek(topics, f"{mark}-{urgent}")
        return None if ahead is None or behind > ahead else cls(behind, ahead, mark)
