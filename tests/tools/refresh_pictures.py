"""Takes the pictures that the READMEs show, and a still of each live output, from a real JupyterLab.

    python tests/tools/refresh_pictures.py                    (those of the READMEs, into notebooks/figures)
    python tests/tools/refresh_pictures.py NOTEBOOK ...       (the stills of these notebooks, into their outputs)
    python tests/tools/refresh_pictures.py all                (everything)

A still stands beside the text of a live output in the stored notebook. So whoever reads on GitHub, or has not run the
cell yet, sees what it will look like. Look at each picture afterwards. The test run takes those of the READMEs, too,
and compares sizes, brightness and colours.
"""

import base64
import contextlib
import io
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import nbformat
from lab_page import NOTEBOOKS, JupyterLab, LabPage, NoChromium, chromium
from PIL import Image
from playwright.sync_api import Browser
from refresh_notebooks import PICTURE, WIDGET, code_cells, digest

from sse_demo import Access, Issuer, Rights, secret_key, serve, sign_token

FIGURES = NOTEBOOKS / "figures"
NOTEBOOK = "01_ten_messages"
PART = "Watch it live", "Look up."  # from the first cell with the one text to the first after it with the other
LIVE = {"Light": "live.png", "Dark": "live-dark.png"}  # by JupyterLab's theme
PAGE = {"light": "page.png", "dark": "page-dark.png"}  # by the scheme of colours
LOGIN = {"light": "login.png", "dark": "login-dark.png"}
WHO_IS_THERE = {"light": "who_is_there.png", "dark": "who_is_there-dark.png"}
READERS = {"kitchen": ["prices/tea"], "till": ["prices/tea", "orders/7"], "stock": ["orders/7", "orders/8", "orders/9"]}
TALL = {"width": 1000, "height": 9000}  # what is out of sight is not drawn
MARGIN = 6  # pixels
LIVES = 8  # seconds for which an output lives before its still is taken
COLORS = 64  # of a still
KEY = secret_key(secrets.token_bytes(32))
NO_STILL = ("StopButton", "ProgressLine")  # of these, the text says all


def pictures(lab: JupyterLab, browser: Browser) -> Iterator[tuple[str, bytes]]:
    """Their names, and the PNG files. The notebook runs while the page is shown: both take their time."""
    context = browser.new_context(viewport=TALL)
    lab_page = LabPage(lab, context)
    shown = lab_page.open(NOTEBOOKS / f"{NOTEBOOK}.ipynb")
    shown.page.evaluate("() => jupyterapp.shell.collapseLeft()")
    shown.start_all_cells()
    yield from _of_the_page(browser)
    yield from _of_access_control(browser)
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


def _of_access_control(browser: Browser) -> Iterator[tuple[str, bytes]]:
    """The page before anybody has logged in, and who is there, as an operator sees it."""
    issuer = Issuer(name="https://login.example.org", audience="https://events.example.org", keys=KEY)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve(access=Access(issuers=[issuer])))
        for subject, topics in READERS.items():
            token = _token(issuer, subject, Rights(subscribe=("*",)))
            address = f"{server.url}/events?{urlencode({'topic': topics}, doseq=True)}"
            stack.enter_context(urlopen(Request(address, headers={"Authorization": f"Bearer {token}"})))
        page = browser.new_page(viewport={"width": 900, "height": 560})
        page.goto(server.url)
        page.wait_for_selector("text=You are not logged in")
        for scheme, name in LOGIN.items():
            page.emulate_media(color_scheme=scheme)
            yield name, page.screenshot()
        page.get_by_label("Token").fill(_token(issuer, "operator", Rights(operate=frozenset({"admin"}))))
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Logged in as operator")
        page.goto(f"{server.url}/admin")
        page.wait_for_selector("tbody tr:nth-child(4)")  # the readers, and the operator who looks
        for scheme, name in WHO_IS_THERE.items():
            page.emulate_media(color_scheme=scheme)
            yield name, page.screenshot()
        page.close()


def _token(issuer: Issuer, subject: str, rights: Rights) -> str:
    return sign_token(KEY, issuer=issuer.name, audience=issuer.audience, subject=subject, rights=rights, expires_in=600)


def _around(page, first: str, last: str) -> dict:
    """The part of the page from the first cell that has this text to the first cell after it that has the other."""
    cells = page.locator(".jp-Notebook .jp-Cell")
    texts = cells.all_inner_texts()
    start = next(index for index, text in enumerate(texts) if first in text)
    end = next(index for index, text in enumerate(texts) if last in text and index >= start)
    top, bottom = cells.nth(start).bounding_box(), cells.nth(end).bounding_box()
    height = bottom["y"] + bottom["height"] - top["y"] + 2 * MARGIN
    return {"x": top["x"], "y": top["y"] - MARGIN, "width": top["width"], "height": height}


def put_stills(lab: JupyterLab, browser: Browser, name: str) -> None:
    """Run a notebook, and put a picture of each live output into the stored one."""
    path = NOTEBOOKS / f"{name}.ipynb"
    stored = nbformat.read(path, as_version=4)
    context = browser.new_context(viewport=TALL)
    shown = LabPage(lab, context).open(path)
    shown.page.evaluate("() => jupyterapp.shell.collapseLeft()")
    shown.start_all_cells()
    shown.wait_for_all_cells()
    shown.wait(LIVES)
    cells = [place for place, cell in enumerate(stored.cells) if cell.cell_type == "code"]
    for place, stored_cell, run in zip(cells, code_cells(stored), shown.cells(), strict=True):
        children = shown.panel.locator(".jp-Cell").nth(place).locator(".jp-OutputArea-child")
        for number, output in enumerate(run["outputs"]):
            text = "".join(output.get("data", {}).get("text/plain", ""))
            if WIDGET in output.get("data", {}) and not text.startswith(NO_STILL):
                kept = stored_cell.outputs[number]
                assert kept.data["text/plain"] == text, f"refresh the notebook first: {text}"
                picture = children.nth(number).locator(".jp-OutputArea-output").screenshot()
                kept.data[PICTURE] = base64.b64encode(small(picture)).decode()
                stored_cell.metadata["source_of_output"] = digest(stored_cell)
    nbformat.write(stored, path)
    shown.command("kernelmenu:shutdown")
    context.close()


def small(picture: bytes) -> bytes:
    """The same picture, with few colours."""
    file = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLORS).save(file, "png", optimize=True)
    return file.getvalue()


def main(names: list[str]) -> None:
    notebooks = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) if names == ["all"] else names
    try:
        with chromium() as browser, tempfile.TemporaryDirectory() as work, JupyterLab(Path(work)) as lab:
            for name in notebooks:
                print(f"{name}.ipynb ...", flush=True)
                put_stills(lab, browser, Path(name).stem)
            for name, picture in pictures(lab, browser) if names in ([], ["all"]) else ():
                print(FIGURES / name, flush=True)
                (FIGURES / name).write_bytes(picture)
    except NoChromium as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
