"""Takes the pictures that the README and the index show: from a real JupyterLab, and from the demo page.

    python tests/refresh_pictures.py [FOLDER]        (default: notebooks/figures)

Look at each of them afterwards. What a picture shows is said in PICTURES below: the notebook, the theme, the first and
the last cell, by a text that is in it.
"""

import sys
import tempfile
from pathlib import Path

from lab_page import HOW_TO_GET_ONE, NOTEBOOKS, QUIET, JupyterLab, NotebookPage, find_chromium
from playwright.sync_api import sync_playwright

from sse_demo import serve

PICTURES = [
    ("live.png", "01_ten_messages", "JupyterLab Light", "Watch it live", "499999500000"),
    ("live-dark.png", "01_ten_messages", "JupyterLab Dark", "Watch it live", "499999500000"),
    ("seven.png", "05_browser", "JupyterLab Light", "The seventh", "close the first"),
]
TALL = {"width": 1000, "height": 9000}  # what is out of sight is not drawn
LIVE = 3  # seconds in which the live outputs get something to show
MARGIN = 6  # pixels


def main(folder: Path) -> None:
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as work:
        executable = find_chromium(playwright)
        if executable is None:
            sys.exit(HOW_TO_GET_ONE)
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
        with JupyterLab(Path(work)) as lab:
            for name, notebook, theme, first, last in PICTURES:
                print(f"{name} ...", flush=True)
                context = browser.new_context(viewport=TALL)
                page = NotebookPage(lab, context, NOTEBOOKS / f"{notebook}.ipynb")
                page.page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
                page.command("application:toggle-left-area")
                page.start_all_cells()
                page.wait_for_all_cells()
                page.wait(LIVE)
                page.page.screenshot(path=folder / name, clip=_around(page.page, first, last))
                page.command("kernelmenu:shutdown")
                context.close()
        print("page.png ...", flush=True)
        with serve() as server:
            page = browser.new_page(viewport={"width": 900, "height": 640})
            page.route("**/stream", lambda route: route.continue_(url=f"{route.request.url}?interval=0.1"))
            page.goto(server.url)
            page.wait_for_selector("#messages li:nth-child(6)")
            page.screenshot(path=folder / "page.png")
        browser.close()


def _around(page, first: str, last: str) -> dict:
    """The part of the page from the first cell that has this text to the first cell after it that has the other."""
    cells = page.locator(".jp-Notebook .jp-Cell")
    texts = cells.all_inner_texts()
    start = next(index for index, text in enumerate(texts) if first in text)
    end = next(index for index, text in enumerate(texts) if last in text and index >= start)
    top, bottom = cells.nth(start).bounding_box(), cells.nth(end).bounding_box()
    height = bottom["y"] + bottom["height"] - top["y"] + 2 * MARGIN
    return {"x": top["x"], "y": top["y"] - MARGIN, "width": top["width"], "height": height}


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else NOTEBOOKS / "figures")
