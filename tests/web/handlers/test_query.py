"""The query of a request."""

import pytest
from asking import assert_problem, request


def test_a_percent_sign_in_a_request_is_shown_as_it_is(server):
    assert_problem(request(server, "GET", "/events?topic=100%25"), 400, "'100%'")
    assert_problem(request(server, "GET", "/100%25"), 404, "/100%25")


@pytest.mark.parametrize("path", ["/events?topic=%FF", "/stream?count=%FF"])
def test_a_query_that_is_not_utf_8(server, path):
    assert request(server, "GET", path)[0] == 400
