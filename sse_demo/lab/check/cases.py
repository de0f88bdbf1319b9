"""One row of a report for several cases, so that a report that is all right is short."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..views.report import Report

Case = tuple[object, Callable[[], object]]  # what is wanted, and what gives it


class Interrupt(KeyboardInterrupt):
    """What a handler of a check raises. That somebody stops the check is another exception."""


class Exit(SystemExit):
    """The same, of a handler that ends the program."""


def expect_all(report: Report, what: str, cases: Mapping[str, Case]) -> None:
    """Add one row for several cases. Its remark is of the first case that is not as it is wanted."""
    for case, (wanted, answer) in cases.items():
        single = Report("", has_given_up=report.has_given_up)
        single.expect(case, wanted, partial(_uninterrupted, answer))
        report.has_given_up = single.has_given_up
        if not single.passed:
            report.add(False, what, f"{case}: {single.rows[0][2]}")
            return
    report.add(True, what)


def _uninterrupted(answer: Callable[[], object]) -> object:
    try:
        return answer()
    except (Interrupt, Exit):
        raise RuntimeError("a handler of an earlier dispatcher was called") from None


def finished(got: Any) -> Any:
    """What a function has returned, unless it is a coroutine, which has done nothing yet."""
    if inspect.iscoroutine(got):
        got.close()
        raise TypeError("it returns a coroutine: write def, and not async def")
    return got
