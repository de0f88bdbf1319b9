"""A JupyterLab that is not at the root of its address, as on a hub: the lessons, and streams through its own origin."""

import pytest
from lab_page import NOTEBOOKS, JupyterLab, NotebookPage, troubles, wait_until
from test_browser_events import Shown


@pytest.fixture(scope="module")
def hub_lab(tmp_path_factory):
    with JupyterLab(tmp_path_factory.mktemp("hub"), "--ServerApp.base_url=/user/ada/") as lab:
        assert lab.url.endswith("/user/ada/")
        yield lab


def test_a_notebook_runs_under_a_base_url(browser, hub_lab):
    context = browser.new_context()
    page = NotebookPage(hub_lab, context, NOTEBOOKS / "01_ten_messages.ipynb")
    page.start_all_cells()
    page.wait_for_all_cells()
    cells = page.cells()
    context.close()
    assert not troubles(cells)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not page.errors


def test_a_stream_comes_through_jupyterlabs_own_origin(browser, server, hub_lab, tmp_path):
    context = browser.new_context()
    shown = Shown(hub_lab, context, tmp_path, (f"{server.url}/events?topic=a", ", via='proxy'"))
    wait_until(lambda: len(server.hub) == 1, "it is subscribed, and no CORS header was needed")
    for number in range(5):
        server.publish("a", str(number))
    wait_until(lambda: len(shown.heard(0)["data"]) == 5, "Python has them", shown.heard(0))
    assert shown.heard(0)["data"] == ["0", "1", "2", "3", "4"]
    context.close()
