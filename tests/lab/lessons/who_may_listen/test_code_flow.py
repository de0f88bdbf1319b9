import secrets
from hashlib import sha256

import pytest

from sse_demo import Access, Issuer, Jwks, serve
from sse_demo.lab import LabIssuer, ShopPage, ask, bearer, cookie_of, encoded, whose

VERIFIER = secrets.token_urlsafe(32)
CHALLENGE = encoded(sha256(VERIFIER.encode()).digest())


@pytest.fixture
def issuer():
    issuer = LabIssuer()
    yield issuer
    issuer.stop()


@pytest.fixture
def server(issuer):
    keys = Jwks(f"{issuer.url}/jwks", refetch_after=0.001)
    with serve(access=Access(issuers=[Issuer(name=issuer.url, audience="events", keys=keys)])) as server:
        yield server


def test_a_code_and_its_verifier_become_tokens_and_a_guess_becomes_nothing(issuer):
    page = ShopPage(issuer)
    first, second = page.new_code(CHALLENGE), page.new_code(CHALLENGE)
    assert page.trade(first, "a guess").status == 400
    granted = page.trade(second, VERIFIER)
    assert (granted.status, set(granted.json()) >= {"access_token", "refresh_token"}) == (200, True)


def test_a_refresh_token_becomes_new_tokens_once(issuer):
    page = ShopPage(issuer)
    token = page.trade(page.new_code(CHALLENGE), VERIFIER).json()["refresh_token"]
    assert page.refresh(token).json()["refresh_token"] != token
    assert page.refresh(token).status == 400


def test_a_server_says_whose_token_it_is(issuer, server):
    page = ShopPage(issuer)
    granted = page.trade(page.new_code(CHALLENGE), VERIFIER).json()
    assert whose(server, granted["access_token"]) == "ann, by key 1"
    issuer.rotate_keys()
    assert whose(server, page.refresh(granted["refresh_token"]).json()["access_token"]) == "ann, by key 2"
    assert whose(server, "a.b.c") == "401"


def test_a_cookie_is_sent_back_without_its_attributes(issuer, server):
    page = ShopPage(issuer)
    token = page.trade(page.new_code(CHALLENGE), VERIFIER).json()["access_token"]
    cookie = cookie_of(ask(f"{server.url}/session", "POST", bearer(token)))
    assert ";" not in cookie["Cookie"]
    assert ask(f"{server.url}/session", headers=cookie).json()["subject"] == "ann"


def test_its_text_has_no_address(issuer):
    assert repr(ShopPage(issuer)) == "ShopPage()"
