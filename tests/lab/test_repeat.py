from functools import partial

from sse_demo.lab import Repeat


def test_it_repeats_until_it_is_stopped(eventually):
    calls = []

    def work():
        calls.append(1)

    repeat = Repeat(0.01, work)
    eventually(lambda: len(calls) > 3)
    repeat.stop()
    assert not repeat._thread.is_alive()
    assert repr(repeat) == "Repeat(0.01, work)"


def test_an_error_ends_it_and_is_kept(eventually):
    repeat = Repeat(0.01, lambda: 1 / 0)
    eventually(lambda: repeat.error)
    assert isinstance(repeat.error, ZeroDivisionError)
    repeat.stop()


def test_what_has_no_name_can_be_repeated_and_shown():
    repeat = Repeat(60, partial(print, "never"))
    repeat.stop()
    assert repr(repeat).startswith("Repeat(60, functools.partial(")
