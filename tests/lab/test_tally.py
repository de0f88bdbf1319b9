import pytest

from sse_demo.lab import tally


@pytest.mark.parametrize(("received", "said"), [
    (range(5), "5 of 5 received, 0 missing, 0 twice, in order"),
    ([], "0 of 5 received, 5 missing, 0 twice, in order"),
    ([0, 1, 1, 4], "3 of 5 received, 2 missing, 1 twice, in order"),
    ([4, 0, 1, 2, 3], "5 of 5 received, 0 missing, 0 twice, out of order"),
    ([0, 9, 9], "1 of 5 received, 4 missing, 0 twice, in order, 2 that nobody has sent"),
], ids=["all", "none", "a gap and one twice", "out of order", "strange ones"])  # fmt: skip
def test_what_became_of_five_numbers(received, said):
    assert tally(received, range(5)) == said
