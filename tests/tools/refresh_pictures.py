"""Takes the pictures that the README and the index show: from a real JupyterLab, and from the demo page.

    python tests/tools/refresh_pictures.py [FOLDER]        (default: notebooks/figures)

Look at each of them afterwards. The test run takes them too, and compares sizes, brightness and colours.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lab_page import NOTEBOOKS, JupyterLab, LabPage, NoChromium, chromium
from playwright.sync_api import Browser

from sse_demo import serve

FIGURES = NOTEBOOKS / "figures"
NOTEBOOK = "01_ten_messages"
PART = "Watch it live", "Look up."  # from the first cell with the one text to the first after it with the other
LIVE = {"Light": "live.png", "Dark": "live-dark.png"}  # by JupyterLab's theme
PAGE = {"light": "page.png", "dark": "page-dark.png"}
TALL = {"width": 1000, "height": 9000}  # what is out of sight is not drawn
MARGIN = 6  # pixels


def pictures(lab: JupyterLab, browser: Browser) -> Iterator[tuple[str, bytes]]:
    """Their names, and the PNG files. The notebook runs while the page is shown: both take their time."""
    context = browser.new_context(viewport=TALL)
    lab_page = LabPage(lab, context)
    shown = lab_page.open(NOTEBOOKS / f"{NOTEBOOK}.ipynb")
    shown.page.evaluate("() => jupyterapp.shell.collapseLeft()")
    shown.start_all_cells()
    yield from _of_the_page(browser)
    shown.wait_for_all_cells()
    for theme, name in LIVE.items():
        lab_page.set_theme(theme)
        yield name, shown.page.screenshot(clip=_around(shown.page, *PART))
    lab_page.set_theme("Light")
    shown.command("kernelmenu:shutdown")
    context.close()


def _of_the_page(browser: Browser) -> Iterator[tuple[str, bytes]]:
    with serve() as server:
        server.publish("news", "the kettle is on")
        page = browser.new_page(viewport={"width": 900, "height": 640})
        page.goto(server.url)
        page.wait_for_selector("#messages li:nth-child(5)")  # one every two seconds, as the page says
        for scheme, name in PAGE.items():
            page.emulate_media(color_scheme=scheme)
            yield name, page.screenshot()
        page.close()


def _around(page, first: str, last: str) -> dict:
    """The part of the page from the first cell that has this text to the first cell after it that has the other."""
    cells = page.locator(".jp-Notebook .jp-Cell")
    texts = cells.all_inner_texts()
    start = next(index for index, text in enumerate(texts) if first in text)
    end = next(index for index, text in enumerate(texts) if last in text and index >= start)
    top, bottom = cells.nth(start).bounding_box(), cells.nth(end).bounding_box()
    height = bottom["y"] + bottom["height"] - top["y"] + 2 * MARGIN
    return {"x": top["x"], "y": top["y"] - MARGIN, "width": top["width"], "height": height}


def main(folder: Path) -> None:
    try:
        with chromium() as browser, tempfile.TemporaryDirectory() as work, JupyterLab(Path(work)) as lab:
            for name, picture in pictures(lab, browser):
                print(folder / name, flush=True)
                (folder / name).write_bytes(picture)
    except NoChromium as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FIGURES)
