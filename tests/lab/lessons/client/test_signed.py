import time
from itertools import islice

import pytest

from sse_demo.lab import check
from sse_demo.lab.lessons.client import signed

KEY = b"a key of this test"


def what_becomes_of(data):
    try:
        return signed.verify(data, KEY, time.time())["type"]
    except (ValueError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"


def test_its_solutions_pass_the_checks_of_the_lesson():
    assert check.verify.solution(signed.verify, signed.Refused).passed
    assert check.dispatcher.solution(signed.Dispatcher).passed


def test_a_bad_day():
    outcomes = [what_becomes_of(data) for data in signed.bad_day(KEY).values()]
    no_fit, old = "Refused: the signature does not fit", "Refused: its time is not now"
    bug = "JSONDecodeError: Expecting value: line 1 column 1 (char 0)"
    assert outcomes == ["price", no_fit, no_fit, old, bug, "price", "weather"]


def test_bad_days_go_on_for_ever_with_good_prices_between_them():
    outcomes = [what_becomes_of(data) for data in islice(signed.bad_days(KEY), 24)]
    assert outcomes[:12] == outcomes[12:]
    assert outcomes[7:12] == ["price"] * 5
    assert len(set(islice(signed.bad_days(KEY), 7, 12))) == 5


@pytest.mark.parametrize("body", ["price: 103", "[103]", '{"type": ["price"], "timestamp": 0, "payload": {}}', "{}"])
def test_a_message_that_is_not_complete(body):
    with pytest.raises(ValueError):  # noqa: PT011
        signed.decode(body)


def test_a_signature_that_cannot_be_encoded_is_refused():
    assert what_becomes_of("\ud800\n{}") == "Refused: the signature does not fit"


def test_a_client_that_lives_through_a_bad_day():
    lines = signed.live_through(lambda event: f"got {len(event.data)}", {"one": "1", "two": "22"}).splitlines()
    assert [line.split() for line in lines] == [["one", "got", "1"], ["two", "got", "2"]]


def test_an_exception_ends_the_day_with_a_sentence():
    class Starter:
        def dispatch(self, message):
            {}[message]

    def verify(data):
        raise TypeError("no")

    def of(receive):
        return signed.live_through(receive, {"one": "weather", "two": "22"}).splitlines()

    ended, until_then = (
        "The loop has ended: {} lets this exception out.",
        "Finish its exercise, or take signed.{} until then.",
    )
    assert of(lambda event: Starter().dispatch(event.data)) == [
        "one                KeyError: 'weather'",
        "",
        ended.format("dispatch"),
        until_then.format("Dispatcher"),
    ]
    assert of(lambda event: verify(event.data))[-2:] == [ended.format("verify"), until_then.format("verify")]
    assert of(lambda event: 1 / 0)[-1] == ended.format("receive")
