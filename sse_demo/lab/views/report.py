"""``Report``: a short table of what is done and what is still missing.

JupyterLab shows it as HTML. Its text is what a stored output is compared with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import ParamSpec

from ..deadline import Interrupted, within
from ..look import GOOD, WAITING

SHOWN = 200  # characters of a value
PATIENCE = 5.0  # seconds for one row

Arguments = ParamSpec("Arguments")


@dataclass
class Report:
    """What a notebook shows as the value of a cell.

    Attributes:
        title: What the report is about.
        rows: Of each row: whether it is done, what it is about, and a remark, which may be empty.
        note: What else is to be said, or ``""``.
        has_given_up: An answer had to be interrupted. Nothing more is tried: so many rows, so many times to wait.
    """

    title: str
    rows: list[tuple[bool, str, str]] = field(default_factory=list)
    note: str = ""
    has_given_up: bool = False

    @property
    def passed(self) -> bool:
        """Whether there are rows, and all are done."""
        return bool(self.rows) and all(done for done, _, _ in self.rows)

    def add(self, done: bool, what: str, remark: str = "") -> None:
        """Add a row."""
        self.rows.append((done, what, remark))

    def expect(
        self,
        what: str,
        wanted: object,
        answer: Callable[Arguments, object],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> None:
        """Add a row, which is done if a function returns what is wanted.

        An exception of the function becomes the remark of the row. A function that does not return in time is
        interrupted, and the rows after it say that they have not been tried.

        Args:
            what: What the row is about.
            wanted: What the function must return.
            answer: The function.
            args: Its arguments.
            kwargs: Its arguments by name.
        """
        if self.has_given_up:
            self.add(False, what, "not tried any more")
            return
        try:
            got = within(PATIENCE, answer, *args, **kwargs)
            remark = "" if got == wanted else f"expected {_short(wanted)}, got {_short(got)}"
        except Interrupted as error:
            self.has_given_up = True
            remark = f"expected {_short(wanted)}, but {error}"
        except (Exception, SystemExit) as error:  # whatever a learner's code raises
            remark = f"expected {_short(wanted)}, but it raised {type(error).__name__}: {error}"
        self.add(not remark, what, remark)

    @property
    def headline(self) -> str:
        """The title, and how many rows are done."""
        done = sum(done for done, _, _ in self.rows)
        return f"{self.title}: {'passed' if self.passed else 'still missing'} ({done} of {len(self.rows)} done)"

    def __repr__(self) -> str:
        lines = [self.headline]
        for done, what, remark in self.rows:
            lines.append(f"  {'ok     ' if done else 'missing'}  {what}")
            lines += [f"           {remark}"] if remark else []
        lines += [f"  {self.note}"] if self.note else []
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="color:{GOOD if done else WAITING};font-weight:600">{"ok" if done else "missing"}</td>'
            f'<td style="text-align:left">{escape(what)}'
            + (f'<br><code style="font-size:90%">{escape(remark)}</code>' if remark else "")
            + "</td></tr>"
            for done, what, remark in self.rows
        )
        color = GOOD if self.passed else WAITING
        head = f'<div style="color:{color};font-weight:600">{escape(self.headline)}</div>'
        return f"{head}<table>{rows}</table>{escape(self.note)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 2]} …"
