from sse_demo import serve
from sse_demo.lab import LiveEvents, StopButton


def test_the_button_stops_everything_once_it_is_pressed():
    server = serve()
    live = LiveEvents(f"{server.url}/events?topic=news")
    button = StopButton(live, server)
    assert server.running
    button.click()
    assert not server.running
    assert live.state == "closed"
    assert button.disabled
    assert repr(button) == "StopButton(LiveEvents, Server)"
