from sse_demo.bench import Result, measure
from sse_demo.lab import QUEUES, cost_chart


def test_everybody_gets_everything_through_a_queue():
    result = measure(QUEUES, subscribers=10, events=5, size=100)
    assert (result.delivered, result.lost, result.disordered) == (50, 0, 0)
    assert result.cpu_us_per_delivery > 0


def test_the_chart_has_a_bar_for_each_and_compares_with_the_last():
    results = {
        name: Result(1, 0, 0, 1.0, cost, 1.0, 1.0, 1.0)
        for name, cost in {"queues": 12.0, "sse_demo": 6.0, "bare loop": 2.0}.items()
    }
    chart = cost_chart(results)
    assert [bar.get_width() for bar in chart.axes.patches] == [12.0, 6.0, 2.0]
    assert len({bar.get_facecolor() for bar in chart.axes.patches}) == 3
    words = [text.get_text() for text in chart.axes.texts]
    assert words == ["12.0 µs, 6.0 times the bare loop", "6.0 µs, 3.0 times the bare loop", "2.0 µs"]
    assert "microseconds" in chart.axes.get_xlabel()
