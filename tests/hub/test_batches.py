"""Runs of entries, cut into batches."""

from itertools import chain

import pytest

from sse_demo.hub.batches import batches


def entry(size):
    return type("Sized", (), {"wire": b"x" * size})()


@pytest.mark.parametrize(
    ("sizes", "size", "wanted"),
    [
        ([], 10, []),
        ([3], 10, [[3]]),
        ([4, 4, 4, 4], 10, [[4, 4, 4], [4]]),
        ([10, 10], 10, [[10], [10]]),
        ([100, 1, 1], 10, [[100], [1, 1]]),
    ],
)
def test_a_batch_ends_with_the_entry_that_fills_it(sizes, size, wanted):
    cut = list(batches(map(entry, sizes), size))
    assert [[len(one.wire) for one in batch] for batch in cut] == wanted
    assert [len(one.wire) for one in chain.from_iterable(cut)] == sizes
