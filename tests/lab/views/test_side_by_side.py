import ipywidgets

from sse_demo.lab import SideBySide


def test_each_column_has_a_title_and_its_widget():
    left, right = ipywidgets.Label("one"), ipywidgets.Label("two")
    shown = SideBySide({"<no> ids": left, "ids": right})
    titles = [column.children[0].value for column in shown.children]
    assert titles == ["<b>&lt;no&gt; ids</b>", "<b>ids</b>"]
    assert [column.children[1] for column in shown.children] == [left, right]
    assert "wrap" in shown.layout.flex_flow
    assert repr(shown) == f"SideBySide('<no> ids': {left!r}, 'ids': {right!r})"
