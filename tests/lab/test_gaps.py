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
    assert gaps(Event(str(number)) for number in numbers) == told
