import base64
import io

import matplotlib.image
import pytest

from sse_demo.lab import StillChart
from sse_demo.lab.look import QUIET


def picture(chart):
    bundle, about = chart._repr_mimebundle_()
    assert about["image/png"]["width"] < 700
    return base64.b64decode(bundle["image/png"])


def test_it_is_a_picture_on_a_ground_that_the_page_shines_through():
    chart = StillChart("delay", x="events a second", y="ms")
    chart.axes.plot([1, 2], [3, 4], label="event stream")
    pixels = matplotlib.image.imread(io.BytesIO(picture(chart)))
    assert pixels.shape[1] > 1000
    assert pixels[0, 0, 3] == 0
    assert repr(chart) == "StillChart('delay')"


def test_the_same_chart_has_the_same_bytes():
    def drawn():
        chart = StillChart("delay", rows=2)
        for row in chart.rows:
            row.plot([1, 2], [3, 4], label="a")
        return picture(chart)

    assert drawn() == drawn()


def test_axes_say_what_they_have_and_lines_what_they_are():
    chart = StillChart("delay", x="events a second", y="ms", rows=2)
    chart.axes.plot([1, 2], [3, 4], label="event stream")
    picture(chart)
    assert [row.get_ylabel() for row in chart.rows] == ["ms", "ms"]
    assert [row.get_xlabel() for row in chart.rows] == ["", "events a second"]
    assert chart.axes.get_legend().get_texts()[0].get_text() == "event stream"
    assert chart.rows[1].get_legend() is None


def test_rows_with_the_same_lines_explain_them_once():
    chart = StillChart("delay", rows=2)
    for row in chart.rows:
        row.plot([1, 2], [3, 4], label="event stream")
    picture(chart)
    assert chart.rows[0].get_legend() is not None
    assert chart.rows[1].get_legend() is None


def test_the_title_stands_at_the_left_as_in_live_charts():
    assert StillChart("delay").axes.get_title("left") == "delay"


@pytest.mark.parametrize("background", [(255, 255, 255), (17, 17, 17)])  # of JupyterLab's themes
def test_its_letters_can_be_read_on_both_themes(background):
    def luminance(rgb):
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in rgb)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted([luminance(tuple(bytes.fromhex(QUIET[1:]))), luminance(background)])
    assert (light + 0.05) / (dark + 0.05) > 4
