import re

from sse_demo.lab import Histogram


def test_a_row_for_each_name_with_one_axis():
    shown = Histogram("tries", {"one": [0.1, 0.1, 5.0], "<two>": [9.9]}, until=32)._repr_html_()
    assert "one: at most 2 in 0.1 s" in shown
    assert "&lt;two&gt;: at most 1" in shown
    assert re.findall(r">([\d.]+) s<", shown) == ["0", "8", "16", "24", "32"]
    assert shown.count("<rect") == 3


def test_what_is_later_is_not_drawn_and_nothing_is_fine():
    assert Histogram("tries", {"one": [1, 99]}, until=10)._repr_html_().count("<rect") == 1
    assert Histogram("tries", {"one": []})._repr_html_().count("<rect") == 0
    assert Histogram("tries", {"one": [1, 99]})._repr_html_().endswith("99 s</text></svg>")


def test_the_text_form():
    assert repr(Histogram("tries", {"a": [1], "b": [2]})) == "Histogram('tries': a, b)"
