import re

import pytest

from sse_demo.lab import LiveChart
from sse_demo.lab.views.chart import nice_ticks


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setattr("sse_demo.lab.views.chart.SAMPLE", 0.01)


def test_it_draws_a_line_for_each_figure_and_goes_on(often, eventually):
    calls = []
    chart = LiveChart("behind <i>", {"quick": lambda: 0, "slow & steady": lambda: calls.append(1) or len(calls)})
    eventually(lambda: len(calls) > 3)
    chart.stop()
    assert chart.html.count("<polyline") == 2
    assert "behind &lt;i&gt;" in chart.html
    assert f"slow &amp; steady <b>{len(calls)}</b>" in chart.html
    assert not chart._sampling._thread.is_alive()
    assert repr(chart) == "LiveChart('behind <i>': quick, slow & steady)"


def test_an_error_is_shown(often, eventually):
    chart = LiveChart("broken", {"x": lambda: 1 / 0})
    eventually(lambda: "ZeroDivisionError" in chart.html)
    chart.stop()


def test_only_so_much_is_kept():
    chart = LiveChart("short", {"x": lambda: 1}, seconds=1)
    chart.stop()
    assert chart.samples.maxlen == 5


def test_both_axes_have_ticks_and_units_and_lines_differ_without_colours():
    chart = LiveChart("load", {"a": lambda: 363, "b": lambda: 363}, "a second", seconds=20, colors={"b": "#123456"})
    chart.stop()
    chart._sample()
    assert "<b>load</b>, a second" in chart.html
    assert re.findall(r">([\d,.]+)</text>", chart.html) == ["0", "100", "200", "300", "400"]
    assert re.findall(r">(now|-\d+)</text>", chart.html) == ["now", "-5", "-10", "-15", "-20"]
    assert "seconds ago" in chart.html
    strokes = re.findall(
        r'<polyline points="[^"]*" stroke="([^"]*)" stroke-width="2" stroke-dasharray="([^"]*)"', chart.html
    )
    assert len({color for color, _ in strokes}) == len({dash for _, dash in strokes}) == 2
    assert strokes[1][0] == "#123456"


@pytest.mark.parametrize("highest", [0.003, 0.7, 1, 3, 9.9, 10, 11, 99, 101, 12345, 7e6])
def test_ticks_are_few_and_round_and_reach_the_highest(highest):
    ticks = nice_ticks(highest)
    assert ticks[0] == 0
    assert ticks[-2] < highest <= ticks[-1] * (1 + 1e-9)
    assert 3 <= len(ticks) <= 5


def test_nothing_has_ticks_too():
    assert nice_ticks(0) == [0, 1]
