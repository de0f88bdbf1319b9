from sse_demo.lab.lessons.choosing_a_transport.costs import Costs, Figures

COSTS = Costs(
    {
        10: {
            "long polling": Figures(22, 24, 404, 10),
            "WebSocket": Figures(21, 22, 44, 0),
            "SSE": Figures(21, 23, 62, 0),
        },
        100: {
            "long polling": Figures(43, 63, 145, 26),
            "WebSocket": Figures(21, 23, 43, 0),
            "SSE": Figures(22, 23, 62, 0),
        },
    }
)


def test_who_is_late_and_who_is_dear():
    assert (COSTS.late(10), COSTS.late(100)) == ("nobody", "long polling")
    assert COSTS.dearest(10) == "long polling"


def test_a_table_has_a_line_for_each_rate_and_transport():
    head, *lines = repr(COSTS).splitlines()
    assert "median, ms" in head
    assert lines[3].split() == ["100", "long", "polling", "43", "63", "145", "26"]


def test_the_chart_leaves_room_for_its_legend():
    chart = COSTS.chart(mark=25)
    assert [row.get_ylabel() for row in chart.rows] == ["delay, ms", "bytes"]
    assert chart.axes.get_ylim() == (0, 1.5 * 43)
    assert [line.get_label() for line in chart.axes.lines][:3] == ["long polling", "WebSocket", "SSE"]
