import time

from sse_demo.lab import Speed


def test_by_how_much_a_number_has_grown_in_the_last_second(monkeypatch):
    now, value = 0.0, 0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    speed = Speed(lambda: value)
    seen = []
    for _ in range(20):
        seen.append(speed())
        now, value = now + 0.2, value + 2
    assert seen == [0.0] + [10.0] * 19
    for _ in range(10):
        now += 0.2
        last = speed()
    assert last == 0.0
