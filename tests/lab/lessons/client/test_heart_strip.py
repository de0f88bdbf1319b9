import asyncio
import base64
import io
import time

import matplotlib.image
import pytest

from sse_demo.lab import HeartStrip
from sse_demo.lab.lessons.client.heart_strip import HOLE


async def blocking(mark):
    for _ in range(3):
        time.sleep(0.1)  # noqa: ASYNC251
        mark("a message")


async def friendly(mark):
    await asyncio.to_thread(time.sleep, 0.05)
    mark()


def others():
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def seen():
    strip = HeartStrip("beats")
    await strip.during("blocking", blocking(strip.mark))
    await strip.during("thread", friendly(strip.mark))
    await asyncio.sleep(0)
    assert not others()
    return strip


def test_a_hole_is_where_the_loop_has_no_turn():
    strip = asyncio.run(seen())
    assert list(strip.gaps) == ["blocking", "thread"]
    assert strip.gaps["blocking"] >= 0.3
    assert strip.gaps["thread"] < strip.gaps["blocking"] / 2
    begin, end = strip.rows["blocking"].hole
    assert all(begin < mark < end for mark in strip.rows["blocking"].marks)
    assert [len(row.marks) for row in strip.rows.values()] == [3, 1]


def test_it_is_drawn_with_the_hole():
    strip = asyncio.run(seen())
    chart = strip._chart()
    assert [label.get_text() for label in chart.axes.get_yticklabels()] == ["blocking", "thread"]
    assert chart.axes.texts[0].get_text() == f"no beat for {strip.gaps['blocking']:.2f} s"
    bundle, about = strip._repr_mimebundle_()
    assert bundle["text/plain"] == repr(strip) == "HeartStrip('beats')"
    assert about["image/png"]["width"] < 700
    pixels = matplotlib.image.imread(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert pixels[0, 0, 3] == 0, "the page shines through"
    assert strip.gaps["blocking"] > HOLE


def test_the_legend_says_what_a_mark_means():
    chart = HeartStrip("beats", mark="a handler is done")._chart()
    assert "a handler is done" in [text.get_text() for text in chart.figure.legends[0].get_texts()]


def test_without_rows_it_can_be_shown():
    assert "image/png" in HeartStrip("beats")._repr_mimebundle_()[0]


def test_nothing_beats_after_an_interrupt_or_a_failure():
    async def fails():
        raise OSError

    async def main():
        strip = HeartStrip("beats")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(strip.during("silent", asyncio.sleep(60)), 0.15)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(strip.during("not begun", asyncio.sleep(60)), 0.01)
        with pytest.raises(OSError):  # noqa: PT011
            await strip.during("fails", fails())
        await asyncio.sleep(0)
        assert not others()
        assert strip.rows == {}

    asyncio.run(main())
