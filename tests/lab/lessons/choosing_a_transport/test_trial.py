import pytest

from sse_demo.lab import Trial

ONLY_SSE_HAS_ALL = """\
client         has ended   misses   twice or out of order
long polling   yes         1        0
WebSocket      yes         1        0
SSE            no          0        0"""
EACH_ONCE = """\
client         has ended   misses   twice or out of order
long polling   no          0        0
WebSocket      no          0        0
SSE            no          0        0"""


@pytest.fixture
def trial():
    trial = Trial()
    yield trial
    trial.stop()


def test_each_transport_carries_everything_and_is_measured(trial):
    figures = trial.measure(rate=50, count=10)
    assert set(figures) == {"long polling", "WebSocket", "SSE"}
    assert not any(trial.missing.values())
    for name, (delay, worst, size, requests) in figures.items():
        assert 20 <= delay <= worst, "the cable alone takes 20 ms"
        assert size > 20
        assert (requests > 0) == (name == "long polling")
    assert figures["long polling"].bytes_each > figures["SSE"].bytes_each > figures["WebSocket"].bytes_each


def test_who_is_cut_off_comes_back_only_where_somebody_has_written_that(trial):
    trial.publish(3)
    trial.wait_for_all()
    trial.cut()
    trial.publish()
    trial.mend()
    trial.wait_for("SSE")
    assert trial.missing == {"long polling": 1, "WebSocket": 1, "SSE": 0}
    assert trial.ended == {"long polling": True, "WebSocket": True, "SSE": False}
    assert trial.table() == ONLY_SSE_HAS_ALL

    def requests():
        return [trial._feed.requests[name] for name in ("WebSocket", "SSE")]

    trial.come_back("long polling", "WebSocket")
    trial.wait_for_all()
    before = requests()
    trial.cut()
    trial.publish(2)
    trial.mend()
    trial.wait_for_all()
    assert trial.table() == EACH_ONCE
    assert [now - then for now, then in zip(requests(), before, strict=True)] == [1, 1]


def test_the_table_says_what_has_come_twice_or_in_another_order(trial):
    trial.publish(3)
    trial.wait_for_all()
    assert trial.table() == EACH_ONCE
    trial.clients["SSE"].received.reverse()
    trial.clients["WebSocket"].received.append("once more")
    assert [line.split()[-1] for line in trial.table().splitlines()[1:]] == ["0", "1", "2"]


def test_the_rate_can_be_changed_while_it_publishes(trial, eventually):
    trial.rate = 200
    trial.keep_publishing()
    eventually(lambda: len(trial.clients["SSE"].received) > 20)
    assert all(client.delay_ms(5) >= 0 and client.bytes_each(5) >= 0 for client in trial.clients.values())


def test_nothing_has_no_figures(trial):
    assert all((client.delay_ms(5), client.bytes_each(5)) == (0, 0) for client in trial.clients.values())


def test_to_stop_twice_is_fine(trial):
    trial.stop()
    trial.stop()


def test_costs_are_measured_at_each_rate(trial):
    costs = trial.costs([80, 100], seconds=0.1)
    assert list(costs.measured) == [80, 100]
    assert costs.dearest(100) == "long polling"


def test_the_rate_is_changed_by_hand(trial, eventually):
    desk = trial.by_hand()
    desk.children[0].value = 200
    assert trial.rate == 200
    eventually(lambda: len(trial.clients["SSE"].received) > 20)
