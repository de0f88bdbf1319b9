import pytest

from sse_demo.lab import check


def test_the_newest_of_each_key():
    def right(pairs):
        found = {}
        for key, value in pairs:
            found.pop(key, None)
            found[key] = value
        return list(found.items())

    assert check.newest(right).passed
    for wrong in (
        lambda pairs: pairs,
        lambda pairs: list(dict(pairs).items()),
        lambda pairs: None,
        lambda pairs: (pairs.sort(), right(pairs))[1],
        lambda pairs: (right(pairs), pairs.clear())[0],
        lambda pairs: sorted(dict(pairs).items(), key=lambda pair: pair[1]),
        lambda pairs: sorted(((key, max(v for k, v in pairs if k == key)) for key in dict(pairs)), key=str),
    ):
        assert not check.newest(wrong).passed


@pytest.mark.parametrize("form", [
    lambda found: list(map(list, found.items())), lambda found: tuple(found.items()), lambda found: found.items(),
    lambda found: (pair for pair in found.items()),
])  # fmt: skip
def test_pairs_may_come_in_any_sequence(form):
    def newest(pairs):
        found = {}
        for key, value in pairs:
            found.pop(key, None)
            found[key] = value
        return form(found)

    assert check.newest(newest).passed


@pytest.mark.parametrize(("wrong", "shown"), [
    (dict, "{'A': 3}"), (lambda pairs: None, "None"), (lambda pairs: "A", "'A'"), (lambda pairs: ["A3"], "['A3']"),
])  # fmt: skip
def test_what_is_no_list_of_pairs_is_shown_as_it_was_returned(wrong, shown):
    assert (False, "one key", f"expected [('A', 3)], got {shown}") in check.newest(wrong).rows
    assert any(remark.endswith("got 7") for _, _, remark in check.urgent_first(lambda waiting, urgent: 7).rows)


def test_urgent_first():
    assert check.urgent_first(lambda waiting, urgent: sorted(waiting, key=lambda pair: pair[0] not in urgent)).passed
    for wrong in (
        lambda waiting, urgent: waiting,
        lambda waiting, urgent: sorted(waiting, key=lambda pair: (pair[0] not in urgent, pair[0])),
        lambda waiting, urgent: [pair for pair in waiting if pair[0] in urgent],
        lambda waiting, urgent: sorted(waiting, key=lambda pair: (pair[0] not in urgent, pair[1])),
        lambda waiting, urgent: sorted(waiting, key=lambda pair: (pair[0] not in urgent, -pair[1])),
        lambda waiting, urgent: 1 / 0,
    ):
        assert not check.urgent_first(wrong).passed
