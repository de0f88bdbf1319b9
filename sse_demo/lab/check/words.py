"""``Words``: what a check says in its own words, which a report shows as they are."""

from __future__ import annotations


class Words(str):
    """A text that a report shows without quotes."""

    __slots__ = ()
    __repr__ = str.__str__
