"""What lesson 6 says that its reader will see, seen; and its buttons, pressed."""

import re

import pytest
from lab_page import NOTEBOOKS, LabPage, wait_until
from playwright.sync_api import expect

THREE = ("ended", "no stream", "status 400")
SEVEN = tuple(f"seventh {n}" for n in range(7))
WIDGETS = ("refused", "for all", "deaf", "live", *THREE, "survivor", "address", "localhost", *SEVEN, "one")


class Lesson:
    """The outputs of ``BrowserEvents``, by a name for each, in the order of the notebook."""

    def __init__(self, notebook):
        self.restart_kernel = notebook.restart_kernel
        self.page = page = notebook.page
        self._heads = page.locator(".browser-events")

    def head(self, name):
        """What the first line of this output says: ``(state, events, opened, errors)``."""
        head = self._heads.nth(WIDGETS.index(name))
        numbers = re.search(r"events\s+(\d+)\s+opened\s+(\d+)\s+errors\s+(\d+)", head.text_content())
        return head.get_attribute("data-state"), *map(int, numbers.groups())

    def states(self, names):
        return [self.head(name)[0] for name in names]

    def events(self, name):
        return self._heads.nth(WIDGETS.index(name)).locator("xpath=following-sibling::div/div").all_text_contents()

    def press(self, text):
        """Returns what the line beside the button says then."""
        self.page.get_by_role("button", name=text, exact=True).click()
        line = self.page.locator(".sse-buttons", has=self.page.get_by_role("button", name=text, exact=True))
        said = line.get_by_role("status")
        expect(said).to_have_text(re.compile(f"{text}: (?!waits for the kernel)"))
        return said.text_content()

    def server(self):
        return self.page.locator(".sse-buttons").first.locator("span").first.text_content()


@pytest.fixture(scope="module")
def lesson(lab, browser):
    context = browser.new_context(viewport={"width": 1100, "height": 9000})  # what is out of sight is not drawn
    shown = LabPage(lab, context).open(NOTEBOOKS / "06_browser.ipynb")
    shown.start_all_cells()
    shown.wait_for_all_cells()
    lesson = Lesson(shown)
    wait_until(lambda: shown.page.locator(".browser-events").count() == len(WIDGETS), "all of them are shown")
    yield lesson
    assert not shown.errors
    shown.command("kernelmenu:shutdown")
    context.close()


def test_a_stream_without_a_cors_header_is_closed(lesson):
    wait_until(lambda: lesson.head("refused") == ("closed", 0, 0, 1), "refused, and not tried again")


def test_one_with_a_cors_header_is_read_to_its_end(lesson):
    wait_until(lambda: lesson.head("for all") == ("closed", 10, 1, 2), "ten messages, an end, and 204")


def test_one_without_a_listener_is_deaf_and_the_other_hears(lesson):
    wait_until(lambda: lesson.head("deaf")[0] == "open", "the deaf one is open")
    before = lesson.head("live")[1]
    wait_until(lambda: lesson.head("live")[1] > before + 5, "prices have come since")
    assert lesson.head("deaf") == ("open", 0, 1, 0)


def test_a_browser_comes_back_after_an_end_and_gives_up_after_a_wrong_answer(lesson):
    wait_until(lambda: lesson.head("ended") == ("closed", 3, 1, 2), "three messages, an end, and 204")
    assert lesson.head("no stream") == lesson.head("status 400") == ("closed", 0, 0, 1)


def test_cookies_of_another_port_come_along(lesson):
    at_address, at_localhost = (lambda name=name: lesson.events(name) for name in ("address", "localhost"))
    wait_until(lambda: at_address() and at_localhost(), "both have answered")
    assert "username-127-0-0-1" in at_address()[0], "JupyterLab's own"
    assert "no cookie" in at_localhost()[0], "another host"


def test_the_seventh_waits_until_the_first_is_closed(lesson):
    wait_until(lambda: lesson.states(SEVEN).count("open") == 6, "six are open")
    (waiting,) = [name for name in SEVEN if lesson.head(name)[0] == "connecting"]
    assert lesson.head(waiting) == ("connecting", 0, 0, 0)
    assert waiting != SEVEN[0], "that one is to be closed"
    assert lesson.press("close the first") == "close the first: done"
    wait_until(lambda: lesson.states(SEVEN) == ["closed"] + ["open"] * 6, "there is room for the seventh")


def test_one_stream_carries_seven_topics(lesson):
    wait_until(lambda: lesson.head("one") == ("open", 7, 1, 0), "all seven, on one connection")


def test_a_server_that_is_killed_loses_no_order(lesson):
    wait_until(lambda: lesson.head("survivor")[0] == "open", "it is open")
    for orders in (1, 2):
        assert lesson.press("publish") == f"publish: the server has order {orders}"
        wait_until(lambda: lesson.head("survivor")[1] == orders, "the order has come")  # noqa: B023  at once
    assert lesson.server() == "running"
    assert lesson.press("kill") == "kill: done"
    assert lesson.server() == "killed"
    wait_until(lambda: lesson.head("survivor")[0] == "connecting", "it is gone")
    assert "could not be done" in lesson.press("publish")
    lesson.press("start")
    wait_until(lambda: lesson.head("survivor")[:3] == ("open", 2, 2), "it is open again")
    assert lesson.press("publish") == "publish: the server has order 3"
    wait_until(lambda: lesson.head("survivor")[:3] == ("open", 3, 2), "one more order, and none twice")
    assert [text.split()[-1] for text in lesson.events("survivor")] == ["3", "2", "1"]


def test_after_a_restart_of_the_kernel_streams_and_buttons_say_that_it_has_gone(lesson):
    lesson.restart_kernel()
    for shown in ("browser-events", "sse-buttons"):
        for one in lesson.page.locator(f".{shown}").all():
            expect(one).to_contain_text("Its kernel has gone. Run the cell again.")
    for button in lesson.page.locator(".sse-buttons button").all():
        expect(button).to_be_disabled()
