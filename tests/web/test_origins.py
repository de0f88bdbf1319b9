"""Origins as they are compared, and who may show a page in a frame."""

import pytest

from sse_demo.web.origins import canonical, frame_ancestors


@pytest.mark.parametrize(
    "same",
    [
        ("http://a.test", "http://a.test:80", "HTTP://A.Test", "http://a.test:"),
        ("https://a.test", "https://a.test:443", "https://A.TEST:443"),
        ("http://[::1]", "http://[::1]:80"),
        ("http://a.test:8000", "http://A.test:8000"),
    ],
)
def test_ways_to_write_one_origin(same):
    assert len({canonical(origin) for origin in same}) == 1


def test_origins_that_differ_in_anything_are_two():
    different = ["http://a.test", "https://a.test", "http://a.test:443", "https://a.test:80", "http://a.test:8080"]
    different += ["http://b.test", "http://a.test.", "http://[::80]", "http://[::]", "null", "", "a.test"]
    assert len({canonical(origin) for origin in different}) == len(different)


def test_local_pages_and_those_that_may_read_may_show_a_page_in_a_frame():
    assert frame_ancestors(("*",)) == "frame-ancestors *"
    policy = frame_ancestors(("https://a.test", "null"))
    assert policy.startswith("frame-ancestors 'self' http://localhost:* ")
    assert policy.endswith(" https://a.test")
    assert "null" not in policy
    assert ";" not in policy
