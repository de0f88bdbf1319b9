"""Attacks on who may listen, over a real socket: none gets in, breaks anything, or is told too much."""

import base64
import hashlib
import hmac
import json
import logging
import math
import re
import secrets
import socket
import time
from dataclasses import dataclass, field

import pytest
from asking import events
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tokens import (
    ABSENT,
    AUDIENCE,
    EC,
    ISSUER,
    OTHER_RSA,
    RSA,
    SECRET,
    access,
    claims,
    encoded,
    issuer,
    jwk,
    private_pem,
    public_pem,
    signed,
    token,
)

from sse_demo import pem_key, secret_key, serve
from sse_demo.web.access.identity import Identity, Rights

PARTNER = "https://partner.test"  # another issuer, which has a secret
SAME = "the token is not valid here"  # what whoever forges a token is told, whatever was wrong
RIGHTS = "subscribe:prices/* subscribe:inbox publish:news publish:outbox"
NOW = time.time()
VALID = {"iat": NOW, "exp": NOW + 80_000, "scope": RIGHTS}  # also where much is tested between this moment and the test
PUBLISH, READ = "POST /events?topic=news", "GET /events?topic=prices/a"
NEVER = re.compile("eyJ|planted|PRIVATE KEY")  # what no answer and no log may have: a token begins with eyJ


@pytest.fixture(scope="module")
def server():
    issuers = [
        issuer([pem_key(public_pem(RSA), id="rsa"), pem_key(public_pem(EC), id="ec")]),
        issuer(secret_key(SECRET), name=PARTNER),
    ]
    granted = access(issuers=issuers, anonymous=["public"], session_secrets=[b"planted" * 8])
    with serve(access=granted, max_failed_tries=math.inf) as server:
        yield server


@dataclass
class Attack:
    """One request, and what it gets.

    Attributes:
        name: The attack.
        start: Method and target.
        headers: Names and values, as they are sent.
        body: Likewise.
        status: Of the answer.
        error: In ``WWW-Authenticate`` (RFC 6750, 3.1); ``None`` where there is none; ``ABSENT`` for no such header.
        told: The whole detail of the answer; a regular expression.
        reason: What the log says; a regular expression.
        subject: Whom the log names.
    """

    name: str
    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    status: int = 401
    error: object = None
    told: str = ".*"
    reason: str = "."
    subject: str = ""


def rs(key=RSA, algorithm="RS256", kid="rsa", header=None, **changed):
    """A token of the issuer, good but for what is changed."""
    return token(key, algorithm, {"kid": kid} | (header or {}), **VALID | changed)


def good_header(**changed):
    return json.dumps({"alg": "RS256", "typ": "at+jwt", "kid": "rsa"} | changed)


def good_claims(**changed):
    return json.dumps(claims(**VALID | changed))


def rsigned(header, payload):
    return signed(header, payload, RSA, "RS256")


def forged(name, token, reason, told=SAME, start=PUBLISH):
    """A token that does not count."""
    return Attack(name, start, [("Authorization", f"Bearer {token}")], b"x", 401, "invalid_token", told, reason)


def shown(name, *headers, status=401, error=None, told=".*", reason=".", start=PUBLISH, body=b"x"):
    """Something that is no token in the one place where it belongs."""
    return Attack(name, start, list(headers), body, status, error, told, reason)


def denied(name, start, told, body=b"x", headers=(), *, subject="ann", **answered):
    """A good token, and something that its bearer may not do. What is no answer's is a claim."""
    answer = {"status": 403, "error": "insufficient_scope", "reason": told}
    changed = {name: answered.pop(name) for name in answered.keys() - answer.keys()}
    sent = [("Authorization", f"Bearer {rs(**changed)}"), *headers]
    return Attack(name, start, sent, body, told=told, subject=subject, **answer | answered)


def unknown(name, start, *headers, status=401, error=None, body=b"", reason="say who you are", told=".*"):
    """Nothing is shown at all."""
    return Attack(name, start, list(headers), body, status, error, told, reason)


def entry(**members):
    return {"type": "event-stream", "actions": ["publish"], "topics": ["news"]} | members


def detailed(name, *entries, reason):
    """One good entry, and a bad one: neither counts."""
    return forged(name, rs(authorization_details=[entry(), *entries], scope=ABSENT), f"cannot be read: .*{reason}")


def der_signature():
    head, _, raw = rs(EC, "ES256", "ec").rpartition(".")
    raw = base64.urlsafe_b64decode(raw + "==")
    der = encode_dss_signature(*(int.from_bytes(half, "big") for half in (raw[:32], raw[32:])))
    return f"{head}.{encoded(der)}"


def swapped_claims():
    head, _, signature = rs().split(".")
    return f"{head}.{encoded(good_claims(sub='root'))}.{signature}"


HMAC = {"header": {"kid": "rsa"}, "scope": RIGHTS}
FOREIGN = {"kid": "rsa", "typ": "at+jwt", "alg": "RS256"}
DER = RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
ALGORITHM, SIGNATURE, UNREADABLE = (
    "algorithm that its key does not",
    "signature that is not its key's",
    "no JSON|three parts",
)


def hmac_with(secret):
    """A token that is signed with what everybody knows."""
    signing = f"{encoded(good_header(alg='HS256'))}.{encoded(good_claims())}"
    return f"{signing}.{encoded(hmac.digest(secret, signing.encode(), hashlib.sha256))}"


def unsigned(algorithm, signature="", header=None):
    members = {"alg": algorithm, "typ": "at+jwt", "kid": "rsa"}
    members = {name: value for name, value in members.items() if value is not ABSENT}
    return f"{encoded(json.dumps(members))}.{encoded(good_claims())}.{signature}"


ALGORITHMS = [
    forged("HS256 with the public key in PEM as the secret", hmac_with(public_pem(RSA)), ALGORITHM),
    forged("HS256 with the public key in PEM without its line end", hmac_with(public_pem(RSA).strip()), ALGORITHM),
    forged("HS256 with the public key in DER", hmac_with(DER), ALGORITHM),
    forged("HS256 with the modulus", hmac_with(jwk(RSA)["n"].encode()), ALGORITHM),
    forged("HS256 with an empty secret", hmac_with(b""), ALGORITHM),
    forged("PS256 with a key for RS256", rs(RSA, "PS256"), ALGORITHM),
    forged("RS512 with a key for RS256", rs(RSA, "RS512"), ALGORITHM),
    forged("a key of ES256 under the name of one of RS256", rs(EC, "ES256", "rsa"), ALGORITHM),
    forged("a key of RS256 under the name of one of ES256", rs(RSA, "RS256", "ec"), ALGORITHM),
    *[
        forged(f"alg {name!r} without a signature", unsigned(name), "three parts")
        for name in ("none", "None", "NONE", "nOnE", "none ", "", "RS256")
    ],
    *[
        forged(f"alg {name!r} with a signature", unsigned(name, "AAAA"), ALGORITHM)
        for name in ("none", "None", "NONE", "nOnE", "none\0", "", None, 0, True, ["none"], ["RS256"], {"a": 1})
    ],
    forged("no alg", unsigned(ABSENT, "AAAA"), ALGORITHM),
    forged("alg in other case", unsigned("rs256", "AAAA"), ALGORITHM),
    forged("signature of zeros", rs(EC, "ES256", "ec").rpartition(".")[0] + "." + "A" * 86, SIGNATURE),
    forged("signature of ones", rs(EC, "ES256", "ec").rpartition(".")[0] + "." + encoded(b"\xff" * 64), SIGNATURE),
    forged("signature in DER", der_signature(), SIGNATURE),
    forged("signature cut short", rs()[:-40], f"{SIGNATURE}|DecodeError"),
    forged("signature of another token", rs().rpartition(".")[0] + "." + rs(sub="bob").rpartition(".")[2], SIGNATURE),
    forged("claims changed after they were signed", swapped_claims(), SIGNATURE),
]
KEYS = [
    forged("key of nobody", rs(OTHER_RSA), SIGNATURE),
    forged("key of nobody, where everybody may read", rs(OTHER_RSA), SIGNATURE, start="GET /events?topic=public"),
    forged("key of another issuer", token(SECRET, iss=ISSUER, scope=RIGHTS), ALGORITHM),
    forged("key of another issuer, with the name of a key", token(SECRET, **HMAC), ALGORITHM),
    forged("issuer of another key", rs(iss=PARTNER), ALGORITHM),
    *[
        forged(f"kid that is {what}", rs(OTHER_RSA, kid=kid), "no key that is known")
        for what, kid in {
            "unknown": "other",
            "empty": "",
            "a path": "../../../../../dev/null",
            "an absolute path": "/dev/null",
            "an address": "http://127.0.0.1:1/jwks",
            "SQL": "x' UNION SELECT 'secret' --",
            "a command": "|/bin/true",
            "a format": "{0.__class__}%s%n",
            "in other case": "RSA",
            "with a NUL": "rsa\0",
            "with line ends": "rsa\r\nX: y",
            "huge": "k" * 4000,
        }.items()
    ],
    *[
        forged(f"kid that is {kid!r}", rs(kid=kid), "kid that is no text")
        for kid in (0, 1, True, ["rsa"], {"rsa": 1}, 1e308)
    ],
    forged("kid that is null", rs(kid=None), "not valid: InvalidTokenError"),
    *[
        forged(f"{name} in the header", rs(OTHER_RSA, header={name: value}), SIGNATURE)
        for name, value in {
            "jwk": jwk(OTHER_RSA, kid="rsa"),
            "x5c": [base64.b64encode(DER).decode()],
            "x5t": "AAAA",
            "keys": [jwk(OTHER_RSA)],
        }.items()
    ],
    forged(
        "the private key's own PEM as kid", rs(OTHER_RSA, kid=private_pem(OTHER_RSA).decode()), "no key that is known"
    ),
]
HEADERS = [
    forged("crit that nobody knows", rs(header={"crit": ["x"], "x": 1}), "critical|InvalidTokenError"),
    forged("crit of b64", rs(header={"crit": ["b64"], "b64": True}), "critical extension"),
    forged("crit that is empty", rs(header={"crit": []}), "critical extension"),
    forged("b64 false", rs(header={"b64": False}), "not valid: "),
    forged("b64 false, and critical", rs(header={"b64": False, "crit": ["b64"]}), "critical extension"),
    *[
        forged(f"typ {typ!r}", rs(header={"typ": typ}), "none of type at.jwt")
        for typ in ("JWT", "jwt", "id_token", "at+jwt ", "at+jwt;v=1", "application/application/at+jwt", "", None, 5)
    ],
    forged("typ that is a list", rs(header={"typ": ["at+jwt"]}), "none of type"),
    forged("no typ", rs(header={"typ": ABSENT}), "none of type"),
]
CLAIMS = [
    *[forged(f"no {name}", rs(**{name: ABSENT}), f"lacks {name}") for name in ("aud", "exp", "iat", "sub")],
    *[forged(f"{name} null", rs(**{name: None}), f"lacks {name}") for name in ("aud", "exp", "iat", "sub")],
    *[
        forged(f"aud {aud!r}", rs(aud=aud), "for another audience")
        for aud in (
            *("https://other.test", AUDIENCE[:-1], AUDIENCE + "/", AUDIENCE.upper(), AUDIENCE + ".evil.test", "*"),
            *(["https://other.test"], [AUDIENCE, 5], [[AUDIENCE]], 5, True, {AUDIENCE: 1}),
        )
    ],
    *[forged(f"aud {aud!r}", rs(aud=aud), "lacks aud") for aud in ("", [], {}, 0, False)],
    *[
        forged(f"exp that is {what}", rs(exp=exp), "exp that is no number|DecodeError")
        for what, exp in {
            "a text": str(NOW + 600),
            "a text without fractions": str(int(NOW + 600)),
            "a word": "tomorrow",
            "an empty text": "",
            "1e308": 1e308,
            "2**53": 2**53,
            "10**30": 10**30,
            "a list": [NOW + 600],
            "an object": {"a": 1},
        }.items()
    ],
    *[
        forged(f"exp {exp!r}", rs(exp=exp), "has expired", "the token has expired")
        for exp in (True, False, 0, -1, -1e308, 0.5)
    ],
    *[
        forged(f"exp {exp}", rsigned(good_header(), good_claims(exp=0).replace('"exp": 0', f'"exp": {exp}')), reason)
        for exp, reason in {
            "NaN": "no JSON",
            "Infinity": "no JSON",
            "-Infinity": "no JSON",
            "1e999": "DecodeError",
            "9" * 5000: "no JSON",
            "0x7fffffff": "no JSON",
        }.items()
    ],
    forged("exp a second ago", rs(exp=NOW - 1), "has expired", "the token has expired"),
    forged("exp in a thousand years", rs(exp=NOW + 1000 * 31557600), "valid for more than"),
    forged("exp in two days", rs(exp=NOW + 2 * 86400), "valid for more than"),
    forged("exp in a day, issued long ago", rs(exp=NOW + 80000, iat=NOW - 80000), "valid for more than"),
    forged("nbf in the future", rs(nbf=NOW + 40_000), "not valid yet", "the token is not valid yet"),
    forged("iat in the future", rs(iat=NOW + 40_000, exp=NOW + 50_000), "not valid yet", "the token is not valid yet"),
    *[forged(f"nbf {nbf!r}", rs(nbf=nbf), "nbf that is no number|DecodeError") for nbf in ("1.5", "1", None, [1], -1)],
    *[
        forged(f"iat {iat!r}", rs(iat=iat), "iat that is no number|InvalidIssued")
        for iat in ("1.5", "1", True, [1], -1)
    ],
    *[
        forged(f"a token that is bound to a key by {name}", rs(cnf=cnf), "bound to a key")
        for name, cnf in {"DPoP": {"jkt": "x"}, "TLS": {"x5t#S256": "x"}, "nothing": {}, "null": None}.items()
    ],
    forged("no iss", rs(iss=ABSENT), "issuer that is not known"),
    *[
        forged(f"iss {iss!r}", rs(iss=iss), "issuer that is not known")
        for iss in (
            *("https://other.test", ISSUER + "/", ISSUER.upper(), ISSUER.replace("https", "http"), ISSUER[:-1], ""),
            *(ISSUER + "\0", ISSUER.replace("e", "\u0435"), ISSUER + ".evil.test", " " + ISSUER),
            *([ISSUER], {ISSUER: 1}, 5, True, None),
        )
    ],
    *[
        forged(f"sub {sub!r:.30}", rs(sub=sub), "sub that is no text|InvalidSubject")
        for sub in ("", 5, True, ["ann"], {"a": 1}, "a\r\nb", "a\0b", "\ud800", "x" * 257, "a\u202eb", "a\u2028b", "\t")
    ],
    *[
        forged(f"jti {jti!r:.30}", rs(jti=jti), "jti that is no text|InvalidJTI")
        for jti in ("", 5, "x" * 257, "a\nb", ["x"])
    ],
]
SHAPES = [
    forged("a token of 8,193 characters", rs(pad="x" * 6200), "too large", "a token has at most 8,192 characters"),
    forged("a token of 50,000 characters", "a." * 25000 + "a", "too large", "a token has at most 8,192 characters"),
    forged("claims nested 900 deep", rsigned(good_header(), '{"":' * 900 + "1" + "}" * 900), f"{UNREADABLE}|not known"),
    forged("lists nested 3,000 deep", rsigned(good_header(), "[" * 3000), UNREADABLE),
    forged("a header nested 3,000 deep", rsigned("[" * 3000, good_claims()), UNREADABLE),
    forged("sub twice", rsigned(good_header(), good_claims()[:-1] + ', "sub": "root"}'), "each member is there once"),
    forged("exp twice", rsigned(good_header(), '{"exp": 1, ' + good_claims()[1:]), "each member is there once"),
    forged(
        "iss twice", rsigned(good_header(), f'{{"iss": "{PARTNER}", ' + good_claims()[1:]), "each member is there once"
    ),
    forged("alg twice", rsigned('{"alg": "none", ' + good_header()[1:], good_claims()), "each member is there once"),
    forged("sub twice, once escaped", rsigned(good_header(), good_claims()[:-1] + ', "s\\u0075b": "x"}'), "there once"),
    forged(
        "actions twice in an entry",
        rsigned(
            good_header(),
            good_claims()[:-1]
            + ', "authorization_details": [{"type": "event-stream", "actions": ["admin"], "actions": ["ready"]}]}',
        ),
        "each member is there once",
    ),
    forged("claims that are no UTF-8", rsigned(good_header(), good_claims().encode() + b"\xff"), UNREADABLE),
    forged("claims in UTF-16", rsigned(good_header(), good_claims().encode("utf-16")), UNREADABLE),
    forged("claims after a byte order mark", rsigned(good_header(), "\ufeff" + good_claims()), UNREADABLE),
    forged("claims with more behind them", rsigned(good_header(), good_claims() + "{}"), UNREADABLE),
    forged("claims that are a list", rsigned(good_header(), f"[{good_claims()}]"), "no JSON object"),
    forged("claims that are a text", rsigned(good_header(), json.dumps(good_claims())), "no JSON object"),
    forged("a header that is a list", rsigned(f"[{good_header()}]", good_claims()), "no JSON object"),
    forged("no claims", rsigned(good_header(), ""), "three parts"),
    forged("padding in base64", rs() + "==", "three parts"),
    forged("base64 that is not for addresses", rs(sub="??>>~~") + "+/", "three parts"),
    forged("unused bits that are set", rs()[:-1] + chr(ord(rs()[-1]) + 1), SIGNATURE + "|DecodeError|three parts"),
    forged("a dot at the end", rs() + ".", "three parts"),
    forged("four parts", rs() + ".AAAA", "three parts"),
    forged("five parts, as if encrypted", rs() + ".AAAA.AAAA", "three parts"),
    forged("two parts", rs().rpartition(".")[0], "three parts"),
    forged("one part", "eyJhbGciOiJub25lIn0", "three parts"),
    forged("a token that is no JWT", secrets.token_urlsafe(32), "three parts"),
    forged("dots alone", "..", "three parts"),
]
PLACES = [
    *[
        shown(name, ("Authorization", value), status=400, error="invalid_request", reason="with one token")
        for name, value in {
            "two tokens with a comma": f"Bearer {rs()},{rs()}",
            "two challenges in a header": f"Bearer {rs()}, Bearer {rs()}",
            "two tokens with a space": f"Bearer {rs()} {rs()}",
            "no token behind the scheme": "Bearer",
            "only a space behind the scheme": "Bearer ",
            "a token in quotation marks": f'Bearer "{rs()}"',
            "a token as a parameter": f'Bearer token="{rs()}"',
            "a tab before the token": f"Bearer \t{rs()}",
            "a letter outside ASCII": f"Bearer {rs()}\u00e9",
        }.items()
    ],
    *[
        shown(
            f"two headers, {name}",
            *[("Authorization", value) for value in values],
            status=400,
            error="invalid_request",
            reason="several headers",
        )
        for name, values in {
            "a bad one first": ("Bearer x", f"Bearer {rs()}"),
            "a bad one last": (f"Bearer {rs()}", "Bearer x"),
            "of two schemes": ("Basic eDp5", f"Bearer {rs()}"),
            "the same twice": (f"Bearer {rs()}",) * 2,
        }.items()
    ],
    *[
        shown(name, header, reason="say who you are")
        for name, header in {
            "a tab instead of a space": ("Authorization", f"Bearer\t{rs()}"),
            "a scheme that only begins so": ("Authorization", f"Bearer2 {rs()}"),
            "no space": ("Authorization", f"Bearer{rs()}"),
            "another scheme": ("Authorization", f"Token {rs()}"),
            "Basic": ("Authorization", "Basic " + base64.b64encode(b"planted:planted").decode()),
            "DPoP": ("Authorization", f"DPoP {rs()}"),
            "a bare token": ("Authorization", rs()),
            "an empty header": ("Authorization", ""),
            "another header": ("X-Authorization", f"Bearer {rs()}"),
            "the proxy's header": ("Proxy-Authorization", f"Bearer {rs()}"),
            "what a proxy says of the user": ("X-Forwarded-User", "ann"),
            "an underscore in the name": ("Authorization_", f"Bearer {rs()}"),
            "a cookie with the token": ("Cookie", f"access_token={rs()}"),
        }.items()
    ],
    *[
        shown(
            f"a token in the query as {name}",
            start=f"{PUBLISH}&{name}={rs()}",
            status=400,
            error="invalid_request",
            told=f"{name} does not belong into an address.*POST /tickets",
            reason="does not belong into an address",
        )
        for name in ("access_token", "token", "jwt", "authorization")
    ],
    shown(
        "a token in the query beside the same in the header",
        ("Authorization", f"Bearer {rs()}"),
        start=f"{PUBLISH}&access_token={rs()}",
        status=400,
        error="invalid_request",
    ),
    shown(
        "a token in a form",
        ("Content-Type", "application/x-www-form-urlencoded"),
        body=f"access_token={rs()}".encode(),
        reason="say who you are",
    ),
    shown("a token in JSON", ("Content-Type", "application/json"), body=json.dumps({"access_token": rs()}).encode()),
    shown("a token as a ticket", start=f"{READ}&ticket={rs()}", body=b"", status=400, error="invalid_request"),
    shown("a ticket that nobody gave", start=f"{READ}&ticket=AAAA", body=b"", error="invalid_token", reason="ticket"),
]
DETAILS = [
    detailed("an entry with an unknown member", entry(privileges=["x"]), reason="privileges"),
    detailed("an entry with an unknown action", entry(actions=["publish", "delete"]), reason="delete"),
    detailed("an entry with an action in other case", {"type": "event-stream", "actions": ["Admin"]}, reason="Admin"),
    detailed("an entry without topics", {"type": "event-stream", "actions": ["publish"]}, reason="topics"),
    detailed("an entry with no topic", entry(topics=[]), reason="topics"),
    detailed("an entry with a text for its topics", entry(topics="*"), reason="topics"),
    detailed("an entry with a bad pattern", entry(topics=["news", "a b"]), reason="a b"),
    detailed("an entry with a huge pattern", entry(topics=["[" * 257]), reason="neither"),
    detailed("an entry with 101 patterns", entry(topics=[f"t{n}" for n in range(101)]), reason="more than 100"),
    detailed("an entry without a type", {"actions": ["publish"], "topics": ["news"]}, reason="a type"),
    detailed("an entry that is a text", "event-stream", reason="object"),
    detailed("an entry that is null", None, reason="object"),
    detailed("an operator's right with topics", entry(actions=["admin"]), reason="topics"),
    forged("details that are an object", rs(authorization_details=entry()), "must be a list"),
    forged("details that are null, and a scope", rs(authorization_details=None), "must be a list"),
    forged("a scope that is a list", rs(scope=["publish:news"]), "scope must be a text"),
    forged("a scope with a bad pattern", rs(scope="publish:news publish:a,b"), "a,b"),
    forged("a scope with line ends", rs(scope="publish:news\npublish:x"), "neither"),
    forged("a scope with an empty pattern", rs(scope="publish:news subscribe:"), "neither"),
    forged("a scope with an unknown right", rs(scope="publish:news operate:root"), "root"),
    denied(
        "a type in other case",
        PUBLISH,
        "you may not publish here",
        authorization_details=[entry(type="Event-Stream")],
    ),
    denied("details of others, and a scope", PUBLISH, "you may not publish .*", authorization_details=[{"type": "x"}]),
    denied(
        "an entry for another place",
        PUBLISH,
        "you may not publish .*",
        authorization_details=[entry(locations=[AUDIENCE + "/"])],
    ),
    denied("no rights at all", PUBLISH, "you may not publish .*", scope=ABSENT),
    denied(
        "rights in a claim of another name",
        PUBLISH,
        "you may not publish .*",
        scope=ABSENT,
        scp="publish:*",
        roles=["admin"],
    ),
]
NOT_ALL = "you may not read (this topic|one or more of these topics)"
TOPICS = [
    *[
        denied(
            f"reading {topic}, which only looks alike",
            f"GET /events?topic={topic}",
            NOT_ALL,
            body=b"",
            scope=f"subscribe:{right}",
        )
        for topic, right in {
            "News": "news",
            "news/": "news",
            "/news": "news",
            "news//": "news",
            "xnews": "news",
            "new": "news",
            "prices": "prices/*",
            "Prices/a": "prices/*",
            "prices:a": "prices/*",
            "prices//a": "prices/a",
            "prices/./a": "prices/a",
            "prices/b/../a": "prices/a",
            "prices/..": "prices/[a-z]",
            "a%2Fb%2F": "a/b",
        }.items()
    ],
    *[
        denied(
            f"a topic that is {what}",
            f"GET /events?topic={topic}",
            ".*is not a topic name.*|.*UTF-8.*",
            body=b"",
            status=400,
            error=ABSENT,
            reason=ABSENT,
            subject="",
        )
        for what, topic in {
            "a pattern": "prices/*",
            "any": "*",
            "a class": "[a-z]",
            "in other letters": "%D1%80rices/a",
            "with a NUL": "prices/a%00",
            "with line ends": "prices/a%0D%0A",
            "with a space": "prices/a%20",
            "no UTF-8": "prices/%FF",
        }.items()
    ],
    denied("one of several topics that may not be read", "GET /events?topic=prices/a&topic=secret", NOT_ALL, body=b""),
    denied(
        "the last of many topics",
        "GET /events?" + "&".join(f"topic=prices/{n}" for n in range(9)) + "&topic=x",
        NOT_ALL,
        body=b"",
    ),
    denied(
        "a topic that may be published to, and so is known",
        "GET /events?topic=news&topic=secret",
        "you may not read news",
        body=b"",
    ),
    denied("the past of a topic", "GET /events?topic=secret&recent=9", NOT_ALL, body=b""),
    denied("an id from a topic of others", "GET /events?topic=secret&last_event_id=1", NOT_ALL, body=b""),
    denied(
        "an id from a topic of others, in the header",
        "GET /events?topic=secret",
        NOT_ALL,
        body=b"",
        headers=[("Last-Event-ID", "1")],
    ),
    denied("publishing where only reading is allowed", "POST /events?topic=inbox", "you may not publish to inbox"),
    denied("publishing where nothing is allowed", "POST /events?topic=secret", "you may not publish to this topic"),
    denied(
        "publishing with a key to a topic of others",
        "POST /events?topic=secret&key=k",
        "you may not publish .*",
        headers=[("Idempotency-Key", "k")],
    ),
    denied(
        "a line for a topic of others among good ones",
        "POST /events?topic=news",
        "you may not publish to one or more of these topics",
        headers=[("Content-Type", "application/x-ndjson")],
        body=b'{"data": "planted"}\n{"data": "planted", "topic": "secret"}\n',
    ),
    denied("a ticket for a topic of others", "POST /tickets?topic=prices/a&topic=secret", NOT_ALL),
    unknown("reading without anything", "GET /events?topic=secret"),
    unknown("reading what is open beside what is not", "GET /events?topic=public&topic=secret"),
    unknown("publishing to what everybody may read", "POST /events?topic=public", body=b"x"),
    unknown("a ticket without anything", "POST /tickets?topic=secret"),
]
OPERATORS = [
    *[
        denied(f"{method} {path} without the right", f"{method} {path}", f"this needs the right {right}", body=b"")
        for method, path, right in (
            ("GET", "/metrics", "metrics"),
            ("GET", "/ready", "ready"),
            ("GET", "/admin/subscribers", "admin"),
            ("DELETE", "/admin/subscribers/1", "admin"),
            ("OPTIONS", "/metrics", "metrics"),
        )
    ],
    denied(
        "the right to the metrics is none to the rest",
        "GET /admin/subscribers",
        "this needs the right admin",
        body=b"",
        scope="operate:metrics",
    ),
    unknown("metrics without anything", "GET /metrics"),
    unknown("whether it is ready without anything", "GET /ready"),
    unknown("streams of others without anything", "GET /admin/subscribers"),
    unknown("HEAD of the metrics", "HEAD /metrics"),
    unknown("HEAD of a stream", "HEAD /events?topic=secret"),
    unknown("OPTIONS of the metrics", "OPTIONS /metrics"),
    unknown("OPTIONS of the whole server", "OPTIONS *"),
    unknown("a page that there is not", "GET /nowhere"),
    denied(
        "a method that there is not",
        "PUT /events?topic=news",
        ".*not allowed here.*",
        status=405,
        error=ABSENT,
        reason=ABSENT,
    ),
    *[
        unknown(f"the method {method} on {target}", f"{method} {target}", **refused)
        for method in ("TRACE", "PROPFIND", "FOO", "get", "DEBUG")
        for target, refused in {
            "/metrics": {},
            "/events?topic=secret": {"status": 405, "error": ABSENT, "reason": ABSENT},
        }.items()
    ],
    unknown("another method in a header", "GET /metrics", ("X-HTTP-Method-Override", "OPTIONS")),
    unknown("another method in the query", "POST /events?topic=secret&_method=GET", body=b"x"),
    *[
        unknown(f"another address in {name}", "GET /metrics", (name, "/health"))
        for name in ("X-Original-URL", "X-Rewrite-URL")
    ],
    *[
        unknown(f"an address behind one that is open, in {name}", "GET /metrics", (name, "/"))
        for name in ("Referer", "Origin")
    ],
    *[
        unknown(f"an address of this machine in {name}", "GET /metrics", (name, "127.0.0.1"))
        for name in ("X-Forwarded-For", "X-Real-IP", "Client-IP", "Forwarded")
    ],
    unknown("a whole address as the target", "GET http://127.0.0.1/metrics"),
    *[
        unknown(f"the target {target}", f"GET {target}")
        for target in (
            *("//events?topic=secret", "//metrics", "/%6Detrics", "/metrics%00", "/metrics/", "/METRICS", "/./metrics"),
            *(
                "/metrics;a=b",
                "/health/../metrics",
                "/metrics%2F",
                "/metrics%20",
                "/metrics?",
                "/metrics/.",
                "/metrics%3F",
            ),
            *("/health%2F..%2Fmetrics", "/metrics.json", "/\\metrics", "/health%23/../metrics"),
        )
    ],
]
TABLE = [*ALGORITHMS, *KEYS, *HEADERS, *CLAIMS, *SHAPES, *PLACES, *DETAILS, *TOPICS, *OPERATORS]


def send(server, start, headers=(), body=b""):
    """Status, headers and body of an answer."""
    method, _, target = start.partition(" ")
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        answer = b""
        while data := connection.recv(65536):
            answer += data
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return (
        int(first.split()[1]),
        dict(line.lower().split(": ", 1)[:1] + line.split(": ", 1)[1:] for line in lines),
        body,
    )


@pytest.fixture
def logged(caplog):
    """``logged()`` gives the lines of the access log, and has made sure that nothing is an error or a secret."""
    caplog.set_level(logging.INFO)

    def lines():
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert "Traceback" not in caplog.text
        assert not NEVER.search(caplog.text)
        return [json.loads(record.message) for record in caplog.records if record.message.startswith('{"time"')]

    return lines


def test_the_table_is_long_and_each_attack_has_a_name_of_its_own():
    assert len({attack.name for attack in TABLE}) == len(TABLE) >= 45


@pytest.mark.parametrize("attack", TABLE, ids=lambda attack: attack.name)
def test_an_attack_is_refused_and_told_nothing_that_helps(server, logged, attack):
    status, headers, body = send(server, attack.start, attack.headers, attack.body)
    assert status == attack.status, body
    challenge = headers.get("www-authenticate")
    if attack.start.startswith("HEAD"):
        assert body == b""
        detail = ""
    else:
        assert headers["content-type"] == "application/problem+json"
        detail = json.loads(body)["detail"]
        assert re.fullmatch(attack.told, detail), detail
    assert not NEVER.search(f"{headers} {body}")
    if attack.error is ABSENT:
        assert challenge is None
    elif attack.error is None:
        assert challenge == 'Bearer realm="sse_demo"'
    else:
        assert challenge == f'Bearer realm="sse_demo", error="{attack.error}", error_description="{detail}"'
    (line,) = logged()
    assert (line["status"], line["subject"]) == (attack.status, attack.subject)
    if attack.reason is not ABSENT:
        assert re.search(attack.reason, line["refused"]), line["refused"]


# The same requests, done well: or the table could pass for a wrong reason.


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_a_good_token_publishes_whatever_the_case_of_its_scheme(server, logged, scheme):
    status, _, body = send(server, PUBLISH, [("Authorization", f"{scheme} {rs()}")], b"x")
    assert (status, list(json.loads(body))) == (202, ["id"])
    (line,) = logged()
    assert (line["status"], line["subject"], line["credential"]) == (202, "ann", "token")
    assert "refused" not in line


@pytest.mark.parametrize(
    "good",
    [
        lambda: rs(EC, "ES256", "ec"),
        lambda: token(SECRET, iss=PARTNER, scope=RIGHTS),
        lambda: rs(aud=["https://other.test", AUDIENCE]),
        lambda: rs(authorization_details=[entry(), {"type": "other", "x": 1}], scope=ABSENT),
        lambda: rs(header={"jku": "https://evil.test", "x5u": "https://evil.test", "cty": "x", "unknown": 1}),
        lambda: rs(exp=NOW + 86000, iat=NOW),
        lambda: rs(sub="Ann O'Müller <a@b>"),
        lambda: rs(kid=ABSENT),
    ],
)
def test_a_token_that_only_looks_odd_publishes(server, logged, good):
    assert send(server, PUBLISH, [("Authorization", f"Bearer {good()}")], b"x")[0] == 202
    logged()


@pytest.mark.parametrize("name", ["jku", "x5u"])
def test_no_address_in_a_token_is_ever_asked(server, logged, name):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/keys"
        for kid in ("rsa", address):
            bad = rs(OTHER_RSA, kid=kid, header={name: address})
            assert send(server, PUBLISH, [("Authorization", f"Bearer {bad}")], b"x")[0] == 401
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listener.accept()
    logged()


# What needs more than one request


def publish(server, subject, key, body, topic="news"):
    headers = [("Authorization", f"Bearer {rs(sub=subject)}"), ("Idempotency-Key", key)]
    status, _, answer = send(server, f"POST /events?topic={topic}", headers, body)
    return status, json.loads(answer)


def test_the_idempotency_keys_of_one_publisher_are_none_of_another(server, logged):
    status, mine = publish(server, "ann", "order-1", b"ann's")
    assert (status, publish(server, "ann", "order-1", b"ann's")) == (202, (202, mine)), "once, for the same publisher"
    status, other = publish(server, "bob", "order-1", b"bob's")
    assert (status, other != mine) == (202, True), "another one learns nothing of it, and loses nothing"
    assert publish(server, "ann", "order-1", b"other")[0] == 422


def test_nobody_can_write_a_key_that_is_another_publishers(server, logged):
    ann = Identity(subject="ann", issuer=ISSUER, kind="token", rights=Rights()).publisher
    _, mine = publish(server, "ann", "order-2", b"ann's")
    for key in (f"{ann}/order-2", f"../{ann}/order-2", f"/{ann}/order-2"):
        status, other = publish(server, "bob", key, b"bob's")
        assert (status, other != mine) == (202, True)
    assert publish(server, "ann", "order-2", b"ann's") == (202, mine)


def test_a_conflict_does_not_tell_who_else_there_is(server, logged):
    publish(server, "ann", "order-3", b"one")
    status, problem = publish(server, "ann", "order-3", b"two")
    assert status == 422
    assert "ann" not in problem["detail"]


def test_nothing_of_a_refused_batch_is_published(server, logged):
    with_right = [("Authorization", f"Bearer {rs(scope='subscribe:news publish:news')}")]
    lines = b'{"data": "first"}\n{"data": "second", "topic": "secret"}\n'
    before = send(server, "POST /events?topic=news", with_right, b"before")[2]
    assert send(server, PUBLISH, [*with_right, ("Content-Type", "application/x-ndjson")], lines)[0] == 403
    after = send(server, "POST /events?topic=news", with_right, b"after")[2]
    ids = [json.loads(answer)["id"] for answer in (before, after)]
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        head = (
            f"GET /events?topic=news&recent=2 HTTP/1.0\r\nAuthorization: {with_right[0][1]}\r\nHost: localhost\r\n\r\n"
        )
        connection.sendall(head.encode())
        answer = b""
        while len([one for one in events(answer.partition(b"\r\n\r\n")[2]) if one.event == "message"]) < 2:
            answer += connection.recv(65536)
    got = [one for one in events(answer.partition(b"\r\n\r\n")[2]) if one.event == "message"]
    assert [(one.data, one.id) for one in got] == [("before", ids[0]), ("after", ids[1])]


def test_a_topic_that_exists_is_refused_as_one_that_does_not(server, logged):
    server.publish("secret", "there is one")

    def refusal(method, topic):
        headers = [("Authorization", f"Bearer {rs()}")]
        status, headers, body = send(
            server, f"{method} /events?topic={topic}", headers, b"x" if method == "POST" else b""
        )
        problem = json.loads(body)
        del problem["request_id"]
        return status, headers["www-authenticate"], problem

    for method in ("GET", "POST"):
        assert refusal(method, "secret") == refusal(method, "nothing")


def test_whoever_guesses_is_kept_waiting_and_whoever_does_not_is_not(logged):
    with serve(access=access(), max_failed_tries=5) as server:
        bad = [("Authorization", f"Bearer {token(b'x' * 32, scope=RIGHTS)}")]
        good = [("Authorization", f"Bearer {token(scope=RIGHTS)}")]
        assert [send(server, PUBLISH, bad, b"x")[0] for _ in range(7)] == [401] * 5 + [429] * 2
        status, headers, _ = send(server, PUBLISH, bad, b"x")
        assert status == 429
        assert 0 < int(headers["retry-after"]) <= 60
        assert send(server, "GET /health")[0] == 200
        assert send(server, PUBLISH, good, b"x")[0] in (202, 429)
    assert {line["status"] for line in logged()} >= {401, 429}


def test_a_stranger_cannot_tell_which_of_two_signatures_was_nearer(server, logged):
    """The answers are the same to the byte, but for the id of the request."""
    good = rs()
    answers = set()
    for wrong in (good[:-10] + "AAAAAAAAAA", rs(OTHER_RSA), rs(OTHER_RSA, kid="x"), rs(aud="x"), rs(sub=""), "x.y.z"):
        status, headers, body = send(server, PUBLISH, [("Authorization", f"Bearer {wrong}")], b"x")
        problem = json.loads(body)
        del problem["request_id"], headers["x-request-id"], headers["date"]
        answers.add((status, json.dumps(headers, sort_keys=True), json.dumps(problem)))
    assert len(answers) == 1
