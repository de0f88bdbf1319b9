"""``Exercise``: a check of an answer, which remembers that it has been passed."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Generic, ParamSpec

from ..progress import remember
from ..views.report import Report

Answer = ParamSpec("Answer")


class Exercise(Generic[Answer]):
    """A check. Call it with the learner's answer; where all is right, the index of the course shows it from then on.

    Args:
        check: Takes the answer, and reports on it.
    """

    __name__: str  # that of the check

    def __init__(self, check: Callable[Answer, Report]) -> None:
        self._check = check
        update_wrapper(self, check)

    @property
    def name(self) -> str:
        """The lesson and the exercise, such as ``wire_format.encode``."""
        return f"{self._check.__module__.rpartition('.')[2]}.{self._check.__name__}"

    def __call__(self, *args: Answer.args, **kwargs: Answer.kwargs) -> Report:
        """What is right in the learner's answer, and what is still missing."""
        report = self._check(*args, **kwargs)
        if report.passed:
            report.note = remember(self.name)
        return report

    def solution(self, *args: Answer.args, **kwargs: Answer.kwargs) -> Report:
        """The same for the solution of the course, which does not count as the learner's."""
        return self._check(*args, **kwargs)
