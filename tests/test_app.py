import logging
import urllib.request

from sse_demo import Hub
from sse_demo.app import make_app


def test_an_app_serves_the_hub_it_was_given():
    hub = Hub()
    app = make_app(hub)
    assert app.settings["hub"] is hub
    assert app.settings["connections"] == set()
    assert b"<!doctype html>" in app.settings["page"]


def test_the_access_log_tells_the_path_and_keeps_the_query_to_itself(server, caplog, eventually):
    with caplog.at_level(logging.INFO, logger="sse_demo.access"):
        urllib.request.urlopen(f"{server.url}/stream?count=1&interval=0&token=secret").close()
        urllib.request.urlopen(f"{server.url}/ping").close()
        eventually(lambda: len(caplog.records) == 2)
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("GET /stream 200 ")
    assert second.startswith("GET /ping 200 ")
    assert "secret" not in caplog.text
