import pytest

from sse_demo import EventStreamParser
from sse_demo.lab.score import KNOWN, ScoreBoard, failures, score_board
from sse_demo.wire.vectors import VECTORS


def test_our_parser_fails_nothing():
    assert failures(EventStreamParser) == {}


def test_a_contestant_that_cannot_be_cut_is_told_from_one_that_is_wrong():
    def whole_only(chunks):
        return [event for chunk in chunks for event in EventStreamParser().feed(chunk)]

    failed = failures(whole_only)
    assert failed
    assert set(failed.values()) == {"cut"}
    assert set(failures(lambda chunks: [("message", "no", "")]).values()) == {"whole"}


def test_a_contestant_that_raises_has_not_read_it():
    def broken(chunks):
        raise ValueError

    assert len(failures(broken)) == sum(not vector.start_id for vector in VECTORS)


@pytest.mark.parametrize("name", [name for name in KNOWN if name != "sse_demo"])
def test_the_well_known_parsers_read_most_of_it(name):
    failed = failures(KNOWN[name])
    assert 0 < len(failed) < len(VECTORS) / 2


def test_the_board_is_a_table_for_text_and_for_eyes():
    board = score_board({"ours": EventStreamParser, "none": lambda chunks: []})
    assert isinstance(board, ScoreBoard)
    ours, none = board.rows
    assert ours == ("ours", board.total, board.total)
    assert none[2] < board.total
    assert repr(board).splitlines()[0].startswith(f"of {board.total} vectors")
    assert board._repr_html_().count("<tr>") == 3
