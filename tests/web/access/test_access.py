"""What ``serve(access=...)`` takes."""

import pytest
from asking import request
from bearers import ISSUERS, bearer

from sse_demo import serve
from sse_demo.web.access.access import Access

SECRET = b"a planted secret of thirty-two bytes"


def test_by_default_nothing_is_open():
    everybody = Access(issuers=ISSUERS).rights_of_all
    assert (everybody.subscribe, everybody.publish, everybody.operate) == ((), (), frozenset())


def test_what_is_named_is_open_to_everybody():
    everybody = Access(anonymous=["news", "prices/*"], open_to_all=["metrics"]).rights_of_all
    assert everybody.subscribe == ("news", "prices/*")
    assert everybody.publish == ()  # nobody publishes without a name
    assert everybody.operate == {"metrics"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"anonymous": "news"}, "anonymous is a list"),
        ({"issuers": ISSUERS[0]}, "issuers is a list"),
        ({"open_to_all": "metrics"}, "open_to_all is a list"),
        ({"session_secrets": SECRET}, "session_secrets is a list"),
        ({"open_to_all": ["admin"]}, "admin is not for everybody"),
        ({"open_to_all": ["all"]}, "'all' is no right"),
        ({"anonymous": ["a b"]}, "neither a topic name nor a pattern"),
        ({"anonymous": [f"t{number}" for number in range(101)]}, "more than 100"),
    ],
)
def test_a_mistake_is_told_at_once(options, told):
    with pytest.raises(ValueError, match=told) as refused:
        Access(**options)
    assert SECRET.decode() not in str(refused.value)


def test_each_server_has_a_secret_of_its_own():
    assert Access().session_secrets != Access().session_secrets
    assert len(Access().session_secrets[0]) == 32


def test_secrets_are_not_shown():
    assert "planted" not in repr(Access(issuers=ISSUERS, session_secrets=[SECRET]))


def test_a_server_with_a_secret_that_is_too_short_does_not_start():
    with pytest.raises(ValueError, match="at least 32 bytes"):
        serve(access=Access(session_secrets=[b"short"]))


@pytest.mark.parametrize(("option", "path"), [("sessions", "/session"), ("tickets", "/tickets?topic=a")])
def test_what_is_turned_off_has_no_address(guarded, option, path):
    for on, status in [(True, (200, 201)), (False, (404,))]:
        server = guarded(access=Access(issuers=ISSUERS, **{option: on}))
        assert request(server, "POST", path, headers=bearer())[0] in status


def test_without_access_everybody_may_do_everything(guarded):
    server = guarded(access=None)
    assert request(server, "POST", "/events?topic=a", b"x")[0] == 202
    assert request(server, "GET", "/metrics")[0] == 200
    assert request(server, "POST", "/session")[0] == 404
    with pytest.raises(RuntimeError, match="no access control"):
        server.revoke(subject="ann")
