import base64
import binascii
import hashlib
import hmac
import json
import math
import re
import secrets
import time
from fnmatch import fnmatchcase
from functools import lru_cache, partial

import jwt
import pytest

from sse_demo.lab import check
from sse_demo.lab.check import who_may_listen
from sse_demo.lab.check.made_tokens import KEY
from sse_demo.lab.lessons.who_may_listen.by_hand import SECRET
from sse_demo.lab.views import report as rows

CLAIMS = "returns the claims"
AUDIENCES = "accepts the audience"
END = "accepts a token up to its end"
ALGORITHM = "refuses each algorithm"
SIGNATURE = "refuses a signature"
PARTS = "refuses a text"
ENDED = "refuses a token that has ended"
OTHERS = "refuses a token for another audience"
OBJECTS = "refuses a header and claims"
BEFORE = "refuses a token with a wrong signature before"
COMPARED = "lets hmac.compare_digest"


def text(part):
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def raw(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def three(token):
    header, claims, signature = token.split(".")
    return header, claims, signature


def fits(header, claims, signature, key):
    wanted = text(hmac.digest(key, f"{header}.{claims}".encode(), "sha256"))
    return hmac.compare_digest(wanted.encode(), signature.encode())


def is_hs256(header):
    return header["alg"] == "HS256"


def for_us(claims, audience):
    aud = claims.get("aud")
    return aud == audience or (isinstance(aud, list) and audience in aud)


def goes_on(claims, now):
    exp = claims.get("exp")
    return isinstance(exp, (int, float)) and not isinstance(exp, bool) and now < exp


def objects(header, claims):
    found = [json.loads(raw(part)) for part in (header, claims)]
    if not all(isinstance(one, dict) for one in found):
        raise ValueError("no object")
    return found


def verify(
    token,
    key,
    audience,
    now,
    *,
    three=three,
    fits=fits,
    objects=objects,
    is_hs256=is_hs256,
    for_us=for_us,
    goes_on=goes_on,
):
    header, claims, signature = three(token)
    if not fits(header, claims, signature, key):
        raise ValueError("signature")
    header, claims = objects(header, claims)
    if not ("alg" in header and is_hs256(header)):
        raise ValueError("algorithm")
    if not for_us(claims, audience):
        raise ValueError("audience")
    if not goes_on(claims, now):
        raise ValueError("exp")
    return claims


def compared_twice(header, claims, signature, key):
    """By a random key, so that the time of the comparison tells nothing."""
    mine = secrets.token_bytes(32)
    wanted = text(hmac.digest(key, f"{header}.{claims}".encode(), "sha256"))
    return hmac.compare_digest(*(hmac.digest(mine, one.encode(), "sha256") for one in (wanted, signature)))


def in_a_set(claims, audience):
    aud = claims.get("aud")
    return audience in set([aud] if isinstance(aud, str) else aud if isinstance(aud, list) else [])


class Refused(ValueError):
    pass


def by_regex(token, key, audience, now):
    """One expression for the whole token, bytes throughout, and an exception of its own."""
    found = re.fullmatch(rb"(([\w-]+)\.([\w-]+))\.([\w-]{43})", token.encode(), re.ASCII)
    if not found:
        raise Refused
    text, header, claims, signature = found.groups()
    try:
        if not hmac.compare_digest(
            hmac.new(key, text, hashlib.sha256).digest(), base64.urlsafe_b64decode(signature + b"=")
        ):
            raise Refused
        header, claims = (json.loads(base64.urlsafe_b64decode(part + b"===")) for part in (header, claims))
        aud, exp = claims["aud"], claims["exp"]
        names = [aud] if isinstance(aud, str) else list(aud) if type(aud) is list else []
        if header["alg"] != "HS256" or audience not in names or type(exp) not in (int, float) or not exp > now:
            raise Refused
    except (KeyError, TypeError, IndexError) as error:
        raise Refused from error
    return claims


def strict_base64(token, key, audience, now):
    """Decodes the signature, and refuses each character that base64url has not."""

    def compared(header, claims, signature, key):
        if "=" in signature or "+" in signature or "/" in signature:
            return False
        given = base64.b64decode(signature + "=" * (-len(signature) % 4), b"-_", validate=True)
        return hmac.compare_digest(given, hmac.digest(key, f"{header}.{claims}".encode(), "sha256"))

    return verify(token, key, audience, now, fits=compared)


def signs_again(token, key, audience, now):
    """Makes the token that it should be, and compares the whole."""
    text_, _, _ = token.rpartition(".")
    whole = f"{text_}.{text(hmac.digest(key, text_.encode(), 'sha256'))}"
    if text_.count(".") != 1 or not hmac.compare_digest(whole.encode(), token.encode()):
        raise ValueError("no token of ours")
    return verify(token, key, audience, now)


def by_exceptions(token, key, audience, now):
    """Whatever goes wrong is a ValueError in the end."""
    try:
        found = verify(token, key, audience, now, objects=lambda *parts: [json.loads(raw(part)) for part in parts])
        assert set(found) >= {"aud", "exp"}
    except (AssertionError, AttributeError, TypeError, LookupError) as error:
        raise ValueError("refused") from error
    return found


def also_by_the_library(token, key, audience, now):
    """The library reads the claims, where what it cannot be told was checked before."""
    claims = verify(token, key, audience, now)
    options = {"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
    assert jwt.decode(token, key, algorithms=["HS256"], options=options) == claims
    return claims


@pytest.mark.parametrize(
    "right",
    [
        pytest.param(verify, id="as the solution"),
        pytest.param(by_regex, id="an expression, bytes"),
        pytest.param(strict_base64, id="the signature is decoded, strictly"),
        pytest.param(signs_again, id="signed again, the whole is compared"),
        pytest.param(partial(verify, fits=compared_twice), id="digests of both are compared"),
        pytest.param(partial(verify, for_us=in_a_set), id="the audiences as a set"),
        pytest.param(lru_cache(verify), id="the same question is answered from memory"),
        pytest.param(by_exceptions, id="whatever goes wrong is a ValueError"),
        pytest.param(also_by_the_library, id="read by the library at the end"),
    ],
)
def test_a_right_verify_token(right):
    assert missing(check.verify_token.solution(right)) == []


def missing(report):
    return [what for done, what, _ in report.rows if not done]


def alg_none(token, key, audience, now):
    header, _, rest = token.partition(".")
    if json.loads(raw(header))["alg"].lower() == "none":
        return json.loads(raw(rest.partition(".")[0]))
    return verify(token, key, audience, now)


def none_without_signature(header, claims, signature, key):
    return not signature or fits(header, claims, signature, key)


def alg_of_the_token(header, claims, signature, key):
    digest = {"HS384": "sha384", "HS512": "sha512"}.get(json.loads(raw(header)).get("alg"), "sha256")
    wanted = text(hmac.digest(key, f"{header}.{claims}".encode(), digest))
    return hmac.compare_digest(wanted.encode(), signature.encode())


def equal(header, claims, signature, key):
    return text(hmac.digest(key, f"{header}.{claims}".encode(), "sha256")) == signature


def dead_call(header, claims, signature, key):
    fits(header, claims, signature, key)
    return equal(header, claims, signature, key)


def prefix(header, claims, signature, key):
    wanted = text(hmac.digest(key, f"{header}.{claims}".encode(), "sha256"))
    return hmac.compare_digest(wanted[: len(signature)].encode(), signature.encode())


def begins(header, claims, signature, key):
    wanted = text(hmac.digest(key, f"{header}.{claims}".encode(), "sha256"))
    return hmac.compare_digest(wanted.encode(), signature[: len(wanted)].encode())


def as_text(header, claims, signature, key):
    return hmac.compare_digest(text(hmac.digest(key, f"{header}.{claims}".encode(), "sha256")), signature)


def lenient_base64(header, claims, signature, key):
    given = base64.urlsafe_b64decode(signature.encode() + b"==")
    return hmac.compare_digest(given, hmac.digest(key, f"{header}.{claims}".encode(), "sha256"))


def stripped(header, claims, signature, key):
    return fits(header, claims, signature.strip().rstrip("="), key)


def claims_alone(header, claims, signature, key):
    return hmac.compare_digest(text(hmac.digest(key, claims.encode(), "sha256")), signature)


def header_is_not_signed(header, claims, signature, key):
    usual = text(json.dumps(json.loads(raw(header)) | {"alg": "HS256"}).encode())
    return fits(header, claims, signature, key) or fits(usual, claims, signature, key)


def encoded_again(header, claims, signature, key):
    header, claims = (text(json.dumps(json.loads(raw(part))).encode()) for part in (header, claims))
    return fits(header, claims, signature, key)


def without_a_key(header, claims, signature, key):
    return fits(header, claims, signature, key) or fits(header, claims, signature, b"")


def in_small_letters(header, claims, signature, key):
    wanted = text(hmac.digest(key, f"{header}.{claims}".encode(), "sha256"))
    return hmac.compare_digest(wanted.lower().encode(), signature.lower().encode())


def both_alphabets(header, claims, signature, key):
    return fits(header, claims, signature.replace("+", "-").replace("/", "_"), key)


def digits_too(header, claims, signature, key):
    digits = hmac.digest(key, f"{header}.{claims}".encode(), "sha256").hex()
    return hmac.compare_digest(digits.encode(), signature.encode()) or fits(header, claims, signature, key)


def sixteen_bytes(header, claims, signature, key):
    wanted = text(hmac.digest(key, f"{header}.{claims}".encode(), "sha256"))
    return len(signature) == 43 and hmac.compare_digest(wanted[:22].encode(), signature[:22].encode())


def key_of_the_header(header, claims, signature, key):
    brought = json.loads(raw(header)).get("jwk")
    return fits(header, claims, signature, raw(brought["k"]) if brought else key)


def also_a_key_of_the_header(header, claims, signature, key):
    return fits(header, claims, signature, key) or key_of_the_header(header, claims, signature, key)


def also_the_secret_of_the_lesson(header, claims, signature, key):
    return fits(header, claims, signature, key) or fits(header, claims, signature, SECRET)


def without_bearer(token):
    return three(token.removeprefix("Bearer "))


def whatever_utf8(errors):
    return lambda *parts: [json.loads(raw(part).decode("utf-8", errors)) for part in parts]


def remembers(which):
    """Verifies once, and believes what it remembers."""
    known = {}

    def by_memory(token, key, audience, now):
        remembered = which(token)
        if remembered not in known:
            known[remembered] = verify(token, key, audience, now)
        return known[remembered]

    return by_memory


def first_three(token):
    return token.split(".")[:3]


def two_are_enough(token):
    header, claims, *rest = token.split(".")
    return header, claims, rest[0] if rest else ""


def without_padding(header, claims):
    return [json.loads(base64.urlsafe_b64decode(part)) for part in (header, claims)]


def plain_base64(header, claims):
    return [json.loads(base64.b64decode(part + "===")) for part in (header, claims)]


def ascii_only(header, claims):
    return [json.loads(raw(part).decode("ascii")) for part in (header, claims)]


def any_json(header, claims):
    return [json.loads(raw(part)) for part in (header, claims)]


def decoded_first(token, key, audience, now):
    objects(*token.split(".")[:2])
    return verify(token, key, audience, now)


def claims_decoded_first(token, key, audience, now):
    json.loads(raw(token.split(".")[1]))
    return verify(token, key, audience, now)


def only_payload(token, key, audience, now):
    return json.loads(raw(token.split(".")[1]))


def gives(value):
    def give(token, key, audience, now):
        claims = verify(token, key, audience, now)
        return value(token, claims)

    return give


def none_for_refused(token, key, audience, now):
    try:
        return verify(token, key, audience, now)
    except ValueError:
        return None


def empty_for_refused(token, key, audience, now):
    try:
        return verify(token, key, audience, now)
    except ValueError:
        return {}


def other_error(token, key, audience, now):
    try:
        return verify(token, key, audience, now)
    except ValueError as error:
        raise PermissionError(str(error)) from error


def asserts(token, key, audience, now):
    header, claims, signature = token.split(".")
    assert fits(header, claims, signature, key)
    return verify(token, key, audience, now)


async def coroutine(token, key, audience, now):
    return verify(token, key, audience, now)


def exp_as_text(claims, now):
    return now < float(claims["exp"])


def exp_of_any_kind(claims, now):
    exp = claims.get("exp")
    return isinstance(exp, (int, float)) and now < exp


def exp_where_there_is_one(claims, now):
    return "exp" not in claims or goes_on(claims, now)


def exp_when_over(claims, now):
    return isinstance(claims.get("exp"), (int, float)) and claims["exp"] is not True and not claims["exp"] <= now


def exp_by_key(claims, now):
    return now < claims["exp"]


def aud_by_key(claims, audience):
    return claims["aud"] == audience or audience in claims["aud"]


def aud_of_any_shape(claims, audience):
    return claims.get("aud") == audience or (
        not isinstance(claims.get("aud"), str) and audience in claims.get("aud", ())
    )


def aud_where_there_is_one(claims, audience):
    return "aud" not in claims or for_us(claims, audience)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        pytest.param(only_payload, SIGNATURE, id="the starter: the claims are believed"),
        pytest.param(lambda *_: None, CLAIMS, id="nothing"),
        pytest.param(None, CLAIMS, id="no function"),
        pytest.param(coroutine, CLAIMS, id="async def"),
        pytest.param(alg_none, ALGORITHM, id="alg none"),
        pytest.param(partial(verify, fits=none_without_signature, is_hs256=bool), ALGORITHM, id="no signature is fine"),
        pytest.param(partial(verify, fits=none_without_signature), SIGNATURE, id="an empty signature is fine"),
        pytest.param(partial(verify, fits=alg_of_the_token, is_hs256=bool), ALGORITHM, id="alg from the token"),
        pytest.param(partial(verify, is_hs256=lambda header: True), ALGORITHM, id="alg is not looked at"),
        pytest.param(
            partial(verify, is_hs256=lambda header: header["alg"] != "none"), ALGORITHM, id="each alg but none"
        ),
        pytest.param(
            partial(verify, is_hs256=lambda header: str(header["alg"]).upper() == "HS256"),
            ALGORITHM,
            id="alg in whatever capitals",
        ),
        pytest.param(partial(verify, is_hs256=lambda header: "HS256" in header["alg"]), ALGORITHM, id="HS256 in alg"),
        pytest.param(
            partial(verify, is_hs256=lambda header: header["alg"].startswith("HS")), ALGORITHM, id="alg begins with HS"
        ),
        pytest.param(partial(verify, fits=equal), COMPARED, id="=="),
        pytest.param(partial(verify, fits=dead_call), COMPARED, id="== beside a dead call"),
        pytest.param(partial(verify, fits=prefix), SIGNATURE, id="as much of the signature as was sent"),
        pytest.param(partial(verify, fits=begins), SIGNATURE, id="as much of the signature as is needed"),
        pytest.param(partial(verify, fits=as_text), SIGNATURE, id="text that is not ASCII is a TypeError"),
        pytest.param(partial(verify, fits=lenient_base64), SIGNATURE, id="base64 that passes over what it has not"),
        pytest.param(partial(verify, fits=stripped), SIGNATURE, id="strip"),
        pytest.param(partial(verify, fits=claims_alone), CLAIMS, id="only the claims are signed"),
        pytest.param(partial(verify, fits=header_is_not_signed), BEFORE, id="the header is put right"),
        pytest.param(partial(verify, fits=encoded_again), CLAIMS, id="decoded and encoded again"),
        pytest.param(partial(verify, fits=without_a_key), SIGNATURE, id="an empty key, too"),
        pytest.param(partial(verify, fits=lambda *_: True), SIGNATURE, id="everything fits"),
        pytest.param(partial(verify, fits=in_small_letters), SIGNATURE, id="capitals are small letters"),
        pytest.param(partial(verify, fits=both_alphabets), SIGNATURE, id="both alphabets of base64"),
        pytest.param(partial(verify, fits=digits_too), SIGNATURE, id="hexadecimal digits, too"),
        pytest.param(partial(verify, fits=sixteen_bytes), SIGNATURE, id="the first half of it decides"),
        pytest.param(partial(verify, fits=key_of_the_header), SIGNATURE, id="the key that the header brings"),
        pytest.param(partial(verify, fits=also_a_key_of_the_header), SIGNATURE, id="a key that the header brings, too"),
        pytest.param(partial(verify, fits=also_the_secret_of_the_lesson), SIGNATURE, id="the lesson's secret, too"),
        pytest.param(remembers(lambda token: token.split(".")[2]), SIGNATURE, id="a signature is remembered"),
        pytest.param(remembers(lambda token: token), ENDED, id="a token is remembered, and its end is not"),
        pytest.param(
            lambda token, key, audience, now: verify(token, KEY, audience, now), CLAIMS, id="a key of its own"
        ),
        pytest.param(
            lambda token, key, audience, now: verify(token, key, "events", now), CLAIMS, id="an audience of its own"
        ),
        pytest.param(partial(verify, three=without_bearer), PARTS, id="Bearer and a token"),
        pytest.param(
            partial(verify, objects=whatever_utf8("ignore")), OBJECTS, id="bytes that are no UTF-8 are left out"
        ),
        pytest.param(
            partial(verify, objects=whatever_utf8("replace")), OBJECTS, id="bytes that are no UTF-8 are replaced"
        ),
        pytest.param(
            partial(verify, is_hs256=lambda header: str(header["alg"]).strip() == "HS256"),
            ALGORITHM,
            id="alg, stripped",
        ),
        pytest.param(partial(verify, three=first_three), PARTS, id="four parts"),
        pytest.param(partial(verify, three=two_are_enough, fits=none_without_signature), PARTS, id="two parts"),
        pytest.param(partial(verify, objects=without_padding), CLAIMS, id="padding is not put back"),
        pytest.param(partial(verify, objects=plain_base64), CLAIMS, id="base64 in place of base64url"),
        pytest.param(partial(verify, objects=ascii_only), CLAIMS, id="ASCII only"),
        pytest.param(partial(verify, objects=any_json), OBJECTS, id="a list in place of claims"),
        pytest.param(decoded_first, BEFORE, id="decoded first"),
        pytest.param(claims_decoded_first, BEFORE, id="the claims are decoded first"),
        pytest.param(gives(lambda token, claims: True), CLAIMS, id="returns True"),
        pytest.param(gives(lambda token, claims: claims["sub"]), CLAIMS, id="returns the subject"),
        pytest.param(
            gives(lambda token, claims: json.loads(raw(token.split(".")[0]))), CLAIMS, id="returns the header"
        ),
        pytest.param(gives(lambda token, claims: raw(token.split(".")[1])), CLAIMS, id="returns bytes"),
        pytest.param(none_for_refused, SIGNATURE, id="None in place of an error"),
        pytest.param(empty_for_refused, SIGNATURE, id="no claims in place of an error"),
        pytest.param(other_error, SIGNATURE, id="another error"),
        pytest.param(asserts, SIGNATURE, id="assert"),
        pytest.param(lambda *_: 1 / 0, CLAIMS, id="raises for good ones"),
        pytest.param(partial(verify, goes_on=lambda claims, now: True), ENDED, id="no exp"),
        pytest.param(partial(verify, goes_on=exp_where_there_is_one), ENDED, id="exp may be missing"),
        pytest.param(partial(verify, goes_on=exp_as_text), ENDED, id="exp as text"),
        pytest.param(partial(verify, goes_on=exp_of_any_kind), ENDED, id="exp true"),
        pytest.param(partial(verify, goes_on=exp_when_over), ENDED, id="exp NaN"),
        pytest.param(
            partial(verify, goes_on=lambda claims, now: goes_on(claims, int(now))), ENDED, id="now is cut to seconds"
        ),
        pytest.param(partial(verify, goes_on=exp_by_key), ENDED, id="a KeyError without exp"),
        pytest.param(
            partial(verify, goes_on=lambda claims, now: goes_on(claims, now - 60)), ENDED, id="a minute of grace"
        ),
        pytest.param(
            partial(verify, goes_on=lambda claims, now: goes_on(claims, now - 0.1)), ENDED, id="up to exp and exp"
        ),
        pytest.param(
            partial(verify, goes_on=lambda claims, now: goes_on(claims, math.ceil(now + 0.5))), END, id="whole seconds"
        ),
        pytest.param(partial(verify, goes_on=lambda claims, now: goes_on(claims, now * 1000)), END, id="milliseconds"),
        pytest.param(
            partial(verify, goes_on=lambda claims, now: isinstance(claims["exp"], int) and now < claims["exp"]),
            END,
            id="whole numbers only",
        ),
        pytest.param(
            partial(verify, goes_on=lambda claims, now: goes_on(claims, time.time())), ENDED, id="its own clock"
        ),
        pytest.param(partial(verify, for_us=lambda claims, audience: True), OTHERS, id="any audience"),
        pytest.param(partial(verify, for_us=aud_where_there_is_one), OTHERS, id="aud may be missing"),
        pytest.param(
            partial(verify, for_us=lambda claims, audience: fnmatchcase(audience, str(claims.get("aud")))),
            OTHERS,
            id="aud is a pattern",
        ),
        pytest.param(partial(verify, for_us=aud_by_key), OTHERS, id="in a text, or in an object"),
        pytest.param(partial(verify, for_us=aud_of_any_shape), OTHERS, id="an object with the audience"),
        pytest.param(
            partial(verify, for_us=lambda claims, audience: str(claims.get("aud")).startswith(audience)),
            OTHERS,
            id="aud begins with it",
        ),
        pytest.param(
            partial(verify, for_us=lambda claims, audience: audience in str(claims.get("aud"))), OTHERS, id="aud has it"
        ),
        pytest.param(
            partial(verify, for_us=lambda claims, audience: str(claims.get("aud")) in audience), OTHERS, id="it has aud"
        ),
        pytest.param(
            partial(verify, for_us=lambda claims, audience: str(claims.get("aud")).lower() == audience),
            OTHERS,
            id="in whatever capitals",
        ),
        pytest.param(
            partial(verify, for_us=lambda claims, audience: claims.get("aud") == audience), AUDIENCES, id="no list"
        ),
        pytest.param(
            partial(verify, for_us=lambda claims, audience: claims.get("aud") in (audience, [audience])),
            AUDIENCES,
            id="a list with one name only",
        ),
        pytest.param(
            partial(verify, for_us=lambda claims, audience: audience in (claims.get("aud"), claims["aud"][0])),
            AUDIENCES,
            id="the first of a list",
        ),
    ],
)
def test_a_verify_token_that_is_not_finished(wrong, what):
    found = missing(check.verify_token(wrong))
    assert [row for row in found if row.startswith(what)], found


def test_the_library_alone_does_not_pass():
    """It takes a number in a text for a number, and its errors are no ``ValueError``."""

    def by_library(token, key, audience, now):
        options = {"require": ["exp", "aud"], "verify_exp": False}
        claims = jwt.decode(token, key, algorithms=["HS256"], audience=audience, options=options)
        if now >= claims["exp"]:
            raise ValueError("exp")
        return claims

    assert SIGNATURE in "".join(missing(check.verify_token(by_library)))


def test_a_case_that_fails_is_named():
    report = check.verify_token(partial(verify, is_hs256=lambda header: True))
    remark = next(remark for _, what, remark in report.rows if what.startswith(ALGORITHM))
    assert remark.startswith("nOnE, with a signature: expected 'ValueError', got 'it is accepted'")


def test_nothing_waits_for_ever(monkeypatch):
    def endless(*_):
        while True:
            time.sleep(0.01)

    monkeypatch.setattr(rows, "PATIENCE", 0.05)
    report = check.verify_token(endless)
    assert len(missing(report)) == len(report.rows)


def test_the_report_is_short():
    assert len(check.verify_token.solution(verify).rows) == 11
    assert len(check.holes.solution({}).rows) == 5


RIGHT = {"A": "origins", "B": "secret", "C": "audience", "D": "cookie", "E": "pattern"}


@pytest.mark.parametrize(
    "right",
    [
        pytest.param(RIGHT, id="as the solution"),
        pytest.param({letter: hole.upper() for letter, hole in RIGHT.items()}, id="in capitals"),
        pytest.param({letter: f" {hole} " for letter, hole in reversed(RIGHT.items())}, id="spaces, another order"),
    ],
)
def test_the_right_holes(right):
    assert missing(check.holes.solution(right)) == []


@pytest.mark.parametrize(
    ("wrong", "count"),
    [
        pytest.param({letter: None for letter in RIGHT}, 5, id="the starter"),
        pytest.param({}, 5, id="empty"),
        pytest.param(None, 5, id="no dictionary"),
        pytest.param(list(RIGHT.values()), 5, id="a list"),
        pytest.param(RIGHT | {"A": ["origins"]}, 1, id="a list of one"),
        pytest.param(RIGHT | {"B": "address"}, 1, id="a hole that is not there"),
        pytest.param(RIGHT | {"C": "everything"}, 1, id="a word that is none"),
        pytest.param({letter: "secret" for letter in RIGHT}, 4, id="the same for all"),
        pytest.param({letter.lower(): hole for letter, hole in RIGHT.items()}, 5, id="small letters"),
    ],
)
def test_holes_that_are_not_found(wrong, count):
    report = check.holes(wrong)
    assert len(missing(report)) == count
    assert all(remark for done, _, remark in report.rows if not done)


def test_what_an_attacker_does_does_not_name_the_hole():
    for letter, (hole, attack) in who_may_listen._CONFIGURATIONS.items():
        row = dict(zip(RIGHT, check.holes({}).rows, strict=True))[letter]
        assert row[2] == attack
        assert hole.removesuffix("s") not in attack.lower()


def test_a_token_that_is_not_base64_at_all_is_a_value_error():
    with pytest.raises((ValueError, binascii.Error)):
        verify("a.b.c", b"key", "events", 0.0)
