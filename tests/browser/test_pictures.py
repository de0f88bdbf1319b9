"""The pictures of the README and the index can be taken again, and show about as much as those that are stored."""

import struct

import pytest
from refresh_pictures import FIGURES, of_notebooks, of_the_page

PNG = struct.Struct(">8s4x4sII")  # signature, name of the first chunk, width, height: PNG specification, 5.2 and 11.2.1
OTHER_FONTS = 0.2  # of the height: lines break elsewhere
SCROLL_BAR = 0.02  # of the width


def size(picture):
    signature, chunk, width, height = PNG.unpack_from(picture)
    assert (signature, chunk) == (b"\x89PNG\r\n\x1a\n", b"IHDR")
    return width, height


def test_the_pictures_that_are_shown_can_be_taken_again(lab, browser):
    taken = dict([*of_the_page(browser), *of_notebooks(lab, browser)])
    assert set(taken) == {path.name for path in FIGURES.glob("*.png")}
    for name, picture in taken.items():
        width, height = size((FIGURES / name).read_bytes())
        assert size(picture) == (pytest.approx(width, rel=SCROLL_BAR), pytest.approx(height, rel=OTHER_FONTS)), name
