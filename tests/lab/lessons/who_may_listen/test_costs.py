from sse_demo.lab import measure_credentials, try_stolen
from sse_demo.lab.lessons.who_may_listen.costs import Cost, Costs

COSTS = Costs({"token, HS256": Cost(400, 80, 1), "session": Cost(130, 4, 4), "ticket": Cost(51, 1, 1)})


def test_each_kind_is_measured():
    measured = measure_credentials().measured
    assert list(measured) == ["token, HS256", "token, RS256", "token, ES256", "session", "ticket"]
    assert all(cost.size > 40 and cost.first_us > 0 and cost.next_us > 0 for cost in measured.values())
    sizes = [measured[name].size for name in ("ticket", "session", "token, HS256", "token, RS256")]
    assert sizes == sorted(sizes)


def test_what_is_largest_and_what_is_slowest():
    assert (COSTS.largest, COSTS.slowest) == ("token, HS256", "token, HS256")


def test_the_chart_has_a_name_at_each_point():
    chart = COSTS.chart()
    assert [text.get_text() for text in chart.axes.texts] == list(COSTS.measured)
    assert (chart.axes.get_yscale(), chart.axes.get_ylabel()) == ("log", "µs for a check")


def test_what_a_thief_can_do():
    _, *lines = try_stolen().splitlines()
    assert [line.replace("let in", "in").split() for line in lines] == [
        ["token", "in", "401", "in"],
        ["session", "in", "401", "401"],
        ["ticket", "401", "401", "401"],
    ]
