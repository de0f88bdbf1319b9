from sse_demo.lab import source_of
from sse_demo.lab.lessons.choosing_a_transport.transports import Feed, LongPolling


def test_it_is_the_code_in_the_colours_of_the_page():
    shown = source_of(LongPolling)
    assert repr(shown).startswith("class LongPolling(Door):\n")
    assert shown._repr_markdown_() == f"```python\n{shown!r}\n```"


def test_a_method_stands_alone():
    assert repr(source_of(Feed.after)).startswith("async def after(self, cursor: int)")
    assert "\n\nclass LongPolling" in repr(source_of(Feed.after, LongPolling))
