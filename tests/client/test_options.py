"""The options are written down twice: once for type checkers, and once with their defaults."""

import inspect
from typing import get_type_hints

from sse_demo import EventSource
from sse_demo.client.options import EventSourceOptions


def test_type_checkers_know_each_option_of_a_stream_with_its_type():
    parameters = dict(inspect.signature(EventSource.__init__).parameters)
    for apart in ("self", "url", "comments"):
        del parameters[apart]
    types = get_type_hints(EventSource.__init__)
    assert get_type_hints(EventSourceOptions) == {name: types[name] for name in parameters}


def test_each_option_of_a_stream_may_be_left_out():
    assert EventSourceOptions.__required_keys__ == frozenset()
