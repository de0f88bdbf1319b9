import contextlib
import hashlib
import hmac
import json
import logging
import math
import sys
from functools import partial
from hmac import compare_digest

import pytest

from sse_demo.lab import check


def _signature(body, key):
    return hmac.new(key, body.encode(), hashlib.sha256).hexdigest().encode()


class Refused(ValueError):
    pass


def _decode(body):
    message = json.loads(body)
    if not isinstance(message.get("payload"), dict):
        raise ValueError("payload")
    return message


def _check_signature(signature, body, key):
    if not hmac.compare_digest(_signature(body, key), signature.encode()):
        raise Refused("signature")


def _verify(data, key, now, least=-30, most=30, decode=_decode, check_signature=_check_signature):
    signature, _, body = data.partition("\n")
    check_signature(signature, body, key)
    message = decode(body)
    if not now + least <= message["timestamp"] <= now + most:
        raise Refused("timestamp")
    return message


def test_a_right_verify_passes():
    assert check.verify(_verify).passed
    assert check.verify(_verify, Refused).passed


def test_a_verify_may_raise_any_kind_of_value_error_where_nothing_else_is_asked_for():
    def verify(data, key, now):
        try:
            return _verify(data, key, now)
        except ValueError as error:
            raise UnicodeError from error

    assert check.verify(verify).passed
    assert not check.verify(verify, Refused).passed


def test_a_verify_that_calls_everything_refused_or_nothing():
    def everything(data, key, now):
        try:
            return _verify(data, key, now)
        except ValueError as error:
            raise Refused from error

    def nothing(data, key, now):
        try:
            return _verify(data, key, now)
        except ValueError as error:
            raise ValueError from error

    assert missing_of(check.verify(everything, Refused)) == ["signed, but no JSON", "signed, but incomplete"]
    assert "refused: a wrong signature" in missing_of(check.verify(nothing, Refused))


def test_a_verify_may_compare_in_a_helper_that_has_imported_the_function():
    def check_signature(signature, body, key):
        if not compare_digest(_signature(body, key), signature.encode()):
            raise Refused

    before = sys.getprofile()
    assert check.verify(partial(_verify, check_signature=check_signature), Refused).passed
    assert sys.getprofile() is before


def missing_of(report):
    return [what for done, what, _ in report.rows if not done]


def _verify_decoded_first(data, key, now):
    signature, _, body = data.partition("\n")
    message = json.loads(body)
    if not hmac.compare_digest(_signature(json.dumps(message), key), signature.encode()):
        raise ValueError("signature")
    return _verify(f"{_signature(body, key).decode()}\n{body}", key, now)


def _verify_after_decoding(data, key, now):
    _decode(data.partition("\n")[2])
    return _verify(data, key, now)


def _verify_abs(data, key, now):
    signature, _, body = data.partition("\n")
    _check_signature(signature, body, key)
    message = _decode(body)
    if abs(now - message["timestamp"]) > 30:
        raise Refused("timestamp")
    return message


def _verify_text(data, key, now):
    signature, _, body = data.partition("\n")
    if not hmac.compare_digest(_signature(body, key).decode(), signature):
        raise ValueError("signature")
    return _verify(data, key, now)


def _verify_half(data, key, now):
    signature, _, body = data.partition("\n")
    if not _signature(body, key).startswith(signature.encode()):
        raise ValueError("signature")
    return _verify(f"{_signature(body, key).decode()}\n{body}", key, now)


def _verify_equal(data, key, now):
    def check_signature(signature, body, key):
        if _signature(body, key) != signature.encode():
            raise Refused("signature")

    return _verify(data, key, now, check_signature=check_signature)


@pytest.mark.parametrize(
    ("wrong", "missing"),
    [
        (_verify_decoded_first, "accepted: the same, without spaces"),
        (_verify_text, "refused: one that is not ASCII"),
        (_verify_half, "refused: half of the right one"),
        (_verify_equal, "compared with hmac.compare_digest"),
        (_verify_after_decoding, "refused: 100,000 brackets that nobody has signed"),
        (_verify_abs, "refused: at the time NaN"),
        (_verify_abs, "refused: at a time of 400 digits"),
        (partial(_verify, least=-6, most=6), "accepted: 29 seconds old"),
        (partial(_verify, most=0), "accepted: 29 seconds ahead"),
        (partial(_verify, most=3000), "refused: 31 seconds ahead"),
        (partial(_verify, most=math.inf), "refused: 31 seconds ahead"),
        (partial(_verify, least=-60), "refused: 31 seconds old"),
        (partial(_verify, least=-math.inf), "refused: 31 seconds old"),
        (partial(_verify, decode=json.loads), "signed, but incomplete"),
        (lambda data, key, now: json.loads(data.partition("\n")[2]), "refused: data that was changed"),
        (lambda data, key, now: None, "accepted: the right one"),
        (lambda data, key, now: 1 / 0, "refused: a wrong signature"),
    ],
)
def test_a_verify_that_is_not_finished(wrong, missing):
    assert missing in missing_of(check.verify(wrong))


class _Dispatcher:
    log = logging.getLogger("test_check")

    def __init__(self, fallback):
        self.handlers, self.fallback = {}, fallback

    def on(self, type):
        def register(handler):
            self.handlers.setdefault(type, []).append(handler)
            return handler

        return register

    def dispatch(self, message):
        for handler in self.handlers.get(message["type"], ()):
            self.call(handler, message["payload"])
        if message["type"] not in self.handlers:
            self.call(self.fallback, message)

    def call(self, handler, argument):
        try:
            handler(argument)
        except Exception:
            self.log.exception("a handler failed")


def test_a_right_dispatcher_passes():
    assert check.dispatcher(_Dispatcher).passed


class _FailsLoudly(_Dispatcher):
    def call(self, handler, argument):
        handler(argument)


class _FailsSilently(_Dispatcher):
    def call(self, handler, argument):
        with contextlib.suppress(Exception):
            handler(argument)


class _LogsTheMessageOnly(_Dispatcher):
    def call(self, handler, argument):
        try:
            handler(argument)
        except Exception:
            self.log.error("a handler failed")


class _CannotBeInterrupted(_Dispatcher):
    def call(self, handler, argument):
        try:
            handler(argument)
        except BaseException:
            self.log.exception("a handler failed")


class _LogsTheName(_Dispatcher):
    def call(self, handler, argument):
        try:
            handler(argument)
        except Exception:
            self.log.exception("%s failed", handler.__name__)


class _CannotBeEnded(_Dispatcher):
    def call(self, handler, argument):
        with contextlib.suppress(SystemExit):
            super().call(handler, argument)


class _OnReturnsNothing(_Dispatcher):
    def on(self, type):
        return lambda handler: super(_OnReturnsNothing, self).on(type)(handler) and None


class _FallbackGetsThePayload(_Dispatcher):
    def dispatch(self, message):
        if message["type"] in self.handlers:
            super().dispatch(message)
        else:
            self.call(self.fallback, message["payload"])


@pytest.mark.parametrize(
    ("wrong", "missing"),
    [
        (_FailsLoudly, "nor the next message"),
        (_FailsSilently, "the failure is logged, with its traceback"),
        (_LogsTheMessageOnly, "the failure is logged, with its traceback"),
        (_CannotBeInterrupted, "KeyboardInterrupt goes through"),
        (_CannotBeEnded, "SystemExit goes through"),
        (_LogsTheName, "nor does a handler without a name"),
        (_OnReturnsNothing, "on() gives the function back, as a decorator should"),
        (_FallbackGetsThePayload, "an unknown type goes to the fallback, whole"),
        (object, "a handler gets the payload"),
    ],
)
def test_a_dispatcher_that_is_not_finished(wrong, missing):
    assert missing in missing_of(check.dispatcher(wrong))
    assert logging.getLogRecordFactory() is logging.LogRecord
