"""The checks of lesson 10."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..lessons.who_may_listen.by_hand import SECRET, decoded, encoded
from ..views.report import Report
from .cases import Case, expect_all, finished
from .compare import DECIDES, compare_digest_decides
from .exercise import Exercise
from .made_tokens import AUDIENCE, CLAIMS, KEY, NOW, OTHER_KEY, another, header, pack, sign, sign_in_plain_base64

VerifyToken = Callable[[str, bytes, str, float], Mapping[str, Any]]

ACCEPTED, REFUSED = "it is accepted", "ValueError"
BEFORE = "refuses a token with a wrong signature before it decodes any part of it"

#: What a hole may be called, and what it is.
HOLES = {
    "address": "a secret stands in an address",
    "algorithm": "the token says how it is to be checked",
    "audience": "a token for another service counts here",
    "cookie": "a script in the page can read the cookie of a session",
    "expiry": "a right has no end",
    "origins": "a page of somebody else may read with the visitor's cookie",
    "pattern": "a pattern opens more than is meant",
    "secret": "the secret can be guessed",
}

#: Of each configuration: its hole, and what an attacker does with it, where the learner has not found it yet.
_CONFIGURATIONS = {
    "A": ("origins", "Ann opens a page that nobody has named. A moment later, its owner has read her prices."),
    "B": (
        "secret",
        "Somebody sees one token, works on it at home for an afternoon, and then signs tokens for anybody.",
    ),
    "C": ("audience", "Ann logs in to a game, at the same issuer. The game's owner listens here in her name."),
    "D": ("cookie", "A comment below an article holds one line of JavaScript. Ann reads it, and somebody else is ann."),
    "E": ("pattern", "Somebody who has not logged in tries a few names, and reads what is to be published tomorrow."),
}


@Exercise
def verify_token(contestant: VerifyToken) -> Report:
    """Lesson 10: a verifier of tokens that are signed by HMAC-SHA256 (RFC 7515, 5.2; RFC 7519, 7.2).

    Args:
        contestant: Takes a token, the secret, the name of this service, and the time in seconds since 1970. Returns the
            claims, and raises ``ValueError`` for a token that does not count.
    """
    report = Report("verify_token")

    def ask(token: str, audience: str = AUDIENCE, now: float = NOW, key: bytes = KEY) -> dict[str, Any]:
        found = finished(contestant(token, key, audience, now))
        if not isinstance(found, Mapping):
            raise TypeError(f"it returns {found!r:.60}, and not the claims")
        return dict(found)

    def counts(token: str, claims: Mapping[str, Any], **how: Any) -> Case:
        return dict(claims), partial(ask, token, **how)

    def refused(token: str, **how: Any) -> Case:
        return REFUSED, partial(_outcome, partial(ask, token, **how))

    def refused_after(token: str, then: str, **how: Any) -> Case:
        """A token that does not count, asked for after one that does."""

        def outcome() -> str:
            return _outcome(partial(ask, token)) and _outcome(partial(ask, then, **how))

        return REFUSED, outcome

    def signed(change: Mapping[str, Any] = {}, *, without: str = "", head: Any = None) -> str:
        claims = {name: value for name, value in (CLAIMS | dict(change)).items() if name != without}
        return sign(header() if head is None else head, claims)

    good = signed()
    head, payload, signature = good.split(".")
    expect_all(
        report,
        "returns the claims of a token that counts, whatever their length",
        {
            f"a subject of {length} characters": counts(signed({"sub": "a" * length}), CLAIMS | {"sub": "a" * length})
            for length in range(1, 5)
        }
        | {
            "a name that is not ASCII, in UTF-8": counts(
                sign(header(), json.dumps(CLAIMS | {"name": "Zoë"}, ensure_ascii=False)), CLAIMS | {"name": "Zoë"}
            ),
            "claims that have - and _ in base64url": counts(signed({"sub": "???~~~"}), CLAIMS | {"sub": "???~~~"}),
            "JSON with spaces and line ends": counts(
                sign(json.dumps(header(), indent=2), json.dumps(CLAIMS, indent=2)), CLAIMS
            ),
            "more members in the header": counts(signed(head=header(kid="7", typ="at+jwt")), CLAIMS),
            "signed by another key, which is given": counts(
                sign(header(), CLAIMS, key=OTHER_KEY), CLAIMS, key=OTHER_KEY
            ),
            "for another audience, which is given": counts(
                signed({"aud": "shop"}), CLAIMS | {"aud": "shop"}, audience="shop"
            ),
        },
    )
    expect_all(
        report,
        "accepts the audience alone, or in a list with others",
        {
            "a list with two names": counts(signed({"aud": ["shop", AUDIENCE]}), CLAIMS | {"aud": ["shop", AUDIENCE]}),
            "a list with one name": counts(signed({"aud": [AUDIENCE]}), CLAIMS | {"aud": [AUDIENCE]}),
        },
    )
    expect_all(
        report,
        "accepts a token up to its end, by the time that it is given",
        {
            "half a second before": counts(signed({"exp": NOW + 0.5}), CLAIMS | {"exp": NOW + 0.5}),
            "an end that is a whole number": counts(signed({"exp": int(NOW) + 1}), CLAIMS | {"exp": int(NOW) + 1}),
        },
    )
    expect_all(
        report,
        "refuses each algorithm but HS256, also where the signature is the right one",
        {
            "none, without a signature": refused(f"{pack({'alg': 'none'}, CLAIMS)}."),
            "None, without a signature": refused(f"{pack({'alg': 'None'}, CLAIMS)}."),
            "nOnE, with a signature": refused(signed(head=header("nOnE"))),
            "RS256": refused(signed(head=header("RS256"))),
            "hs256, in small letters": refused(signed(head=header("hs256"))),
            "HS512, signed by it": refused(sign(header("HS512"), CLAIMS, digest="sha512")),
            "HS384, signed by it": refused(sign(header("HS384"), CLAIMS, digest="sha384")),
            "HS256, with a space behind": refused(signed(head=header("HS256 "))),
            "a list with HS256": refused(signed(head=header(["HS256"]))),
            "no alg at all": refused(signed(head={"typ": "JWT"})),
        },
    )
    expect_all(
        report,
        "refuses a signature that is wrong, cut short, too long, empty, missing, or no base64url",
        {
            "of another key": refused(sign(header(), CLAIMS, key=OTHER_KEY)),
            "of an empty key": refused(sign(header(), CLAIMS, key=b"")),
            "of the secret that the lesson shows": refused(sign(header(), CLAIMS, key=SECRET)),
            "of a key that the token brings in its header": refused(
                sign(header(jwk={"kty": "oct", "k": encoded(OTHER_KEY)}), CLAIMS, key=OTHER_KEY)
            ),
            "of other claims": refused(f"{pack(header(), CLAIMS | {'sub': 'boss'})}.{signature}"),
            "of other claims, after the token that had it": refused_after(
                good, f"{pack(header(), CLAIMS | {'sub': 'boss'})}.{signature}"
            ),
            "of another header": refused(f"{pack(header() | {'kid': '1'}, CLAIMS)}.{signature}"),
            "the first half": refused(f"{head}.{payload}.{signature[:21]}"),
            "without its last character": refused(f"{head}.{payload}.{signature[:-1]}"),
            "an A more": refused(f"{good}A"),
            "another first character": refused(f"{head}.{payload}.{another(signature[0])}{signature[1:]}"),
            "another last character but one": refused(
                f"{head}.{payload}.{signature[:-2]}{another(signature[-2])}{signature[-1]}"
            ),
            "small letters for capitals": refused(f"{head}.{payload}.{signature.lower()}"),
            "+ and / for - and _": refused(sign_in_plain_base64()),
            "as hexadecimal digits": refused(f"{head}.{payload}.{decoded(signature).hex()}"),
            "an = more": refused(f"{good}="),
            "a line end more": refused(f"{good}\n"),
            "a ! in it": refused(f"{head}.{payload}.{signature[:9]}!{signature[9:]}"),
            "an é in it": refused(f"{head}.{payload}.é{signature[1:]}"),
            "empty": refused(f"{head}.{payload}."),
        },
    )
    expect_all(
        report,
        "refuses a text that is not exactly three parts",
        {
            "two": refused(f"{head}.{payload}"),
            "four": refused(f"{good}.{signature}"),
            "an empty one more": refused(f"{good}."),
            "three, and Bearer before them": refused(f"Bearer {good}"),
            "one": refused("token"),
            "none": refused(""),
        },
    )
    expect_all(
        report,
        "refuses a token that has ended, or has no end that is a number",
        {
            "that ends now": refused(signed({"exp": NOW})),
            "that has ended a second ago": refused(signed({"exp": NOW - 1})),
            "that has ended a quarter of a second ago": refused(signed({"exp": NOW + 0.25}), now=NOW + 0.5),
            "that ends within a minute, after it counted": refused_after(good, good, now=NOW + 61),
            "that ends within an hour, an hour later": refused(signed({"exp": NOW + 3600}), now=NOW + 3601),
            "without exp": refused(signed(without="exp")),
            "with exp as text": refused(signed({"exp": str(NOW + 60)})),
            "with exp true": refused(signed({"exp": True}), now=0.0),
            "with exp null": refused(signed({"exp": None})),
            "with exp NaN": refused(signed({"exp": float("nan")})),
            "with exp in a list": refused(signed({"exp": [NOW + 60]})),
        },
    )
    expect_all(
        report,
        "refuses a token for another audience, or for none",
        {
            "another": refused(signed({"aud": "shop"})),
            "one that begins with the right one": refused(signed({"aud": "events-of-others"})),
            "one that is the beginning of the right one": refused(signed({"aud": "event"})),
            "one that contains the right one": refused(signed({"aud": "no events"})),
            "the right one in capitals": refused(signed({"aud": "EVENTS"})),
            "a list of others": refused(signed({"aud": ["shop", "events-of-others"]})),
            "an empty list": refused(signed({"aud": []})),
            "an empty text": refused(signed({"aud": ""})),
            "a star": refused(signed({"aud": "*"})),
            "a pattern, in a list": refused(signed({"aud": ["event*"]})),
            "another, after it counted for its own": refused_after(good, good, audience="shop"),
            "an object with the right one as a key": refused(signed({"aud": {AUDIENCE: 1}})),
            "none": refused(signed(without="aud")),
            "null": refused(signed({"aud": None})),
        },
    )
    not_utf8 = json.dumps(CLAIMS).encode().replace(b"ann", b"ann\xff")
    expect_all(
        report,
        "refuses a header and claims that are no JSON objects, though they are signed",
        {
            "claims that are a list": refused(sign(header(), [])),
            "claims that are a number": refused(sign(header(), 7)),
            "claims that are no JSON": refused(sign(header(), "ann")),
            "claims that are no UTF-8": refused(sign(header(), not_utf8)),
            "a header that is a list": refused(sign(["HS256"], CLAIMS)),
            "a header that is no JSON": refused(sign("HS256", CLAIMS)),
        },
    )
    deep = encoded(b"[" * 100_000)
    expect_all(
        report,
        BEFORE,
        {
            "a header of 100,000 brackets": refused(f"{deep}.{payload}.{signature}"),
            "claims of 100,000 brackets": refused(f"{head}.{deep}.{signature}"),
        },
    )
    # Asked for here only, because whoever remembers what was right does not compare again.
    fresh, forged = signed({"jti": "fresh"}), sign(header(), CLAIMS | {"jti": "forged"}, OTHER_KEY)
    report.expect(
        "lets hmac.compare_digest, and nothing else, compare the signatures",
        DECIDES,
        compare_digest_decides,
        lambda: _outcome(partial(ask, fresh)) == ACCEPTED,
        lambda: _outcome(partial(ask, forged)) == ACCEPTED,
    )
    return report


@Exercise
def holes(answers: Mapping[str, str | None]) -> Report:
    """Lesson 10: the hole in each of five configurations.

    Args:
        answers: By the letter of the configuration, one of ``HOLES``, or None where the learner has not found it yet.
    """
    report = Report("holes")
    for letter, (hole, attack) in _CONFIGURATIONS.items():
        answer = answers.get(letter) if isinstance(answers, Mapping) else None
        said = answer.strip().casefold() if isinstance(answer, str) else ""
        if said == hole:
            report.add(True, f"{letter}: {HOLES[hole]}")
        elif said in HOLES:
            report.add(False, f"{letter}: it is not true that {HOLES[said]}", attack)
        else:
            report.add(False, f"{letter}: {f'{said!r:.30} is none of the words' if said else 'not found yet'}", attack)
    return report


def _outcome(ask: Callable[[], object]) -> str:
    """Whether a token counts. An exception of another kind than ``ValueError`` is named."""
    try:
        ask()
    except ValueError:
        return REFUSED
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ACCEPTED
