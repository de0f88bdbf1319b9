from sse_demo.bench import measure
from sse_demo.lab import QUEUES


def test_everybody_gets_everything_through_a_queue():
    result = measure(QUEUES, subscribers=10, events=5, size=100)
    assert (result.delivered, result.lost, result.disordered) == (50, 0, 0)
    assert result.cpu_us_per_delivery > 0
