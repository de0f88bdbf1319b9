from sse_demo import notebook
from sse_demo.lab import LiveEvents, StopButton
from sse_demo.start import serve


def test_the_button_stops_whatever_cells_have_started(monkeypatch):
    monkeypatch.setattr(notebook, "_running_cell", lambda: ("a cell", 1))
    server = serve()
    live = LiveEvents(f"{server.url}/events?topic=news")
    button = StopButton()
    assert server.running
    button.click()
    assert not server.running
    assert live.state == "closed"
    assert button.description == "Stopped"
    assert repr(button) == "StopButton()"


def test_it_can_be_pressed_again_and_stops_what_was_started_since(monkeypatch):
    monkeypatch.setattr(notebook, "_running_cell", lambda: ("a cell", 1))
    button = StopButton()
    button.click()
    server = serve()
    button.click()
    assert not server.running
