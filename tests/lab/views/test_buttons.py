"""The Python half. ``tests/browser/test_lesson_browser.py`` has a browser, too."""

import threading

import pytest

from sse_demo.lab import Buttons
from sse_demo.lab.look import GOOD, WRONG


@pytest.fixture
def door():
    return {"state": "open"}


@pytest.fixture
def buttons(door):
    def break_it():
        raise OSError("nobody answers")

    actions = {
        "kill": lambda: door.update(state="killed"),
        "start": lambda: door.update(state="running") or "it is back",
        "break": break_it,
        "mute": lambda: [].pop(),
    }
    buttons = Buttons(actions, state=lambda: door["state"])
    yield buttons
    buttons.stop()


def test_the_text_form():
    assert repr(Buttons({"publish": print, "kill": print})) == "Buttons(publish, kill)"


def test_a_click_is_done_and_the_state_is_known_at_once(buttons):
    buttons.click("kill")
    assert (buttons.said, buttons.state, buttons.color, buttons.failed) == ("kill: done", "killed", WRONG, False)
    buttons.click("start")
    assert (buttons.said, buttons.state, buttons.color) == ("start: it is back", "running", GOOD)


def test_a_click_that_cannot_be_done_says_why_and_the_next_one_is_done(buttons):
    buttons.click("break")
    assert (buttons.said, buttons.failed) == ("break: could not be done: nobody answers", True)
    buttons.click("mute")
    assert (buttons.said, buttons.failed) == ("mute: could not be done: pop from empty list", True)
    buttons.click("start")
    assert not buttons.failed
    assert buttons.clicks == 3


def test_the_state_is_seen_when_somebody_else_changes_it(buttons, door, eventually):
    door["state"] = "closed"
    eventually(lambda: buttons.state == "closed")


def test_the_browser_says_which_button_was_clicked(buttons):
    buttons._handle_custom_msg({"click": "kill"}, [])
    assert buttons.said == "kill: done"


def test_stopped_it_does_nothing_and_says_so(door):
    done = []
    buttons = Buttons({"do": lambda: done.append(1)}, state=lambda: door["state"])
    buttons.stop()
    buttons.stop()
    buttons.click("do")
    assert (done, buttons.stopped, buttons.said) == ([], True, "Stopped. Run the cell again.")


def test_two_clicks_at_once_come_one_after_the_other():
    inside, seen = threading.Lock(), []

    def once():
        seen.append(inside.acquire(blocking=False))
        threading.Event().wait(0.05)
        inside.release()

    buttons = Buttons({"do": once})
    clicks = [threading.Thread(target=buttons.click, args=["do"]) for _ in range(3)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert seen == [True] * 3
