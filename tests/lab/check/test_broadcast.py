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
    ):
        assert not check.newest(wrong).passed


def test_urgent_first():
    assert check.urgent_first(lambda waiting, urgent: sorted(waiting, key=lambda pair: pair[0] not in urgent)).passed
    for wrong in (
        lambda waiting, urgent: waiting,
        lambda waiting, urgent: sorted(waiting, key=lambda pair: (pair[0] not in urgent, pair[0])),
        lambda waiting, urgent: [pair for pair in waiting if pair[0] in urgent],
        lambda waiting, urgent: 1 / 0,
    ):
        assert not check.urgent_first(wrong).passed
