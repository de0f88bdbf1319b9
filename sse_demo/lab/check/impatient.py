"""``ImpatientReport``: a report that waits only once for an answer that does not end."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

from ..views.report import Report

Arguments = ParamSpec("Arguments")
INTERRUPTED = "still running"  # in the remark of a row


class ImpatientReport(Report):
    """A report that tries nothing more once an answer had to be interrupted: so many rows, so many times to wait."""

    def expect(
        self,
        what: str,
        wanted: object,
        answer: Callable[Arguments, object],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> None:
        """Add a row, as in any report."""
        if any(INTERRUPTED in remark for _, _, remark in self.rows):
            self.add(False, what, "not tried any more")
        else:
            super().expect(what, wanted, answer, *args, **kwargs)
