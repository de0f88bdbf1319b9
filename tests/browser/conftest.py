"""A real browser for the tests in this folder, and a real JupyterLab."""

import pytest
from lab_page import DEADLINE, JupyterLab, chromium_for_tests
from playwright.sync_api import expect

expect.set_options(timeout=DEADLINE * 1000)  # a browser comes back to a server after 3 seconds, and a machine is slow


@pytest.fixture(scope="module")  # not longer: its event loop runs in this thread, where other tests run theirs
def browser():
    with chromium_for_tests() as browser:
        yield browser


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    with JupyterLab(tmp_path_factory.mktemp("jupyterlab")) as lab:
        yield lab


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    page = context.new_page()
    page.set_default_timeout(DEADLINE * 1000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, "the page has raised errors"


def pytest_collection_modifyitems(items):
    """A notebook runs for the second time while the next is opened: mostly they wait.

    But not all are open at once: ``later`` says how many notebooks later a test has its turn.
    """
    places = [place for place, item in enumerate(items) if hasattr(getattr(item, "function", None), "later")]
    turns = {
        path: turn for turn, path in enumerate(dict.fromkeys(items[place].callspec.params["path"] for place in places))
    }
    ordered = sorted(
        (items[place] for place in places),
        key=lambda item: turns[item.callspec.params["path"]] + item.function.later,
    )
    for place, item in zip(places, ordered, strict=True):
        items[place] = item
