"""What tells about the service itself."""

import json

from asking import assert_problem, publish, request, stream
from prometheus_client.parser import text_string_to_metric_families

from sse_demo import Hub, serve


def test_health_counts_connections(server):
    with stream(server, "/events?topic=a"), stream(server, "/stream"):
        health = json.loads(request(server, "GET", "/health")[2])
        assert health == {"status": "ok", "connections": 2, "subscribers": 1}


def test_nobody_shall_be_sent_to_a_service_that_cannot_reach_its_log(monkeypatch):
    with serve() as server, stream(server, "/events?topic=a"):
        monkeypatch.setattr(Hub, "log_is_reachable", False)
        status, _, body = request(server, "GET", "/health")
        assert (status, json.loads(body)) == (503, {"status": "log unreachable", "connections": 1, "subscribers": 1})
        monkeypatch.setattr(Hub, "log_is_reachable", True)
        assert request(server, "GET", "/health")[0] == 200


def test_no_more_clients_shall_be_sent_to_a_service_that_is_full():
    def ready(server):
        status, _, body = request(server, "GET", "/ready")
        return status, json.loads(body)["status"]

    with serve(max_connections=1) as server:
        assert ready(server) == (200, "ready")
        with stream(server, "/events?topic=a"):
            assert ready(server) == (503, "full")
            assert request(server, "GET", "/health")[0] == 200


def test_a_service_that_cannot_take_events_is_not_ready(monkeypatch):
    with serve() as server:
        monkeypatch.setattr(Hub, "log_is_reachable", False)
        status, _, body = request(server, "GET", "/ready")
        assert (status, json.loads(body)) == (503, {"status": "log unreachable"})


def test_metrics_are_what_prometheus_reads(server):
    publish(server)
    status, headers, body = request(server, "GET", "/metrics")
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    families = {family.name: family for family in text_string_to_metric_families(body.decode())}
    assert families["sse_published"].samples[0].value == 1
    assert {"sse_subscribers", "sse_delivered", "sse_sent_bytes", "sse_lag_seconds", "sse_closed"} <= set(families)


def test_nothing_there(server):
    for method in ("GET", "POST", "DELETE"):
        assert_problem(request(server, method, "/nothing"), 404, "/nothing")
