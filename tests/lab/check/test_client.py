import contextlib
import hashlib
import hmac
import json
import logging

import pytest

from sse_demo.lab import check


def _signature(body, key):
    return hmac.new(key, body.encode(), hashlib.sha256).hexdigest().encode()


def _verify(data, key, now):
    signature, _, body = data.partition("\n")
    if not hmac.compare_digest(_signature(body, key), signature.encode()):
        raise ValueError("signature")
    message = json.loads(body)
    if abs(now - message["timestamp"]) > 30:
        raise ValueError("timestamp")
    return message


def test_a_right_verify_passes():
    assert check.verify(_verify).passed


def test_a_verify_may_raise_a_kind_of_value_error_and_compare_in_a_helper():
    class Refused(ValueError):
        pass

    def verify(data, key, now):
        try:
            return _verify(data, key, now)
        except ValueError as error:
            raise Refused from error

    assert check.verify(verify).passed


def _verify_decoded_first(data, key, now):
    signature, _, body = data.partition("\n")
    message = json.loads(body)
    if not hmac.compare_digest(_signature(json.dumps(message), key), signature.encode()):
        raise ValueError("signature")
    return _verify(f"{_signature(body, key).decode()}\n{body}", key, now)


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
    signature, _, body = data.partition("\n")
    message = json.loads(body or "0")
    if _signature(body, key) != signature.encode() or abs(now - message["timestamp"]) > 30:
        raise ValueError("signature")
    return message


def _verify_too_patient(data, key, now):
    return _verify(data, key, min(now, json.loads(data.partition("\n")[2])["timestamp"] + 30))


def _verify_past_only(data, key, now):
    return _verify(data, key, max(now, json.loads(data.partition("\n")[2])["timestamp"]))


def _verify_for_ever(data, key, now):
    return _verify(data, key, json.loads(data.partition("\n")[2])["timestamp"])


@pytest.mark.parametrize(
    ("wrong", "missing"),
    [
        (_verify_decoded_first, "accepted: the same, without spaces"),
        (_verify_text, "refused: one that is not ASCII"),
        (_verify_half, "refused: half of the right one"),
        (_verify_equal, "compared with hmac.compare_digest"),
        (_verify_for_ever, "refused: a message of an hour ago"),
        (_verify_too_patient, "refused: a message of 31 seconds ago"),
        (_verify_past_only, "refused: a message of the next hour"),
        (lambda data, key, now: json.loads(data.partition("\n")[2]), "refused: data that was changed"),
        (lambda data, key, now: None, "accepted: the right one"),
        (lambda data, key, now: 1 / 0, "refused: a wrong signature"),
    ],
)
def test_a_verify_that_is_not_finished(wrong, missing):
    report = check.verify(wrong)
    assert missing in [what for done, what, _ in report.rows if not done]


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
        (_OnReturnsNothing, "on() gives the function back, as a decorator should"),
        (_FallbackGetsThePayload, "an unknown type goes to the fallback, whole"),
        (object, "a handler gets the payload"),
    ],
)
def test_a_dispatcher_that_is_not_finished(wrong, missing):
    report = check.dispatcher(wrong)
    assert missing in [what for done, what, _ in report.rows if not done]
    assert logging.getLogRecordFactory() is logging.LogRecord
