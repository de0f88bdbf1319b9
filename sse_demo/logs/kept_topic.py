"""What a log in memory keeps of one topic. Readers need no lock."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator

from .contract import Entry, Snapshot

MANY_GONE = 64  # places of entries that are gone, before the lists of a topic are made anew


class KeptTopic:
    """The entries of one topic in the order of their positions, and its snapshot.

    An entry that is gone leaves ``None`` behind, until there are many of them. Then the lists are made anew, and a
    reader goes on with those that it has.
    """

    __slots__ = ("_first", "_keys", "_rows", "count", "dropped_up_to", "name", "snapshot")

    def __init__(self, name: str, dropped_up_to: int) -> None:
        self.name = name
        self.count = 0  # of entries
        self.dropped_up_to = dropped_up_to
        self.snapshot: Snapshot | None = None
        self._rows: tuple[array[int], list[Entry | None]] = (array("q"), [])  # positions, entries
        self._first = 0  # no entry is before this place
        self._keys: dict[str, int] = {}  # the place of the entry with this key

    @property
    def first(self) -> Entry | None:
        """The oldest entry."""
        _, entries = self._rows
        while self._first < len(entries):
            if (entry := entries[self._first]) is not None:
                return entry
            self._first += 1
        return None

    @property
    def oldest(self) -> int | None:
        """The position of the oldest that there is, an entry or a snapshot."""
        if first := self.first:
            return first.position
        return self.snapshot.position if self.snapshot else None

    @property
    def ageing(self) -> int | None:
        """The position of the oldest entry, where it is one that can become too old."""
        first = self.first
        return first.position if first and first.key is None else None

    def add(self, entry: Entry) -> Entry | None:
        """Add an entry at the end. Returns the one with the same key, which it has replaced."""
        positions, entries = self._rows
        replaced = None
        place = len(entries)
        entries.append(entry)
        positions.append(entry.position)
        self.count += 1
        if entry.key is not None:
            before = self._keys.get(entry.key)
            self._keys[entry.key] = place
            if before is not None:
                replaced, entries[before] = entries[before], None
                self.count -= 1
                self._compact()
        return replaced

    def drop_first(self) -> Entry:
        """Drop the oldest entry, and return it. There must be one."""
        entry = self.first
        assert entry is not None
        self.dropped_up_to = entry.position
        _, entries = self._rows
        entries[self._first] = None
        self.count -= 1
        if entry.key is not None:
            del self._keys[entry.key]
        self._compact()
        return entry

    def after(self, position: int) -> Iterator[Entry]:
        """The entries after a position, in order."""
        positions, entries = self._rows
        for place in range(bisect_right(positions, position), len(entries)):
            if (entry := entries[place]) is not None:
                yield entry

    def newest_first(self) -> Iterator[Entry]:
        """All entries, the newest first."""
        _, entries = self._rows
        for place in range(len(entries) - 1, -1, -1):
            if (entry := entries[place]) is not None:
                yield entry

    def _compact(self) -> None:
        _, entries = self._rows
        if len(entries) - self.count > self.count + MANY_GONE:
            left: list[Entry | None] = [entry for entry in entries if entry]
            self._rows = array("q", (entry.position for entry in left if entry)), left
            self._first = 0
            self._keys = {entry.key: place for place, entry in enumerate(left) if entry and entry.key is not None}
