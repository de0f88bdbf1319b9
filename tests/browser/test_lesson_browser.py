"""What lesson 6 says that its reader will see, seen; and its buttons, pressed."""

import re
import socket

import pytest
from lab_page import NOTEBOOKS, LabPage, wait_until

WIDGETS = ("refused", "first", "live", "survivor", "address", "localhost", *(f"seventh {n}" for n in range(7)), "one")


class Lesson:
    """The outputs of ``BrowserEvents``, by a name for each, in the order of the notebook."""

    def __init__(self, notebook):
        self.execute = notebook.execute
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
        self.page.get_by_role("button", name=text, exact=True).click()


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


def test_one_without_a_listener_is_deaf_and_the_other_hears(lesson):
    wait_until(lambda: lesson.head("first")[0] == "open", "the deaf one is open")
    before = lesson.head("live")[1]
    wait_until(lambda: lesson.head("live")[1] > before + 5, "prices have come since")
    assert lesson.head("first") == ("open", 0, 1, 0)


def test_cookies_of_another_port_come_along(lesson):
    at_address, at_localhost = (lambda name=name: lesson.events(name) for name in ("address", "localhost"))
    wait_until(lambda: at_address() and at_localhost(), "both have answered")
    here = re.search(r"127\.0\.0\.1: (.*)", at_address()[0])[1]
    assert "username-127-0-0-1" in here, "JupyterLab's own"
    assert "localhost: no cookie" in at_localhost()[0], "another host"


def test_the_seventh_waits_until_the_first_is_closed(lesson):
    seven = [f"seventh {n}" for n in range(7)]
    wait_until(lambda: lesson.states(seven).count("open") == 6, "six are open")
    (waiting,) = [name for name in seven if lesson.head(name)[0] == "connecting"]
    assert lesson.head(waiting) == ("connecting", 0, 0, 0)
    assert waiting != seven[0], "that one is to be closed"
    lesson.press("close the first")
    wait_until(lambda: lesson.states(seven) == ["closed"] + ["open"] * 6, "there is room for the seventh")


def test_one_stream_carries_seven_topics(lesson):
    wait_until(lambda: lesson.head("one") == ("open", 7, 1, 0), "all seven, on one connection")


def test_a_server_that_is_killed_loses_no_order(lesson):
    wait_until(lambda: lesson.head("survivor")[0] == "open", "it is open")
    for orders in (1, 2):
        lesson.press("publish")
        wait_until(lambda: lesson.head("survivor")[1] == orders, "the order has come")  # noqa: B023  at once
    lesson.press("kill")
    wait_until(lambda: lesson.head("survivor")[0] == "connecting", "it is gone")
    lesson.press("start")
    wait_until(lambda: lesson.head("survivor")[:3] == ("open", 2, 2), "it is open again")
    lesson.press("publish")
    wait_until(lambda: lesson.head("survivor")[:3] == ("open", 3, 2), "one more order, and none twice")
    assert [text.split()[-1] for text in lesson.events("survivor")] == ["3", "2", "1"]


def test_the_buttons_are_for_the_newest_server(lesson, tmp_path):
    told = tmp_path / "port"
    lesson.execute("process = ServerProcess()")
    lesson.execute(f"import pathlib; pathlib.Path({str(told)!r}).write_text(process.url.split(':')[-1])")
    address = ("127.0.0.1", int(told.read_text()))
    socket.create_connection(address).close()
    lesson.press("kill")
    wait_until(lambda: not answers(address), "it is dead")
    lesson.press("start")
    wait_until(lambda: answers(address), "it is back")


def answers(address):
    try:
        socket.create_connection(address).close()
    except ConnectionRefusedError:
        return False
    return True
