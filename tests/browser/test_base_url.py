"""A JupyterLab that is not local, as on a hub: another host, a path of its own, and one port that can be reached.

The lessons run there, and what the browser reads comes through JupyterLab's own origin, by jupyter-server-proxy.
"""

import pytest
from lab_page import NOTEBOOKS, JupyterLab, NotebookPage, troubles, wait_until
from playwright.sync_api import expect
from test_browser_events import Shown


@pytest.fixture(scope="module")
def hub_lab(tmp_path_factory):
    options = ("--ServerApp.base_url=/user/ada/", "--ServerApp.allow_remote_access=True")
    with JupyterLab(tmp_path_factory.mktemp("hub"), *options) as lab:
        lab.url = lab.url.replace("127.0.0.1", "hub.example")
        assert lab.url.endswith("/user/ada/")
        yield lab


def test_a_lesson_runs_and_its_page_is_seen_and_publishes(browser, hub_lab):
    context = browser.new_context()
    notebook = NotebookPage(hub_lab, context, NOTEBOOKS / "01_ten_messages.ipynb")
    notebook.start_all_cells()
    notebook.wait_for_all_cells()
    cells = notebook.cells()
    assert not troubles(cells)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    page = notebook.page.frame_locator("iframe")
    assert notebook.page.locator("iframe").get_attribute("src").startswith(f"{hub_lab.url}proxy/")
    expect(page.locator("#messages .state")).to_have_attribute("data-state", "open")
    expect(page.locator("#messages li .data").last).to_contain_text('"seq": 0')
    page.locator("#publish input[name=data]").fill("hello from afar")
    page.locator("#publish button[type=submit]").click()
    expect(page.locator("#topic li .data")).to_have_text(["hello from afar"])
    assert not notebook.errors
    context.close()


def test_a_stream_comes_through_jupyterlabs_own_origin(browser, server, hub_lab, tmp_path):
    context = browser.new_context()
    asked = []
    context.on("request", lambda request: asked.append(request.url) if "/events?topic=" in request.url else None)
    stream = f"{server.url}/events?topic=a"
    shown = Shown(hub_lab, context, tmp_path, (stream, ""), (stream, ", via='direct'"))
    wait_until(lambda: len(server.hub) == 1, "it is subscribed, and no CORS header was needed")
    for number in range(5):
        server.publish("a", str(number))
    wait_until(lambda: len(shown.heard(0)["data"]) == 5, "Python has them", lambda: (shown.text(0), shown.heard(0)))
    assert shown.heard(0)["data"] == ["0", "1", "2", "3", "4"]
    assert shown.state(1) == "closed", "another origin, without a CORS header"
    assert asked == [f"{hub_lab.url}proxy/{server.port}/events?topic=a", stream]
    context.close()
