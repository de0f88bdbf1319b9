"""``score_board``: which rules of the standard each of several parsers breaks, as a table.

What a parser may be, and how it is judged: :mod:`sse_demo.lab.lessons.wire_format.judge`.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from ...deadline import within
from ...look import GOOD, QUIET, WAITING, WRONG
from ...views.report import PATIENCE
from .judge import Contestant, Departure, Verdict, in_short, in_words, judge
from .rules import RULES


def score_board(contestants: Mapping[str, Contestant]) -> ScoreBoard:
    """Find out which rules each contestant breaks.

    Args:
        contestants: By name.
    """
    verdicts = {}
    for name, contestant in contestants.items():
        try:
            verdicts[name] = within(2 * PATIENCE, judge, contestant)
        except TimeoutError as error:
            late = Departure(RULES[0], RULES[0].cases[0], str(error))
            verdicts[name] = Verdict({RULES[0].name: late}, frozenset())
    return ScoreBoard(verdicts)


class ScoreBoard:
    """A table of the rules that are broken, with the shortest bytes that show it, and by whom.

    Args:
        verdicts: By the name of the contestant, what :func:`judge` has found.

    Attributes:
        broken: How many rules each contestant breaks, by its name. ``None`` where it reads no event at all.
    """

    def __init__(self, verdicts: Mapping[str, Verdict]) -> None:
        self.verdicts = dict(verdicts)
        self.broken = {
            name: len(verdict.departures) if verdict.reads_something else None for name, verdict in verdicts.items()
        }

    def __getitem__(self, name: str) -> Departures:
        """All that one contestant does differently."""
        return Departures(name, list(self.verdicts[name].departures.values()))

    def _rules(self) -> dict[str, Departure]:
        """Each rule that is broken by somebody, with the shortest proof; in the order of the rules."""
        shortest: dict[str, Departure] = {}
        order = [rule.name for rule in RULES]
        for name, verdict in self.verdicts.items():
            for key, departure in verdict.departures.items():
                known = shortest.get(key)
                if self.broken[name] is not None and not (known and known.case.size <= departure.case.size):
                    shortest[key] = departure
        return dict(sorted(shortest.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order)))

    def _count(self, name: str, about_cuts: bool) -> str:
        verdict = self.verdicts[name]
        if self.broken[name] is None:
            return "no event"
        return str(sum(one.rule.is_about_cuts == about_cuts for one in verdict.departures.values()))

    def _mark(self, name: str, key: str) -> str:
        verdict = self.verdicts[name]
        if key in verdict.departures and self.broken[name] is not None:
            return "broken"
        return "kept" if key in verdict.asked and self.broken[name] is not None else "not asked"

    def __repr__(self) -> str:
        width = max(len(name) for name in self.verdicts)
        lines = [f"{'':{width}}  {_HEADS[False]}; {_HEADS[True]}"]
        lines += [f"{name:{width}}  {self._count(name, False)}; {self._count(name, True)}" for name in self.verdicts]
        for key, departure in self._rules().items():
            who = [name for name in self.verdicts if self._mark(name, key) == "broken"]
            lines += ["", departure.rule.text, f"  {in_short(departure.case)}", f"  {', '.join(who)}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(
            f'<th style="text-align:center;padding:4px">{escape(name).replace("-", "-<wbr>")}</th>'
            for name in self.verdicts
        )
        counts = "".join(
            f'<tr><td style="{_RULE}">{_HEADS[about_cuts]}</td>'
            + "".join(_number(self._count(name, about_cuts)) for name in self.verdicts)
            + "</tr>"
            for about_cuts in (False, True)
        )
        rows = "".join(
            f'<tr><td style="{_RULE}">{escape(departure.rule.text)}<br>{_code(in_short(departure.case))}</td>'
            + "".join(_MARKS[self._mark(name, key)] for name in self.verdicts)
            + "</tr>"
            for key, departure in self._rules().items()
        )
        return f"<table><tr><th></th>{head}</tr>{counts}{rows}</table>"


class Departures:
    """What one contestant does differently: a row for each rule that it breaks.

    Args:
        name: Of the contestant.
        departures: What :func:`judge` has found.
    """

    def __init__(self, name: str, departures: list[Departure]) -> None:
        self.name = name
        self.departures = departures

    def __repr__(self) -> str:
        lines = [self.name]
        for one in self.departures:
            lines += ["", one.rule.text, f"  {in_short(one.case)}"]
            lines += [f"  the standard: {in_words(one.case.events)}", f"  {self.name}: {in_words(one.got)}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="{_LEFT}">{escape(one.rule.text)}<br>{_code(in_short(one.case))}</td>'
            f'<td style="{_LEFT}">{_code(in_words(one.case.events))}</td>'
            f'<td style="{_LEFT}">{_code(in_words(one.got))}</td></tr>'
            for one in self.departures
        )
        heads = "".join(f'<th style="{_LEFT}">{escape(head)}</th>' for head in ("", "the standard", self.name))
        return f"<table><tr>{heads}</tr>{rows}</table>"


_HEADS = {
    about_cuts: f"of {sum(rule.is_about_cuts == about_cuts for rule in RULES)} rules about {what}, it breaks"
    for about_cuts, what in {False: "what is in the stream", True: "where a chunk may end"}.items()
}
_LEFT = "text-align:left;overflow-wrap:anywhere"
_RULE = f"{_LEFT};min-width:13em"
_MARKS = {
    mark: f'<td title="{mark}" style="padding:4px;text-align:center;color:{color};font-weight:600">{sign}</td>'
    for mark, color, sign in (
        ("kept", GOOD, "✓"),
        ("broken", WRONG, "✗"),
        ("not asked", QUIET, "-"),
    )
}


def _number(count: str) -> str:
    color = {"0": GOOD}.get(count, WRONG if count.isdigit() else WAITING)
    return f'<td style="padding:4px;text-align:center;color:{color};font-weight:600">{count}</td>'


def _code(text: str) -> str:
    return f'<code style="overflow-wrap:anywhere;white-space:pre-wrap">{escape(text)}</code>'
