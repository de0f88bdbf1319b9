"""Refusals as RFC 6750 has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sse_demo.web.access.bearer import challenge, insufficient_scope, invalid_request, invalid_token, who_are_you


@pytest.mark.parametrize(
    ("refused", "status", "error"),
    [
        (invalid_request("say it once"), 400, "invalid_request"),
        (invalid_token("the token has expired"), 401, "invalid_token"),
        (insufficient_scope("not this topic"), 403, "insufficient_scope"),
    ],
)
def test_each_error_has_its_status_and_says_the_same_in_the_header(refused, status, error):
    assert refused.status_code == status
    said = f'Bearer realm="sse_demo", error="{error}", error_description="{refused.log_message}"'
    assert refused.headers == {"WWW-Authenticate": said}


def test_somebody_who_has_sent_nothing_is_told_no_error_but_how_to_go_on():
    refused = who_are_you()
    assert refused.status_code == 401
    assert refused.headers == {"WWW-Authenticate": 'Bearer realm="sse_demo"'}
    assert "Authorization: Bearer TOKEN" in refused.log_message


def test_a_description_cannot_leave_its_quotation_marks():
    said = challenge("invalid_token", 'x", error="none\\"\r\nSet-Cookie: a=b\0é')
    assert (
        said
        == 'Bearer realm="sse_demo", error="invalid_token", error_description="x?, error=?none????Set-Cookie: a=b??"'
    )


@given(st.text())
def test_a_description_has_only_what_the_standard_allows(text):
    said = challenge("invalid_request", text)
    inner = said.removeprefix('Bearer realm="sse_demo", error="invalid_request"')
    if text:
        inner = inner.removeprefix(', error_description="').removesuffix('"')
    assert all(" " <= one <= "~" and one not in '"\\' for one in inner)
    assert len(inner) == len(text)
