import logging

import pytest

from sse_demo.lab import LogLines


@pytest.fixture
def logger():
    logger = logging.getLogger("a logger of this test")
    yield logger
    logger.handlers, logger.propagate = [], True


def test_lines_are_kept_and_printed_nowhere(logger, capsys, caplog):
    lines = LogLines(logger.name)
    logger.warning("one thing\nand more of it")
    logger.error("another thing")
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        logger.exception("%s fails", "a division")
    assert lines.find("thing") == ["one thing", "another thing"]
    assert lines.find("fails") == ["a division fails ZeroDivisionError"]
    assert not caplog.records
    assert capsys.readouterr() == ("", "")


def test_a_cell_that_is_run_again_begins_anew_and_only_the_newest_are_kept(logger):
    before, lines = LogLines(logger.name), LogLines(logger.name)
    for number in range(150):
        logger.warning("line %d", number)
    assert before.find("line") == []
    assert lines.find("line") == [f"line {number}" for number in range(50, 150)]


def test_the_newest_line_is_found_for_each_text_that_there_is(logger):
    lines = LogLines(logger.name)
    for text in ("a cat", "a dog", "another cat"):
        logger.warning(text)
    assert lines.newest("dog", "cat", "bird") == ["a dog", "another cat"]
