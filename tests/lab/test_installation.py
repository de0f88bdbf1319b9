from sse_demo.lab import check_installation


def test_everything_is_installed_where_the_tests_run():
    report = check_installation()
    assert report.passed, report
    assert report.headline.startswith("your installation: passed")
