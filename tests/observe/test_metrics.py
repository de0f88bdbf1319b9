from sse_demo.observe.metrics import Metrics


def test_each_server_counts_for_itself():
    one, other = Metrics(), Metrics()
    one.published.inc(3)
    assert b"\nsse_published_total 3.0\n" in one.text()
    assert b"\nsse_published_total 0.0\n" in other.text()


def test_a_gauge_is_read_when_it_is_asked_for():
    metrics, value = Metrics(), [1]
    metrics.gauge("sse_test", "A test", lambda: value[0])
    assert b"\nsse_test 1.0\n" in metrics.text()
    value[0] = 2
    assert b"\nsse_test 2.0\n" in metrics.text()
