"""What the handlers of one service share."""

import pytest

from sse_demo import Hub, Settings
from sse_demo.web.limits import WebLimits
from sse_demo.web.service import ServerFull, Service


class Stream:
    """A connection that closes when the test says so."""

    def when_closed(self, callback):
        self.close = callback


@pytest.fixture
def hub():
    hub = Hub(Settings(max_event_size=1000))
    yield hub
    hub.close()


def test_a_stream_takes_room_until_it_closes(hub):
    service = Service(hub=hub, settings=WebLimits(max_connections=2))
    streams = [Stream(), Stream()]
    for stream in streams:
        service.require_room()
        service.keep(stream)
    with pytest.raises(ServerFull, match="2 event streams are open, which is the limit"):
        service.require_room()
    streams[0].close()
    service.require_room()
    assert service.connections == {streams[1]}


def test_the_condition_says_why_nobody_shall_be_sent_here(hub, monkeypatch):
    service = Service(hub=hub)
    assert service.condition == "ok"
    monkeypatch.setattr(Hub, "log_is_reachable", False)
    assert service.condition == "log unreachable"
    service.draining = True
    assert service.condition == "draining"
