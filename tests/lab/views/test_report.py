from sse_demo.lab.views.report import Report


def test_a_report_says_what_is_done_and_what_is_missing():
    report = Report("task")
    report.expect("one", 1, lambda: 1)
    report.expect("two", 2, lambda: 3)
    assert not report.passed
    assert repr(report).splitlines() == [
        "task: still missing (1 of 2 done)",
        "  ok       one",
        "  missing  two",
        "           expected 2, got 3",
    ]


def test_an_error_in_an_answer_is_a_remark_and_no_exception():
    report = Report("task")
    report.expect("division", 1, lambda: 1 / 0)
    assert "ZeroDivisionError: division by zero" in repr(report)


def test_a_report_with_all_rows_done_has_passed():
    report = Report("task")
    report.add(True, "one")
    assert report.passed
    assert repr(report).startswith("task: passed (1 of 1 done)")


def test_what_a_learner_wrote_is_shown_as_text():
    report = Report("<task>")
    report.expect("<b>", 1, lambda: "<script>")
    html = report._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<b>" not in html


def test_a_long_value_is_cut():
    report = Report("r")
    report.expect("x", list(range(1000)), lambda: list(range(999)))
    assert len(repr(report)) < 600


def test_an_answer_that_never_ends_is_waited_for_once(monkeypatch):
    monkeypatch.setattr("sse_demo.lab.views.report.PATIENCE", 0.1)
    report = Report("r")
    report.expect("before", 1, lambda: 1)
    report.expect("endless", 1, endless)
    report.expect("after", 1, lambda: 1)
    assert [done for done, _, _ in report.rows] == [True, False, False]
    assert "still running after 0.1 s" in report.rows[1][2]
    assert report.rows[2][2] == "not tried any more"


def test_a_timeout_of_the_answers_own_is_an_error_like_others():
    def late():
        raise TimeoutError("no answer")

    report = Report("r")
    report.expect("late", 1, late)
    report.expect("after", 1, lambda: 1)
    assert report.rows[0][2] == "expected 1, but it raised TimeoutError: no answer"
    assert report.rows[1][0]


def endless():
    while True:
        pass
