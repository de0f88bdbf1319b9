"""The pictures of the README and the index can be taken again, and show about as much as those that are stored."""

import base64

import pytest
from refresh_pictures import FIGURES, pictures

OTHER_FONTS = 0.2  # of the height: lines break elsewhere
SCROLL_BAR = 0.02  # of the width
OTHER_WORDS = 0.05  # of the brightness, which is 0 to 1: numbers and lines that move
LEAST_COLORS = 0.25  # of those of the other; the edges of letters have many, and a page without them has one

MEASURE = """async picture => {
    const file = await fetch(`data:image/png;base64,${picture}`);
    const image = await createImageBitmap(await file.blob());
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    const bytes = context.getImageData(0, 0, image.width, image.height).data;
    const brightness = bytes.reduce((sum, byte, place) => place % 4 < 3 ? sum + byte : sum, 0) / (bytes.length * 3 / 4);
    return [image.width, image.height, brightness / 255, new Set(new Uint32Array(bytes.buffer)).size];
}"""


def test_the_pictures_that_are_shown_can_be_taken_again(lab, browser):
    taken = dict(pictures(lab, browser))
    assert set(taken) == {path.name for path in FIGURES.glob("*.png")}
    page = browser.new_page()
    for name, picture in taken.items():
        stored = (FIGURES / name).read_bytes()
        width, height, brightness, colors = page.evaluate(MEASURE, base64.b64encode(stored).decode())
        now = page.evaluate(MEASURE, base64.b64encode(picture).decode())
        assert now[:2] == [pytest.approx(width, rel=SCROLL_BAR), pytest.approx(height, rel=OTHER_FONTS)], name
        assert now[2] == pytest.approx(brightness, abs=OTHER_WORDS), f"{name} is lighter or darker"
        assert now[3] > LEAST_COLORS * colors, f"{name} shows less"
    page.close()
