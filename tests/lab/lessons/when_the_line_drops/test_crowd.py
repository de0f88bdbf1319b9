import random

import pytest

from sse_demo.lab import Crowd
from sse_demo.lab.lessons.when_the_line_drops.crowd import BAR


def every_second(tries):
    return 1


def backoff(tries):
    return min(60, 2 ** (tries - 1))


def full_jitter(tries):
    return random.uniform(0, backoff(tries))


@pytest.fixture
def crowds():
    random.seed(6)
    return {"every second": Crowd(every_second), "backoff": Crowd(backoff), "full jitter": Crowd(full_jitter)}


def test_those_who_come_every_second_are_taken_fifty_at_a_time():
    crowd = Crowd(every_second)
    assert crowd.tries[:1000] == [1] * 1000
    assert crowd.back[:51] == [10] * 50 + [11]
    assert (crowd.last, crowd.at_new_server, crowd.worst) == (29, sum(range(50, 1001, 50)), 1000)


def test_each_client_is_back_once_and_nobody_while_the_server_is_away(crowds):
    for crowd in crowds.values():
        assert len(crowd.back) == 1000
        assert min(crowd.back) >= 10
        assert sorted(crowd.tries) == crowd.tries
        taken = [sum(second <= moment < second + 1 for moment in crowd.back) for second in range(10, 100)]
        assert max(taken) <= 50


def test_the_figures_that_the_lesson_tells(crowds):
    at_new_server = {name: crowd.at_new_server for name, crowd in crowds.items()}
    assert at_new_server == {"every second": 10_500, "backoff": 10_500, "full jitter": 1_366}
    assert [round(crowd.last) for crowd in crowds.values()] == [29, 1083, 77]
    last_line = Crowd.table(crowds).splitlines()[-1]
    assert last_line.split() == ["full", "jitter", "3,962", "1,366", "46", "20", "s", "77", "s"]


def test_a_small_crowd_and_a_server_that_takes_all():
    crowd = Crowd(every_second, clients=3, down=2, capacity=10)
    assert crowd.tries == [1, 1, 1, 2, 2, 2]
    assert crowd.back == [2, 2, 2]
    assert repr(crowd).startswith("Crowd(3 tries at the new server, at most 3 in 0.25 s")
    assert Crowd(every_second, clients=0).last == 0


def test_each_rule_has_a_scale_of_its_own_on_which_it_is_seen(crowds):
    chart = Crowd.draw_tries(crowds)
    assert len(chart.rows) == 3
    for row, crowd in zip(chart.rows, crowds.values(), strict=True):
        assert crowd.worst < row.get_ylim()[1] <= 1.5 * crowd.worst
        assert sum(bar.get_height() for bar in row.containers[0]) == sum(10 <= moment < 80 for moment in crowd.tries)
        assert row.get_ylabel() == f"tries in {BAR:g} s"
    assert any("1,366 tries" in text.get_text() for text in chart.rows[2].texts)
    assert "image/png" in chart._repr_mimebundle_()[0]


def test_a_line_of_those_who_are_back_for_each_rule(crowds):
    chart = Crowd.draw_back(crowds)
    assert [line.get_ydata()[-1] for line in chart.axes.lines] == [1000] * 3
    assert [text.get_text() for text in chart.axes.get_legend().get_texts()] == [
        "every second, with 10,500 tries: all are back after 29 s",
        "backoff, with 10,500 tries: all are back after 1,083 s",
        "full jitter, with 1,366 tries: all are back after 77 s",
    ]
    assert len({line.get_color() for line in chart.axes.lines}) == 3
