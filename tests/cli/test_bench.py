"""``bench``: a table, and a bar while it is made."""

import sys


def test_it_shows_a_table(run):
    answer = run("bench", "--subscribers", "20", "--events", "5", "--rounds", "1")
    assert answer.status == 0
    assert "20 subscribers, 5 events of 100 bytes, median of 1 rounds" in answer.stdout
    for word in ("sse_demo", "bare send loop", "deliveries a second", "CPU", "p99", "memory", "ratio"):
        assert word in answer.stdout
    assert "round 1 of 1" in answer.stderr


def test_it_measures_where_nobody_sees_the_bar(run, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    answer = run("bench", "--subscribers", "2", "--events", "1", "--rounds", "1")
    assert (answer.status, answer.stderr) == (0, "")
    assert "bare send loop" in answer.stdout
