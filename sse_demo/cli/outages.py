"""What ``listen`` tells on stderr while a stream is waited for."""

from __future__ import annotations

from ..client.connections import nobody_there, nothing_answers
from ..client.ready_state import ReadyState, StateChange
from . import output


class Outages:
    """Tells of each outage once, and not of a response that ends in order.

    Args:
        url: The address as it may be shown.
        patient: Whether the waits grow.
    """

    def __init__(self, url: str, *, patient: bool) -> None:
        self._url = url
        self._patient = patient
        self._open = self._told = False

    def see(self, change: StateChange) -> None:
        """Look at a change of the stream's state."""
        was_open, self._open = self._open, change.state is ReadyState.OPEN
        if self._open:
            self._told = False
        elif change.state is ReadyState.CONNECTING and not self._told and not (was_open and change.error is None):
            self._told = True
            again = "each time after a longer wait" if self._patient else f"every {change.wait:.3g} s"
            output.tell(f"{self._trouble(change, was_open)}; trying again {again} (Ctrl-C stops)")

    def _trouble(self, change: StateChange, was_open: bool) -> str:
        if nobody := nobody_there(change.error):
            return nothing_answers(self._url, nobody)
        return f"the connection to {self._url} was lost" if was_open else f"{self._url}: {change.reason}"
