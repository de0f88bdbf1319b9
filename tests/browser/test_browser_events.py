"""``BrowserEvents`` in a real JupyterLab: the browser's own EventSource, and what Python hears of it."""

import json

import pytest
from lab_page import LabPage, troubles, wait_until

from sse_demo import Event, serve

CELL = """
import json
from pathlib import Path

from sse_demo.lab import BrowserEvents

def shown(url, told, **options):
    live = BrowserEvents(url, **options)

    def tell(_):
        facts = {"state": live.state, "opened": live.opened, "data": [event.data for event in live.events]}
        written = Path(f"{told}.new")
        written.write_text(json.dumps(facts))
        written.replace(told)  # whoever reads has it whole

    live.observe(tell, ["count", "state"])
    return live
"""


class Shown:
    """A notebook whose cells show a ``BrowserEvents`` each: what the page shows, and what Python has heard."""

    def __init__(self, lab_page, folder, *widgets):
        self.folder = folder
        cells = [CELL]
        for number, (url, options) in enumerate(widgets):
            told = str(folder / f"{number}.json")
            cells.append(f"shown({url!r}, {told!r}{options})")
        self.notebook = lab_page.open(lab_page.lab.write(f"{folder.name}.ipynb", *cells))

    def run(self):
        self.notebook.start_all_cells()
        self.notebook.wait_for_all_cells()
        assert not troubles(self.notebook.cells())

    def state(self, number):
        return self.notebook.panel.locator(".browser-events").nth(number).get_attribute("data-state")

    def text(self, number):
        output = self.notebook.panel.locator(".jp-OutputArea-output").nth(number)
        return " ".join(output.inner_text().split())

    def heard(self, number):
        told = self.folder / f"{number}.json"
        return json.loads(told.read_text()) if told.exists() else {"data": [], "opened": 0, "state": ""}


@pytest.fixture(scope="module")
def strict():
    with serve() as server:
        yield server


@pytest.fixture(scope="module")
def open_server():
    with serve(allow_origins=["*"], retry=0.1, heartbeat=0.2) as server:
        yield server


@pytest.fixture(scope="module")
def lab_page(lab, browser):
    context = browser.new_context()
    yield LabPage(lab, context)
    context.close()


@pytest.fixture(scope="module")
def shown(lab_page, tmp_path_factory, strict, open_server):
    shown = Shown(
        lab_page,
        tmp_path_factory.mktemp("told"),
        (f"{open_server.url}/events?topic=typed", ", types=['message', 'price']"),
        (f"{open_server.url}/events?topic=lost", ""),
        (f"{strict.url}/events?topic=a", ""),
        (f"{open_server.url}/events?topic=named", ", types=['open', 'error', 'open']"),
    )
    shown.run()
    return shown


# The line to the kernel, without the first two reports of a widget.
LOSSY = """() => {
    const send = WebSocket.prototype.send;
    window.lost = 0;
    WebSocket.prototype.send = function (data) {
        const text = typeof data === "string" ? data : new TextDecoder().decode(data);
        if (text.includes('"comm_msg"') && text.includes('"seen"') && window.lost < 2) window.lost++;
        else send.call(this, data);
    };
}"""


READERS = 3  # of the open server


def connections(server):
    return set(server.service.connections)


def test_events_are_shown_and_arrive_in_python(shown, open_server):
    wait_until(lambda: open_server.hub.subscribers == READERS, "all are subscribed")
    open_server.publish("typed", "one")
    id = open_server.publish("typed", Event("<b>two</b>", event="price"))
    open_server.publish("typed", Event("nobody listens", event="other"))
    last = open_server.publish("typed", "three")
    wait_until(
        lambda: shown.heard(0)["data"] == ["one", "<b>two</b>", "three"], "Python has them", lambda: shown.heard(0)
    )
    assert shown.state(0) == "open"
    assert f"price {id} <b>two</b>" in shown.text(0), "data is shown as text"
    assert f"last id {last}" in shown.text(0)


def test_an_event_may_be_named_as_one_of_the_connection(shown, open_server):
    wait_until(lambda: open_server.hub.subscribers == READERS, "all are subscribed")
    names = ["open", "error", "open"]
    for name in names:
        open_server.publish("named", Event(f"called {name}", event=name))
    wait_until(lambda: len(shown.heard(3)["data"]) == 3, "Python has them", lambda: shown.heard(3))
    assert shown.heard(3) == {"state": "open", "opened": 1, "data": [f"called {name}" for name in names]}
    assert "/events?topic=named events 3 opened 1 errors 0" in shown.text(3)


def test_a_lost_connection_comes_back_and_is_counted(shown, open_server):
    wait_until(lambda: open_server.hub.subscribers == READERS, "all are subscribed")
    for number in range(3):
        open_server.publish("lost", str(number))
        wait_until(lambda number=number: len(shown.heard(1)["data"]) == number + 1, "Python has it")
        before = connections(open_server)
        for connection in before:
            open_server._loop.call_soon_threadsafe(connection.abort)
        wait_until(lambda before=before: len(connections(open_server) - before) == READERS, "all have come back")
    open_server.publish("lost", "3")
    wait_until(lambda: shown.heard(1)["opened"] == 4, "it has opened four times", lambda: shown.heard(1))
    wait_until(lambda: shown.heard(1)["data"] == ["0", "1", "2", "3"], "nothing is lost, nothing twice")


def test_what_a_browser_may_not_read_is_closed(shown, strict):
    wait_until(lambda: shown.state(2) == "closed", "it is closed")
    assert "opened 0" in shown.text(2)
    assert "the browser does not try again" in shown.text(2)
    wait_until(lambda: shown.heard(2)["state"] == "closed", "Python has it", lambda: shown.heard(2))


def test_it_closes_with_its_output_when_its_cell_is_run_again_and_with_the_kernel(shown, open_server):
    shown.notebook.command("notebook:clear-all-cell-outputs")
    wait_until(lambda: not connections(open_server), "all streams are closed with their outputs")
    shown.run()
    wait_until(lambda: open_server.hub.subscribers == READERS, "all are subscribed")
    before = connections(open_server)
    shown.run()
    wait_until(lambda: len(connections(open_server) - before) == READERS, "all are new")
    wait_until(lambda: not connections(open_server) & before, "the earlier ones are closed")
    shown.notebook.execute("_.close()")
    wait_until(lambda: len(connections(open_server)) == READERS - 1, "a widget that is closed closes its stream")
    shown.notebook.restart_kernel()
    wait_until(lambda: not connections(open_server), "all streams are closed by the restart of the kernel")
    assert "closed" in shown.text(0)
    assert "Its kernel has gone." in shown.text(0)
    shown.run()
    wait_until(lambda: open_server.hub.subscribers == READERS, "all are subscribed")
    shown.notebook.command("kernelmenu:shutdown")
    wait_until(lambda: not connections(open_server), "all streams are closed with the kernel")


def test_a_report_that_python_does_not_confirm_is_repeated(lab_page, tmp_path, server):
    shown = Shown(lab_page, tmp_path, (f"{server.url}/events?topic=a&recent=3", ", via='proxy'"))
    lab_page.page.evaluate(LOSSY)
    shown.run()
    for number in range(3):
        server.publish("a", str(number))
    wait_until(lambda: shown.heard(0)["data"] == ["0", "1", "2"], "Python has them", lambda: shown.heard(0))
    assert lab_page.page.evaluate("lost") == 2
