"""The query of a request."""

import pytest
from asking import assert_problem, request

from sse_demo import serve
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route


class Asked(Handler):
    """Shows what is read of its query, and of what type it is."""

    def get(self):
        query = self.query
        self.write(
            {
                "given": "number" in query,
                "text": query.text("text"),
                "texts": [query.text("text", "none")],
                "number": query.number("number", 10, least=1, most=99),
                "share": query.number("share", 0.5, least=0, most=1),
            }
        )


@pytest.fixture(scope="module")
def asked():
    with serve(routes=[Route("/asked", Asked)], max_topics_per_connection=2) as server:
        yield server


def test_what_is_not_given_has_a_default(asked):
    assert request(asked, "GET", "/asked")[2] == (
        b'{"given": false, "text": null, "texts": ["none"], "number": 10, "share": 0.5}'
    )


def test_what_is_given_is_of_the_type_of_the_default(asked):
    assert request(asked, "GET", "/asked?number=99&share=1&text=%20a%26b%20")[2] == (
        b'{"given": true, "text": " a&b ", "texts": [" a&b "], "number": 99, "share": 1.0}'
    )


def test_characters_that_control_a_terminal_are_text_like_all_others(asked):
    assert b'"text": "a\\u0001\\u001b[0m"' in request(asked, "GET", "/asked?text=a%01%1B%5B0m")[2]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("number=0", "number must be a whole number from 1 to 99, not '0'"),
        ("number=100", "number must be a whole number from 1 to 99, not '100'"),
        ("number=1.5", "number must be a whole number from 1 to 99, not '1.5'"),
        ("number=", "number must be a whole number from 1 to 99, not ''"),
        ("number=1_0", "number must be a whole number from 1 to 99, not '1_0'"),
        ("number=%D9%A3", "number must be a whole number from 1 to 99, not '\u0663'"),
        ("number=" + "9" * 5000, "number must be a whole number from 1 to 99"),
        ("share=nan", "share must be a number from 0 to 1, not 'nan'"),
        ("share=1e9", "share must be a number from 0 to 1, not '1e9'"),
        ("number=1&number=1", "number is given 2 times, and once is allowed"),
        ("text=a&text=b", "text is given 2 times, and once is allowed"),
    ],
)
def test_what_cannot_be_meant_is_explained(asked, query, detail):
    assert_problem(request(asked, "GET", f"/asked?{query}"), 400, detail)


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("", "the query names no topic"),
        ("topic=a%20b", "'a b' is not a topic name"),
        ("topic=a&topic=b&topic=c", "the query names 3 topics, and 2 are allowed"),
    ],
)
def test_topics_are_one_or_more_that_can_be_names(asked, query, detail):
    assert_problem(request(asked, "GET", f"/events?{query}"), 400, detail)
    assert_problem(request(asked, "POST", f"/events?{query}", b"x"), 400, detail)


def test_a_percent_sign_in_a_request_is_shown_as_it_is(server):
    assert_problem(request(server, "GET", "/events?topic=100%25"), 400, "'100%'")
    assert_problem(request(server, "GET", "/100%25"), 404, "/100%25")


@pytest.mark.parametrize("path", ["/events?topic=%FF", "/stream?count=%FF"])
def test_a_query_that_is_not_utf_8(server, path):
    assert request(server, "GET", path)[0] == 400
