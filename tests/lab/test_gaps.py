import pytest

from sse_demo import Event
from sse_demo.lab import gaps


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ([7, 8, 9], "0 missing, 0 twice, 0 out of order"),
        ([7, 9, 9, 12], "3 missing, 1 twice, 0 out of order"),
        ([60, 3, 61, 4], "55 missing, 0 twice, 2 out of order"),
        ([5], "0 missing, 0 twice, 0 out of order"),
        ([], "no numbers"),
    ],
)
def test_what_is_missing_twice_or_late(numbers, told):
    assert gaps(Event(str(number)) for number in numbers) == gaps(numbers) == told


@pytest.mark.parametrize(("received", "told"), [
    (range(5), "0 missing, 0 twice, 0 out of order"),
    ([], "5 missing, 0 twice, 0 out of order"),
    ([0, 1, 1, 4], "2 missing, 1 twice, 0 out of order"),
    ([4, 0, 1, 2, 3], "0 missing, 0 twice, 1 out of order"),
    ([0, 9, 9], "4 missing, 1 twice, 0 out of order, 1 that nobody has sent"),
], ids=["all", "none", "a gap and one twice", "out of order", "a strange one"])  # fmt: skip
def test_what_became_of_five_numbers(received, told):
    assert gaps(received, range(5)) == told
