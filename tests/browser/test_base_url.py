"""A JupyterLab that is not local, as on a hub: another host, a path of its own, and one port that can be reached.

The lessons run there, and what the browser reads comes through JupyterLab's own origin, by jupyter-server-proxy.
"""

import re

import pytest
from lab_page import NOTEBOOKS, JupyterLab, LabPage, troubles, wait_until
from playwright.sync_api import expect
from test_browser_events import Shown
from test_lesson_browser import THREE, WIDGETS

from sse_demo import serve

TALL = {"width": 1100, "height": 9000}  # what is out of sight is not drawn
WAITS = "waits: JupyterLab needs the other connections"
WITH_A_PLACE = f"""all => all.filter(
    one => one.dataset.state !== "closed" && !one.textContent.includes("{WAITS}")).length"""


@pytest.fixture(scope="module")
def hub_lab(tmp_path_factory):
    options = ("--ServerApp.base_url=/user/ada/", "--ServerApp.allow_remote_access=True")
    with JupyterLab(tmp_path_factory.mktemp("hub"), *options) as lab:
        lab.url = lab.url.replace("127.0.0.1", "hub.example")
        assert lab.url.endswith("/user/ada/")
        yield lab


@pytest.fixture(scope="module")
def pages(browser, hub_lab):
    """By the names of their lessons. As for two people: each has six connections of its own."""
    contexts = {name: browser.new_context(viewport=TALL) for name in ("06_browser", "01_ten_messages")}
    yield {name: LabPage(hub_lab, context) for name, context in contexts.items()}
    for context in contexts.values():
        context.close()


@pytest.fixture(scope="module")
def lessons(pages):
    """By their names. They run at the same time."""
    lessons = {name: page.open(NOTEBOOKS / f"{name}.ipynb") for name, page in pages.items()}
    for notebook in lessons.values():
        notebook.start_all_cells()
    return lessons


def run(notebook):
    notebook.wait_for_all_cells()
    cells = notebook.cells()
    assert not troubles(cells)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    return notebook


def test_lesson_1_runs_and_its_page_is_seen_and_publishes(lessons, hub_lab):
    notebook = run(lessons["01_ten_messages"])
    page = notebook.panel.frame_locator("iframe")
    expect(notebook.panel.locator("iframe")).to_have_attribute("src", re.compile(f"^{hub_lab.url}proxy/"))
    # The ten messages may be over by now, and stay in the list; the topic stays open.
    expect(page.locator("#messages li .data").last).to_contain_text('"seq": 0')
    expect(page.locator("#topic .state")).to_have_attribute("data-state", "open")
    page.locator("#publish input[name=data]").fill("hello from afar")
    page.locator("#publish button[type=submit]").click()
    expect(page.locator("#topic li .data").first).to_have_text("hello from afar")
    notebook.save()
    assert not notebook.errors


def test_the_streams_of_lesson_6_leave_jupyterlab_connections(lessons):
    notebook = run(lessons["06_browser"])
    streams = notebook.panel.locator(".browser-events")
    wait_until(lambda: streams.count() == len(WIDGETS), "all of them are shown")
    over = ("refused", "for all", *THREE)
    for name in over:  # what ends by itself, one after the other
        expect(streams.nth(WIDGETS.index(name))).to_have_attribute("data-state", "closed")
    wait_until(lambda: streams.evaluate_all(WITH_A_PLACE) == 4, "four have a place, and none of them ends by itself")
    expect(streams.nth(WIDGETS.index("deaf"))).to_contain_text("through JupyterLab")
    next_one = streams.filter(has_text=WAITS).first
    number = streams.evaluate_all("(all, one) => all.indexOf(one)", next_one.element_handle())
    expect(streams.nth(number)).to_have_attribute("data-state", "connecting")
    notebook.execute("next(one for one in Out.values() if 'topic=prices' in repr(one)).stop()")
    expect(streams.nth(number)).not_to_contain_text(WAITS)
    assert streams.evaluate_all(WITH_A_PLACE) <= 4
    notebook.save()
    assert not notebook.errors


@pytest.fixture
def server():
    """A server that no kernel has started, and so is to be told that it is asked for the name of the hub."""
    with serve(allow_hosts=["hub.example"]) as server:
        yield server


def test_a_stream_comes_through_jupyterlabs_own_origin(server, hub_lab, pages, tmp_path):
    lab_page = pages["01_ten_messages"]
    asked = []
    lab_page.page.on("request", lambda one: asked.append(one.url) if "topic=own" in one.url else None)
    stream = f"{server.url}/events?topic=own"
    shown = Shown(lab_page, tmp_path, (stream, ""), (stream, ", via='direct'"))
    shown.run()
    wait_until(lambda: shown.state(0) == "open", "it is open, and no CORS header was needed")
    wait_until(lambda: shown.state(1) == "closed", "another origin, without a CORS header")
    for number in range(5):
        server.publish("own", str(number))
    wait_until(lambda: len(shown.heard(0)["data"]) == 5, "Python has them", lambda: (shown.text(0), shown.heard(0)))
    assert shown.heard(0)["data"] == ["0", "1", "2", "3", "4"]
    assert sorted(asked) == sorted([f"{hub_lab.url}proxy/{server.port}/events?topic=own", stream])
