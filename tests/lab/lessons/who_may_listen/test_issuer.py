import json
import secrets
from hashlib import sha256
from urllib.parse import urlencode

import pytest

from sse_demo import Access, Issuer, Jwks, serve
from sse_demo.lab import LabIssuer, ask, encoded
from sse_demo.lab.lessons.who_may_listen import issuer as module
from sse_demo.lab.lessons.who_may_listen.code_flow import post_form, query_of

VERIFIER = secrets.token_urlsafe(32)
CHALLENGE = encoded(sha256(VERIFIER.encode()).digest())
CLIENT = {"client_id": module.CLIENT_ID, "redirect_uri": module.REDIRECT_URI}
CODE, REFRESH = {"grant_type": "authorization_code"}, {"grant_type": "refresh_token"}


@pytest.fixture
def issuer():
    issuer = LabIssuer()
    yield issuer
    issuer.stop()


def authorize(issuer, **changed):
    asked = {"response_type": "code", "state": "of the page", "code_challenge": CHALLENGE}
    return ask(f"{issuer.url}/authorize?{urlencode(CLIENT | asked | {'code_challenge_method': 'S256'} | changed)}")


def code(issuer):
    return query_of(authorize(issuer).headers["Location"])["code"]


def trade(issuer, **fields):
    answer = post_form(f"{issuer.url}/token", CLIENT | fields)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status, answer.json()


def log_in(issuer):
    status, tokens = trade(issuer, **CODE, code=code(issuer), code_verifier=VERIFIER)
    assert status == 200
    return tokens


REFUSED = 400, {"error": "invalid_grant"}


def test_the_browser_is_sent_back_with_a_code_and_the_state(issuer):
    answer = authorize(issuer)
    assert answer.status == 302
    where, _, query = answer.headers["Location"].partition("?")
    assert where == module.REDIRECT_URI
    assert query_of(f"?{query}") == {"code": query_of(f"?{query}")["code"], "state": "of the page", "iss": issuer.url}


@pytest.mark.parametrize(
    "where", ["https://shop.example/back/", "https://shop.example.evil.example/back", "https://evil.example/back", ""]
)
def test_nobody_is_sent_to_an_address_that_was_not_agreed_upon(issuer, where):
    answer = authorize(issuer, redirect_uri=where)
    assert (answer.status, answer.headers["Location"]) == (400, None)


@pytest.mark.parametrize("changed", [{"code_challenge_method": "plain"}, {"code_challenge": ""}])
def test_there_is_no_code_without_a_challenge(issuer, changed):
    told = query_of(authorize(issuer, **changed).headers["Location"])
    assert told["error"] == "invalid_request"
    assert "code" not in told


def test_the_example_of_the_standard():
    """RFC 7636, appendix B."""
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert encoded(sha256(verifier.encode()).digest()) == challenge


def test_a_code_is_for_whoever_has_the_verifier_and_for_one_try(issuer):
    first, second = code(issuer), code(issuer)
    assert trade(issuer, **CODE, code=first, code_verifier="a guess") == REFUSED
    assert trade(issuer, **CODE, code=first, code_verifier=VERIFIER) == REFUSED
    assert trade(issuer, **CODE, code=second, code_verifier=VERIFIER)[0] == 200
    assert trade(issuer, **CODE, code=second, code_verifier=VERIFIER) == REFUSED


def test_a_code_is_good_for_a_minute(issuer, monkeypatch):
    monkeypatch.setattr(module, "CODE_AGE", 0.0)
    assert trade(issuer, **CODE, code=code(issuer), code_verifier=VERIFIER) == REFUSED


def test_what_is_no_grant_is_refused(issuer):
    assert trade(issuer, grant_type="password") == (400, {"error": "unsupported_grant_type"})
    assert trade(issuer) == (400, {"error": "unsupported_grant_type"})
    assert trade(issuer, **REFRESH, refresh_token="a guess") == REFUSED
    other = {"redirect_uri": "https://evil.example/"}
    assert trade(issuer, **CODE, code=code(issuer), code_verifier=VERIFIER, **other) == REFUSED


def test_a_refresh_token_is_good_once_and_a_second_time_ends_its_family(issuer):
    first = log_in(issuer)["refresh_token"]
    other = log_in(issuer)["refresh_token"]
    second = trade(issuer, **REFRESH, refresh_token=first)[1]["refresh_token"]
    third = trade(issuer, **REFRESH, refresh_token=second)[1]["refresh_token"]
    assert trade(issuer, **REFRESH, refresh_token=first) == REFUSED
    assert trade(issuer, **REFRESH, refresh_token=third) == REFUSED, "the newest one, too"
    assert trade(issuer, **REFRESH, refresh_token=other)[0] == 200, "another login goes on"


def test_what_is_kept_has_a_limit(issuer, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    oldest, *_ = [code(issuer) for _ in range(3)]
    assert trade(issuer, **CODE, code=oldest, code_verifier=VERIFIER) == REFUSED
    assert len(issuer._codes) == 2


def test_a_server_takes_its_tokens_and_those_of_a_new_key(issuer):
    trusted = Issuer(name=issuer.url, audience="events", keys=Jwks(f"{issuer.url}/jwks", refetch_after=0.001))

    def who(token):
        answer = ask(f"{server.url}/session", headers={"Authorization": f"Bearer {token}"})
        return answer.json().get("subject")

    with serve(access=Access(issuers=[trusted])) as server:
        old = log_in(issuer)["access_token"]
        assert who(old) == "ann"
        assert issuer.rotate_keys() == "key 2"
        new = log_in(issuer)["access_token"]
        assert [who(new), who(old)] == ["ann", "ann"]
        assert issuer.rotate_keys() == "key 3"
        assert who(log_in(issuer)["access_token"]) == "ann"
        assert [who(new), who(old)] == ["ann", None], "its key is told no more"


def test_the_public_keys_are_told_and_no_private_ones(issuer):
    issuer.rotate_keys()
    issuer.rotate_keys()
    told = ask(f"{issuer.url}/jwks")
    assert [key["kid"] for key in told.json()["keys"]] == ["key 2", "key 3"]
    assert all("d" not in key for key in json.loads(told.text)["keys"])


def test_its_text_has_no_address(issuer):
    assert repr(issuer) == "LabIssuer('events')"
