"""``BrowserPage`` in a real JupyterLab, and what is shown of a server whose port the browser cannot reach."""

import re

import pytest
from lab_page import LabPage, troubles, wait_until
from playwright.sync_api import expect

from sse_demo import serve

DARK = "matchMedia('(prefers-color-scheme: dark)').matches"


@pytest.fixture(scope="module")
def hidden():
    """A server that the kernel can reach, and the browser cannot, as in a container of which one port is published."""
    with serve() as server:
        yield server


@pytest.fixture(scope="module")
def page(lab, browser, hidden):
    context = browser.new_context(color_scheme="null", viewport={"width": 1100, "height": 2000})
    context.route(f"{hidden.url}/**", lambda route: route.abort())
    with serve() as server:
        cells = [
            "from sse_demo.lab import BrowserEvents, BrowserPage",
            *(f"BrowserPage('{one.url}/', height=300)" for one in (server, hidden)),
            f"BrowserEvents('{hidden.url}/events?topic=a')",
        ]
        lab_page = LabPage(lab, context)
        notebook = lab_page.open(lab.write("browser_page.ipynb", *cells))
        lab_page.set_theme("Dark")
        notebook.start_all_cells()
        notebook.wait_for_all_cells()
        assert not troubles(notebook.cells())
        expect(notebook.page.locator("iframe").first).to_have_attribute("src", f"{server.url}/")
        yield lab_page
        assert not lab_page.errors
        lab_page.set_theme("Light")
        context.close()


def test_it_is_light_or_dark_as_jupyterlab_is(page):
    frame = page.page.locator("iframe").first.element_handle().content_frame()
    frame.wait_for_selector("#messages")
    wait_until(lambda: frame.evaluate(DARK), "it is dark from the beginning")
    page.page.evaluate("document.body.style.colorScheme = 'light'")  # not every JupyterLab has it right
    expect(page.page.locator("iframe").first).to_have_css("color-scheme", "dark")
    assert frame.evaluate(DARK)
    page.set_theme("Light")
    wait_until(lambda: not frame.evaluate(DARK), "it is light")


def test_what_the_browser_cannot_reach_comes_through_jupyterlab(page, lab, hidden):
    expect(page.page.locator("iframe").nth(1)).to_have_attribute("src", f"{lab.url}proxy/{hidden.port}/")
    expect(page.page.locator(".browser-events")).to_have_attribute("data-state", "open")
    expect(page.page.locator(".browser-events")).to_have_text(re.compile("errors 0"))
    frame = page.page.locator("iframe").nth(1).content_frame
    expect(frame.locator("#topic .state")).to_have_attribute("data-state", "open")
