"""The figures of a server, as Prometheus reads them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sse_demo.observe.metrics import Metrics


def test_each_server_counts_for_itself():
    one, other = Metrics(), Metrics()
    one.delivered += 3
    assert b"\nsse_delivered_total 3.0\n" in one.text()
    assert b"\nsse_delivered_total 0.0\n" in other.text()


def test_a_gauge_is_read_when_it_is_asked_for():
    metrics, value = Metrics(), [1]
    metrics.gauge("sse_test", "A test", lambda: value[0])
    assert b"\nsse_test 1.0\n" in metrics.text()
    value[0] = 2
    assert b"\nsse_test 2.0\n" in metrics.text()


def test_so_is_a_counter_that_somebody_else_keeps():
    metrics, value = Metrics(), [1]
    metrics.counter("sse_test", "A test", lambda: value[0])
    value[0] = 2
    (family,) = (one for one in text_string_to_metric_families(metrics.text().decode()) if one.name == "sse_test")
    assert (family.type, family.documentation) == ("counter", "A test")
    assert [(sample.name, sample.value) for sample in family.samples] == [("sse_test_total", 2)]


def test_two_figures_have_two_names():
    metrics = Metrics()
    metrics.counter("sse_test", "A test", int)
    for add in (metrics.counter, metrics.gauge):
        with pytest.raises(ValueError, match="sse_test"):
            add("sse_test", "Another", int)


@pytest.mark.parametrize(("kind", "ending"), [("gauge", ""), ("counter", "_total")])
def test_a_figure_has_a_value_for_each_of_its_labels(kind, ending):
    metrics = Metrics()
    getattr(metrics, kind)("sse_one", "A test", lambda: {"a": 1, 'b"': 2}, ["kind"])
    getattr(metrics, kind)("sse_two", "A test", lambda: {("a", "x"): 3, ("a", "y"): 4}, ["kind", "outcome"])
    families = {one.name: one for one in text_string_to_metric_families(metrics.text().decode())}
    told = {name: [(one.name, one.labels, one.value) for one in families[name].samples] for name in families}
    assert families["sse_one"].type == families["sse_two"].type == kind
    assert told["sse_one"] == [(f"sse_one{ending}", {"kind": "a"}, 1), (f"sse_one{ending}", {"kind": 'b"'}, 2)]
    assert told["sse_two"] == [
        (f"sse_two{ending}", {"kind": "a", "outcome": "x"}, 3),
        (f"sse_two{ending}", {"kind": "a", "outcome": "y"}, 4),
    ]
