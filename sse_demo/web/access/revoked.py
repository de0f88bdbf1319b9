"""What was revoked before its end. It is remembered for as long as it could still be shown."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import NamedTuple, TypeAlias

from .identity import Identity

REMEMBERED = 100_000  # revocations of each kind

_NEVER = float("nan")  # no time is before


class _When(NamedTuple):
    issued: float  # up to then, in seconds since 1970
    noted: float  # on the monotonic clock, which nobody sets


_Noted: TypeAlias = OrderedDict[tuple[str | None, str], _When]


class Revoked:
    """Tokens that count no more, by their id or by their subject. For the event loop's thread.

    A revocation that has to make room before its time takes all tokens with it that were issued before it. A token that
    was seen was issued before whatever is revoked later, also where the clock was set back in between.

    Args:
        life: Seconds for which a token may be valid: for so long a revocation is remembered.
    """

    def __init__(self, life: float) -> None:
        self._life = life
        self._all_before = _NEVER  # no token counts that was issued up to then
        self._latest = 0.0  # issue of a token that was seen
        # By issuer, None for any, and name. The oldest come first.
        self._tokens: _Noted = OrderedDict()
        self._subjects: _Noted = OrderedDict()

    def token(self, id: str, issuer: str | None = None) -> None:
        """The token with this id counts no more."""
        self._note(self._tokens, (issuer, id))

    def subject(self, subject: str, issuer: str | None = None) -> None:
        """No token of this subject that was issued up to now counts any more."""
        self._note(self._subjects, (issuer, subject))

    def has(self, identity: Identity) -> bool:
        """Whether this one's right was revoked. A token that does not say when it was issued was before."""
        if not identity.is_known:  # what everybody may do is nobody's to lose
            return False
        if identity.issued > self._latest:
            self._latest = identity.issued
        if identity.issued <= self._all_before:
            return True
        for issuer in (None, identity.issuer):
            if identity.token_id is not None and (issuer, identity.token_id) in self._tokens:
                return True
            when = self._subjects.get((issuer, identity.subject))
            if when is not None and identity.issued <= when.issued:
                return True
        return False

    def _note(self, noted: _Noted, name: tuple[str | None, str]) -> None:
        when = _When(max(time.time(), self._latest), time.monotonic())
        noted.pop(name, None)
        noted[name] = when
        too_old = when.noted - self._life
        while len(noted) > REMEMBERED or next(iter(noted.values())).noted < too_old:
            _, first = noted.popitem(last=False)
            if first.noted >= too_old and not first.issued <= self._all_before:
                self._all_before = first.issued
