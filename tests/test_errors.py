"""The errors: one family, each of which survives the way to another process."""

import copy
import inspect
import pickle

import pytest

import sse_demo
from sse_demo import Comment, Event, SSEError, errors

CLASSES = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, BaseException)
]  # SSEError, too
ARGUMENTS = {
    "EventTooLarge": ("an event of more than 5 bytes", [Event("a", id="7"), Comment("b")]),
    "EventSourceError": ("http://127.0.0.1/ answered 503", "http://127.0.0.1/", 3, 503),
    "PublishError": ("http://127.0.0.1/ answered 400", "http://127.0.0.1/", 400),
    "Rejected": ({0: errors.IdempotencyConflict("used"), 3: errors.Overtaken("by another state")},),
}
EXAMPLES = {kind.__name__: kind(*ARGUMENTS.get(kind.__name__, ("something is wrong",))) for kind in CLASSES}
WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {n}": lambda error, n=n: pickle.loads(pickle.dumps(error, n)) for n in range(2, 6)},
}


def shown(error):
    """All that can be seen of an error, with that of the errors that it holds."""
    attributes = {name: value for name, value in vars(error).items() if name != "causes"}
    causes = {place: shown(cause) for place, cause in vars(error).get("causes", {}).items()}
    return type(error), str(error), repr(error), error.args, error.status, attributes, causes


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("way", WAYS)
def test_each_error_can_be_copied_and_pickled(name, way):
    error = EXAMPLES[name]
    again = WAYS[way](error)
    assert again is not error
    assert shown(again) == shown(error)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_error_that_was_raised_with_a_cause_and_a_note_can_be_pickled(name):
    error = copy.copy(EXAMPLES[name])
    error.add_note("while testing")
    with pytest.raises(type(error)) as caught:
        raise error from OSError("the cause")
    again = pickle.loads(pickle.dumps(caught.value))
    assert shown(again) == shown(error)
    assert again.__notes__ == ["while testing"]
    assert again.__cause__ is None, "a cause stays in its process"


def test_an_error_of_ones_own_can_be_copied_whatever_its_arguments():
    class Refused(SSEError):
        status = 403

        def __init__(self, *, who):
            super().__init__(f"{who} may not")
            self.who = who

    again = copy.deepcopy(Refused(who="ada"))
    assert (str(again), again.who, again.status) == ("ada may not", "ada", 403)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_each_error_is_of_the_family_and_public(kind):
    assert issubclass(kind, SSEError)
    assert getattr(sse_demo, kind.__name__) is kind
    assert kind.status is None or 400 <= kind.status < 600


def test_what_the_http_statuses_are():
    statuses = {name: error.status for name, error in EXAMPLES.items()}
    assert statuses == {
        "SSEError": None,
        "InvalidInput": 400,
        "EventTooLarge": 413,
        "IdempotencyConflict": 422,
        **dict.fromkeys(["TopicFull", "Overloaded", "ServerStopped"], 503),
        **dict.fromkeys(["LogError", "LogFull", "LogUncertain", "Overtaken", "Rejected"], 503),
        "EventSourceError": 503,  # as given: of the answer
        "PublishError": 400,
    }


def test_bad_input_is_a_value_error_too():
    for kind in (errors.InvalidInput, errors.EventTooLarge, errors.IdempotencyConflict):
        assert issubclass(kind, ValueError)
