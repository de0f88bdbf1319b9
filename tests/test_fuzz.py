"""Hostile requests: the server answers afterwards, nobody is left, and its log has no traceback.

``tests/benchmarks/fuzz.py`` throws more of them, and prints what came back.
"""

from fuzz import at_rest, fuzz, server


def test_whatever_is_thrown_at_it_the_server_goes_on():
    with server() as (port, process, text):
        fuzz(port, 300)
        before = process.memory_info().rss
        thrown = fuzz(port, 700)
        state = at_rest(port)
        assert (state["status"], state["connections"], state["subscribers"]) == ("ok", 0, 0)
        assert process.memory_info().rss - before < 32 * 2**20
        assert thrown.count >= 700
        assert {"200", "400"} <= set(thrown.statuses)
        log = text()
    assert "Traceback" not in log
    assert "/health" in log, "the log was looked at"
