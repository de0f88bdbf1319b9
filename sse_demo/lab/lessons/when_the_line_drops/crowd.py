"""``Crowd``: clients that have lost their server at the same moment, and come back. A simulation, in no time at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from heapq import heapify, heappop, heappush

from ...look import OTHER, OURS, QUIET
from ...views.still_chart import StillChart

Rule = Callable[[int], float]

SINCE = "seconds since the clients lost their server"
BAR = 0.25  # seconds
LINES = ((OTHER, "-"), (QUIET, "--"), (OURS, "-"))  # of the rules, in their order


class Crowd:
    """Clients that lose their server at the moment 0. Each tries to come back until it has succeeded.

    Args:
        wait: The rule: takes how many tries of a client have failed, the lost connection included, and returns the
            seconds until its next try.
        clients: How many there are.
        down: The seconds until a new server is there.
        capacity: How many clients the new server takes in each second. It refuses the others.

    Attributes:
        tries: The moments of all tries, in seconds.
        back: The moments at which clients came back, in seconds.
        down: The argument.
        capacity: The argument.
    """

    def __init__(self, wait: Rule, *, clients: int = 1_000, down: int = 10, capacity: int = 50) -> None:
        self.down, self.capacity = down, capacity
        self.tries: list[float] = []
        self.back: list[float] = []
        taken: Counter[int] = Counter()
        coming = [(wait(1), 1) for _ in range(clients)]  # the moment of a client's next try, and which one it is
        heapify(coming)
        while coming:
            now, number = heappop(coming)
            self.tries.append(now)
            if now >= down and taken[int(now)] < capacity:
                taken[int(now)] += 1
                self.back.append(now)
            else:
                heappush(coming, (now + wait(number + 1), number + 1))

    def __repr__(self) -> str:
        return (
            f"Crowd({self.at_new_server:,} tries at the new server, at most {self.worst:,} in {BAR:g} s, "
            f"the last client back after {self.last:,.0f} s)"
        )

    @property
    def at_new_server(self) -> int:
        """How many tries the new server has had, the successful ones included."""
        return sum(moment >= self.down for moment in self.tries)

    @property
    def worst(self) -> int:
        """The most tries that the new server has had in a quarter of a second."""
        return max(self._each().values(), default=0)

    @property
    def last(self) -> float:
        """The seconds until the last client was back."""
        return max(self.back, default=0.0)

    def _each(self) -> Counter[int]:
        """The tries at the new server, by the number of the quarter of a second."""
        return Counter(int(moment / BAR) for moment in self.tries if moment >= self.down)

    @classmethod
    def table(cls, crowds: Mapping[str, Crowd]) -> str:
        """What each rule has come to, as text: the load of the new server, and how long the clients were away."""
        width = max(map(len, crowds)) + 2
        lines = [
            f"{'':{width}}{'tries with':>11}{'tries at the':>14}{'at most in':>12}{'half are':>10}{'all are':>9}",
            f"{'':{width}}{'no server':>11}{'new server':>14}{f'{BAR:g} s':>12}{'back':>10}{'back':>9}",
        ]
        for name, crowd in crowds.items():
            half = sorted(crowd.back)[(len(crowd.back) - 1) // 2]
            away = len(crowd.tries) - crowd.at_new_server
            lines.append(
                f"{name:{width}}{away:11,}{crowd.at_new_server:14,}{crowd.worst:12,}"
                f"{f'{half:,.0f} s':>10}{f'{crowd.last:,.0f} s':>9}"
            )
        return "\n".join(lines)

    @classmethod
    def draw_tries(cls, crowds: Mapping[str, Crowd], until: int = 80) -> StillChart:
        """How many tries the new server has in each quarter of a second: a row for each rule, with a scale of its own.

        Args:
            crowds: By the name of the rule.
            until: The end of the axis, in seconds.
        """
        title = "tries at the new server, in each quarter of a second"
        chart = StillChart(title, x=SINCE, rows=len(crowds), height=1.7)
        for row, (name, crowd) in zip(chart.rows, crowds.items(), strict=True):
            each = {bar * BAR: count for bar, count in crowd._each().items() if bar * BAR < until}
            row.bar(list(each), list(each.values()), width=BAR, align="edge", color=OURS)
            row.axvspan(0, crowd.down, color=QUIET, alpha=0.15, linewidth=0)
            row.text(crowd.down / 2, 0.5, "no server", transform=row.get_xaxis_transform(), ha="center", color=QUIET)
            row.set_ylabel(f"tries in {BAR:g} s")
            row.set_ylim(0, 1.3 * max(crowd.worst, 1))
            row.set_xlim(0, until)
            said = f"{name}: {crowd.at_new_server:,} tries, at most {crowd.worst:,} in {BAR:g} s"
            row.text(0.995, 0.97, said, transform=row.transAxes, ha="right", va="top", weight="bold", color=OURS)
        return chart

    @classmethod
    def draw_back(cls, crowds: Mapping[str, Crowd], until: int = 80) -> StillChart:
        """How many clients are back: a line for each rule.

        Args:
            crowds: By the name of the rule.
            until: The end of the axis, in seconds.
        """
        chart = StillChart("clients that are back", x=SINCE, y="clients")
        for number, (name, crowd) in enumerate(crowds.items()):
            color, style = LINES[number % len(LINES)]
            moments = [crowd.down, *sorted(crowd.back)]
            label = f"{name}, with {crowd.at_new_server:,} tries: all are back after {crowd.last:,.0f} s"
            chart.axes.step(
                [*moments, max(until, crowd.last)], [*range(len(moments)), len(crowd.back)], where="post", label=label,
                color=color, linestyle=style,
            )  # fmt: skip
        chart.axes.set_xlim(0, until)
        chart.axes.set_ylim(0, None)
        chart.axes.legend(loc="center right", bbox_to_anchor=(1.0, 0.42), frameon=False, labelcolor=QUIET)
        return chart
