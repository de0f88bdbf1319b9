"""A real browser for the tests in this folder."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
HOW_TO_GET_ONE = (
    "no Chromium found; install one with `playwright install chromium`, or with the system's packages "
    "(Debian, Ubuntu: apt-get install chromium)"
)
QUIET = (
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",  # it would look up addresses outside of this machine
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")  # not longer: its event loop runs in this thread, where other tests run theirs
def browser():
    with sync_playwright() as playwright:
        executable = find_chromium(playwright)
        if executable is None:
            pytest.skip(HOW_TO_GET_ONE)
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    page = context.new_page()
    page.set_default_timeout(15_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, "the page has raised errors"


def find_chromium(playwright) -> str | None:
    own = playwright.chromium.executable_path
    if Path(own).exists():
        return own
    return next((found for name in NAMES if (found := shutil.which(name))), None)
