"""One at a time, said so."""

import pytest

from sse_demo.client.one_reader import OneReader


def test_a_second_is_refused_and_the_first_goes_on():
    guard = OneReader()
    with guard:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="waits for the next event of this stream already"), guard:
                pass
    with guard:
        pass


def test_it_is_free_again_after_an_error():
    guard = OneReader()
    with pytest.raises(ZeroDivisionError), guard:
        1 / 0  # noqa: B018
    with guard:
        pass
