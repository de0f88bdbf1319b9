import pytest

from sse_demo.lab import LiveChart


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setattr("sse_demo.lab.chart.SAMPLE", 0.01)


def test_it_draws_a_line_for_each_figure_and_goes_on(often, eventually):
    calls = []
    chart = LiveChart("behind <i>", {"quick": lambda: 0, "slow & steady": lambda: calls.append(1) or len(calls)})
    eventually(lambda: len(calls) > 3)
    chart.stop()
    assert chart.value.count("<polyline") == 2
    assert "behind &lt;i&gt;" in chart.value
    assert f"slow &amp; steady {len(calls)}" in chart.value
    assert not chart._sampling._thread.is_alive()
    assert repr(chart) == "LiveChart('behind <i>': quick, slow & steady)"


def test_an_error_is_shown(often, eventually):
    chart = LiveChart("broken", {"x": lambda: 1 / 0})
    eventually(lambda: "ZeroDivisionError" in chart.value)
    chart.stop()


def test_only_so_much_is_kept():
    chart = LiveChart("short", {"x": lambda: 1}, seconds=1)
    chart.stop()
    assert chart.samples.maxlen == 5
