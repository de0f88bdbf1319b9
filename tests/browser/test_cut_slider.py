"""``CutSlider`` in a real JupyterLab: two of the same stream, the mouse, the keys, and a kernel that has gone."""

import re

import pytest
from lab_page import LabPage, troubles
from playwright.sync_api import expect

CELLS = (
    """
from sse_demo import EventStreamParser
from sse_demo.lab.lessons.wire_format.cut_slider import CutSlider

def forgetful(chunks):
    return [event for chunk in chunks for event in EventStreamParser().feed(chunk)]

first = CutSlider(b"data: one\\n\\ndata: two\\n\\n", forgetful, at=11)
first""",
    "second = CutSlider(first.stream, EventStreamParser, at=11)\nsecond",
)


@pytest.fixture(scope="module")
def notebook(lab, browser):
    lab_page = LabPage(lab, browser.new_context(viewport={"width": 1000, "height": 900}))
    notebook = lab_page.open(lab.write("cut_slider.ipynb", *CELLS))
    notebook.start_all_cells()
    notebook.wait_for_all_cells()
    assert not troubles(notebook.cells())
    yield notebook
    assert not lab_page.errors


def test_the_cut_is_dragged_and_moved_by_the_keys_and_both_follow(notebook):
    first, second = notebook.panel.locator(".sse-cut").all()
    expect(first).to_contain_text("the same events as without a cut")
    box = first.bounding_box()
    width = min(box["width"], 760) - 16
    mouse = notebook.page.mouse
    mouse.move(box["x"] + 8 + width * 11 / 22, box["y"] + 20)
    mouse.down()
    mouse.move(box["x"] + 8 + width * 15 / 22, box["y"] + 20)
    mouse.up()
    expect(first).to_contain_text("first chunk: 15 bytes")
    expect(first).to_contain_text("wrong: it must be one, two")
    expect(second).to_contain_text("first chunk: 15 bytes")
    expect(second).to_contain_text("the same events as without a cut")
    expect(first.locator("input")).to_be_focused()
    notebook.page.keyboard.press("ArrowRight")
    expect(second).to_contain_text("first chunk: 16 bytes")
    expect(first).to_contain_text(re.compile(r"tried [345] of 23 places, [12] harmless"))


def test_a_kernel_that_has_gone_is_told(notebook):
    first = notebook.panel.locator(".sse-cut").first
    notebook.restart_kernel()
    expect(first).to_contain_text("Its kernel has gone. Run the cell again.")
    expect(first.locator("input")).to_be_disabled()
