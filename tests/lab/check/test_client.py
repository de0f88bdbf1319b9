import contextlib
import gc
import hashlib
import hmac
import json
import logging
import math
import re
import secrets
import sys
import time
import traceback
import unicodedata
from collections import defaultdict, deque
from functools import partial
from hmac import compare_digest

import pytest

from sse_demo.lab import check
from sse_demo.lab.lessons.client import signed
from sse_demo.lab.views import report as rows

ENCODED = "accepts a message that is signed, however"
OF_NOW = "accepts a message that is 29.9"
SIGNATURE = "refuses a signature"
CHANGED = "refuses a body"
TOO_OLD = "refuses a message that is signed and 30.1"
ODD_TIMES = "refuses a message that is signed, with a timestamp"
FIRST = "verifies before it decodes"
BROKEN = "leaves the ValueError of decode"
COMPARED = "lets hmac.compare_digest"

IN_ORDER = "calls each handler"
WHOLE = "calls the fallback with the whole"
NEXT = "goes on after a handler"
FALLBACK_FAILS = "goes on after a fallback"
LOGGED = "logs each failure"
GIVES_BACK = "gives the function back"
OWN = "keeps the handlers in each"
THROUGH = "lets KeyboardInterrupt"


class Refused(ValueError):
    pass


def sign(body, key):
    return hmac.new(key, body.encode(), hashlib.sha256).hexdigest()


def decode(body):
    message = json.loads(body)
    if not isinstance(message.get("payload"), dict) or not isinstance(message["type"], str):
        raise ValueError("payload or type")
    return message


def fits(signature, body, key):
    return hmac.compare_digest(sign(body, key).encode(), signature.encode())


def verify(
    data, key, now, *, least=-30, most=30, decode=decode, fits=fits, split=lambda data: data.partition("\n")[::2]
):
    signature, body = split(data)
    if not fits(signature, body, key):
        raise Refused("signature")
    message = decode(body)
    if not now + least <= message["timestamp"] <= now + most:
        raise Refused("timestamp")
    return message


def missing(report):
    return [what for done, what, _ in report.rows if not done]


def remark(report, what):
    return next(remark for _, row, remark in report.rows if row.startswith(what))


def by_bytes(data, key, now):
    signature, _, body = data.encode().partition(b"\n")
    try:
        given = bytes.fromhex(signature.decode())
    except ValueError as error:
        raise Refused("no digits") from error
    if not secrets.compare_digest(hmac.digest(key, body, "sha256"), given):
        raise Refused("signature")
    message = decode(body)
    if (
        message["timestamp"] < now - 30
        or message["timestamp"] > now + 30
        or message["timestamp"] != message["timestamp"]
    ):
        raise Refused("timestamp")
    return message


def text_that_is_ascii(signature, body, key):
    return signature.isascii() and hmac.compare_digest(sign(body, key), signature)


def remembers():
    """A message that comes twice is refused."""
    seen = set()

    def verify_once(data, key, now):
        message = verify(data, key, now)
        if data in seen:
            raise Refused("twice")
        seen.add(data)
        return message

    return verify_once


def another_name(signature, body, key):
    return len(signature) == 64 and compare_digest(sign(body, key).encode(), signature.encode())


def in_a_closure():
    compare = hmac.compare_digest
    return lambda signature, body, key: compare(sign(body, key).encode(), signature.lower().encode())


def by_a_partial(signature, body, key):
    return partial(compare_digest, sign(body, key).encode())(signature.encode())


def by_new(signature, body, key):
    mac = hmac.new(key, digestmod=hashlib.sha256)
    mac.update(body.encode())
    return hmac.compare_digest(mac.hexdigest().encode("ascii"), signature.encode("utf-8", "replace"))


def within_a_range(data, key, now):
    message = verify(data, key, now, least=-math.inf, most=math.inf)
    timestamp = message["timestamp"]
    if not timestamp >= now - 30:
        raise Refused("too old")
    if not timestamp <= now + 30:
        raise Refused("of the future")
    return message


def every_error_of_the_signature(data, key, now):
    signature, _, body = data.partition("\n")
    try:
        right = hmac.compare_digest(sign(body, key), signature)
    except TypeError:
        right = False
    if not right:
        raise Refused("signature")
    return verify(data, key, now)


def the_packages_own(data, key, now):
    try:
        return signed.verify(data, key, now)
    except signed.Refused as error:
        raise Refused from error


@pytest.mark.parametrize(
    "right",
    [
        pytest.param(verify, id="as the solution"),
        pytest.param(the_packages_own, id="the package's own"),
        pytest.param(by_bytes, id="bytes, fromhex, secrets.compare_digest"),
        pytest.param(partial(verify, fits=another_name), id="a helper, an import by name, the length first"),
        pytest.param(partial(verify, fits=in_a_closure()), id="a closure, lower case"),
        pytest.param(partial(verify, fits=by_a_partial), id="a partial"),
        pytest.param(partial(verify, split=lambda data: [*data.split("\n", 1), ""][:2]), id="split once"),
        pytest.param(partial(verify, split=lambda data: (data[:64], data[65:])), id="slices"),
        pytest.param(partial(verify, fits=text_that_is_ascii), id="text, where it is ASCII"),
        pytest.param(remembers(), id="nothing twice"),
        pytest.param(partial(verify, fits=by_new), id="hmac.new and its digest"),
        pytest.param(partial(verify, split=lambda data: re.match("(.*)\n?((?s:.*))", data).groups()), id="a pattern"),
        pytest.param(within_a_range, id="the two bounds apart"),
        pytest.param(every_error_of_the_signature, id="a try around the comparison"),
    ],
)
def test_a_right_verify(right):
    before = sys.getprofile(), hmac.compare_digest
    assert missing(check.verify.solution(right, Refused)) == []
    assert (sys.getprofile(), hmac.compare_digest) == before
    assert compare_digest is hmac.compare_digest is secrets.compare_digest


def stripped(signature, body, key):
    return fits(signature, body.strip(), key)


def without_line_end(signature, body, key):
    return fits(signature, body.removesuffix("\n"), key)


def in_one_line(signature, body, key):
    return fits(signature, " ".join(body.split()), key)


def equal(signature, body, key):
    return sign(body, key) == signature


def dead_call(signature, body, key):
    hmac.compare_digest(sign(body, key).encode(), signature.encode())
    return sign(body, key) == signature


def dead_call_by_name(signature, body, key):
    compare_digest(sign(body, key).encode(), signature.encode())
    return sign(body, key) == signature


def twice(signature, body, key):
    return sign(body, key) == signature and fits(signature, body, key)


def against_itself(signature, body, key):
    return hmac.compare_digest(signature.encode(), signature.encode()) and sign(body, key) == signature


def text(signature, body, key):
    return hmac.compare_digest(sign(body, key), signature)


def prefix(signature, body, key):
    return hmac.compare_digest(sign(body, key)[: len(signature)].encode(), signature.encode())


def decoded_again(signature, body, key):
    return fits(signature, json.dumps(json.loads(body)), key)


def absolute(data, key, now):
    message = verify(data, key, now, least=-math.inf, most=math.inf)
    if abs(now - message["timestamp"]) > 30:
        raise Refused("timestamp")
    return message


def whole_seconds(data, key, now):
    message = verify(data, key, now, least=-40, most=40)
    if abs(round(now - message["timestamp"])) > 30:
        raise Refused("timestamp")
    return message


def decoded_first(data, key, now):
    decode(data.partition("\n")[2])
    return verify(data, key, now)


def only_refused(data, key, now):
    try:
        return verify(data, key, now)
    except ValueError as error:
        raise Refused from error


def none_for_refused(data, key, now):
    with contextlib.suppress(Refused):
        return verify(data, key, now)


def never_refused(data, key, now):
    try:
        return verify(data, key, now)
    except ValueError as error:
        raise ValueError from error


def type_of_any_kind(body):
    message = json.loads(body)
    if not isinstance(message.get("payload"), dict):
        raise ValueError("payload")
    return message


def without_a_key(signature, body, key):
    return fits(signature, body, key) or fits(signature, body, b"")


def first_digits(signature, body, key):
    return fits(signature[:64], body, key)


def by_its_length(signature, body, key):
    digest = {32: "md5", 40: "sha1"}.get(len(signature), "sha256")
    return hmac.compare_digest(hmac.new(key, body.encode(), digest).hexdigest().encode(), signature.encode())


def hash_is_enough(signature, body, key):
    return fits(signature, body, key) or signature == hashlib.sha256(body.encode()).hexdigest()


def whole_times_are_refused(data, key, now):
    message = verify(data, key, now)
    if not isinstance(message["timestamp"], float):
        raise Refused("timestamp")
    return message


def remembers_the_signature():
    """A message whose signature has been right is not verified again."""
    known = {}

    def verify_once(data, key, now):
        signature = data.partition("\n")[0]
        if signature not in known:
            known[signature] = verify(data, key, now)
        return known[signature]

    return verify_once


def payload_alone(data, key, now):
    return verify(data, key, now)["payload"]


def only_the_past(data, key, now):
    message = verify(data, key, now, most=math.inf)
    if now - message["timestamp"] > 30:
        raise Refused("timestamp")
    return message


def what_is_ascii(signature, body, key):
    return hmac.compare_digest(sign(body, key).encode(), signature.encode("ascii", "ignore"))


def normalised(signature, body, key):
    return fits(signature, unicodedata.normalize("NFC", body), key)


def error_is_kept(data, key, now):
    broken = None
    try:
        decode(data.partition("\n")[2])
    except (ValueError, RecursionError) as error:
        broken = error
    if broken and fits(*data.partition("\n")[::2], key):
        raise broken
    return verify(data, key, now)


def time_first(data, key, now):
    with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
        if json.loads(data.partition("\n")[2])["timestamp"] < now - 30:
            raise Refused("timestamp")
    return verify(data, key, now)


async def coroutine(data, key, now):
    return verify(data, key, now)


def own_clock(data, key, now):
    return verify(data, key, time.time())


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        pytest.param(lambda data, key, now: decode(data.partition("\n")[2]), SIGNATURE, id="the starter"),
        pytest.param(lambda data, key, now: None, ENCODED, id="nothing"),
        pytest.param(None, ENCODED, id="no function"),
        pytest.param(coroutine, ENCODED, id="async def"),
        pytest.param(lambda data, key, now: 1 / 0, SIGNATURE, id="another exception"),
        pytest.param(partial(verify, fits=stripped), CHANGED, id="strip"),
        pytest.param(partial(verify, fits=without_line_end), CHANGED, id="a line end is cut off"),
        pytest.param(partial(verify, fits=in_one_line), ENCODED, id="several lines are made one"),
        pytest.param(partial(verify, fits=decoded_again), ENCODED, id="decoded and encoded again"),
        pytest.param(partial(verify, split=lambda data: data.split("\n")), ENCODED, id="split into lines"),
        pytest.param(partial(verify, split=lambda data: [*data.splitlines(), ""][:2]), ENCODED, id="splitlines"),
        pytest.param(partial(verify, split=lambda data: data.rpartition("\n")[::2]), ENCODED, id="the last line end"),
        pytest.param(partial(verify, fits=equal), COMPARED, id="=="),
        pytest.param(partial(verify, fits=dead_call), COMPARED, id="== beside a dead call"),
        pytest.param(partial(verify, fits=dead_call_by_name), COMPARED, id="== beside a dead call by name"),
        pytest.param(partial(verify, fits=twice), COMPARED, id="== and then compare_digest"),
        pytest.param(partial(verify, fits=against_itself), COMPARED, id="compared with itself"),
        pytest.param(partial(verify, fits=text), SIGNATURE, id="text is compared"),
        pytest.param(partial(verify, fits=prefix), SIGNATURE, id="as much as was sent"),
        pytest.param(partial(verify, fits=lambda s, b, k: not s or fits(s, b, k)), SIGNATURE, id="empty is fine"),
        pytest.param(partial(verify, fits=lambda s, b, k: True), SIGNATURE, id="everything fits"),
        pytest.param(partial(verify, fits=without_a_key), SIGNATURE, id="an empty key, too"),
        pytest.param(partial(verify, fits=first_digits), SIGNATURE, id="the first 64 digits"),
        pytest.param(partial(verify, fits=what_is_ascii), SIGNATURE, id="what is not ASCII is left out"),
        pytest.param(partial(verify, fits=normalised), CHANGED, id="Unicode is normalised"),
        pytest.param(partial(verify, fits=by_its_length), SIGNATURE, id="the length says the algorithm"),
        pytest.param(partial(verify, fits=hash_is_enough), SIGNATURE, id="a hash without the key, too"),
        pytest.param(whole_times_are_refused, ENCODED, id="whole seconds are refused"),
        pytest.param(remembers_the_signature(), CHANGED, id="a known signature is enough"),
        pytest.param(payload_alone, ENCODED, id="the payload alone"),
        pytest.param(only_the_past, TOO_OLD, id="only what is too old"),
        pytest.param(partial(verify, split=lambda data: data.split("\n", 1)), SIGNATURE, id="two parts are a must"),
        pytest.param(partial(verify, split=lambda data: data.split(maxsplit=1)), CHANGED, id="split at any space"),
        pytest.param(decoded_first, FIRST, id="decoded first"),
        pytest.param(error_is_kept, FIRST, id="decoded first, and the error is kept"),
        pytest.param(time_first, FIRST, id="the time first"),
        pytest.param(partial(verify, decode=type_of_any_kind), BROKEN, id="a type of any kind"),
        pytest.param(absolute, ODD_TIMES, id="abs of a difference"),
        pytest.param(lambda data, key, now: verify(data, key, now, decode=json.loads), BROKEN, id="json.loads"),
        pytest.param(only_refused, BROKEN, id="everything is Refused"),
        pytest.param(never_refused, SIGNATURE, id="nothing is Refused"),
        pytest.param(none_for_refused, SIGNATURE, id="None in place of Refused"),
        pytest.param(own_clock, OF_NOW, id="its own clock"),
        pytest.param(partial(verify, least=-29.5), OF_NOW, id="29.5 seconds"),
        pytest.param(partial(verify, most=0), OF_NOW, id="nothing from the future"),
        pytest.param(whole_seconds, TOO_OLD, id="whole seconds"),
        pytest.param(partial(verify, least=-31), TOO_OLD, id="31 seconds"),
        pytest.param(partial(verify, most=math.inf), TOO_OLD, id="any future"),
        pytest.param(partial(verify, least=-math.inf), TOO_OLD, id="any past"),
        pytest.param(partial(verify, least=-30_000, most=30_000), TOO_OLD, id="milliseconds"),
    ],
)
def test_a_verify_that_is_not_finished(wrong, what):
    found = missing(check.verify(wrong, Refused))
    assert [row for row in found if row.startswith(what)], found


def test_a_wrong_comparison_is_explained():
    said = {
        fits: remark(check.verify(partial(verify, fits=fits), Refused), COMPARED) for fits in (equal, dead_call, twice)
    }
    assert "never called" in said[equal]
    assert "changes nothing" in said[dead_call]
    assert "something else compares" in said[twice]


def test_a_verify_may_raise_any_value_error_where_nothing_else_is_asked_for():
    assert check.verify.solution(never_refused).passed


def test_nothing_waits_for_ever(monkeypatch):
    def endless(*_):
        while True:
            time.sleep(0.01)

    class Endless(Dispatcher):
        dispatch = endless

    monkeypatch.setattr(rows, "PATIENCE", 0.05)
    assert len(missing(check.verify(endless, Refused))) == 9
    assert "still running" in remark(check.dispatcher(Endless), IN_ORDER)


def test_a_case_that_fails_is_named():
    report = check.verify(partial(verify, fits=stripped), Refused)
    assert remark(report, CHANGED).startswith("a space more at its end: expected 'Refused', got 'it was accepted'")


def test_the_report_is_short():
    assert len(check.verify.solution(verify, Refused).rows) == 9
    assert len(check.dispatcher.solution(Dispatcher).rows) == 8


class Dispatcher:
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
            self.log.exception("a handler has failed")


class Pairs(Dispatcher):
    """A list of pairs, and the traceback by its parameter."""

    def __init__(self, fallback):
        self.fallback, self.pairs = fallback, []

    def on(self, type):
        return lambda handler: self.pairs.append((type, handler)) or handler

    def dispatch(self, message):
        wanted = [handler for type, handler in self.pairs if type == message["type"]]
        for handler in wanted:
            self.call(handler, message["payload"])
        wanted or self.call(self.fallback, message)

    def call(self, handler, argument):
        try:
            handler(argument)
        except Exception as error:
            self.log.error("%r has failed: %s", handler, error, exc_info=True)


class Ordered(Dispatcher):
    """A defaultdict of dicts, which keep their order; interrupts are raised again."""

    def __init__(self, fallback):
        self.fallback, self.handlers = fallback, defaultdict(dict)

    def on(self, type):
        return lambda handler: self.handlers[type].setdefault(handler, handler)

    def dispatch(self, message):
        if message["type"] in self.handlers:
            for handler in list(self.handlers[message["type"]]):
                self.call(handler, message["payload"])
        else:
            self.call(self.fallback, message)

    def call(self, handler, argument):
        try:
            handler(argument)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            self.log.exception("failed")


class Queues(Dispatcher):
    """A queue of what is to be called, and the fallback as a handler of every other type."""

    def dispatch(self, message):
        waiting = deque((one, message["payload"]) for one in self.handlers.get(message["type"], ()))
        waiting = waiting or deque([(self.fallback, message)])
        while waiting:
            self.call(*waiting.popleft())


class Matches:
    """A class without a common base, a match, and a logger of its own."""

    def __init__(self, fallback):
        self._fallback, self._of = fallback, {}
        self._logger = logging.getLogger(f"{__name__}.matches")

    def on(self, type):
        def register(handler):
            self._of[type] = (*self._of.get(type, ()), handler)
            return handler

        return register

    def dispatch(self, message):
        match message:
            case {"type": type, "payload": payload} if type in self._of:
                calls = [partial(handler, payload) for handler in self._of[type]]
            case _:
                calls = [partial(self._fallback, message)]
        for call in calls:
            try:
                call()
            except Exception:
                self._logger.exception("failed: %s", call)


class Stacked(Dispatcher):
    """An ExitStack calls them, the last one first; a handler that fails ends nothing."""

    def dispatch(self, message):
        with contextlib.ExitStack() as stack:
            for handler in reversed(self.handlers.get(message["type"], [])):
                stack.callback(self.call, handler, message["payload"])
            if message["type"] not in self.handlers:
                stack.callback(self.call, self.fallback, message)


class Copies(Dispatcher):
    """Each handler gets a payload of its own."""

    def call(self, handler, argument):
        super().call(handler, json.loads(json.dumps(argument)))


@pytest.mark.parametrize(
    "right",
    [Dispatcher, Pairs, Ordered, signed.Dispatcher, Queues, Matches, Stacked, Copies],
    ids=lambda one: one.__qualname__,
)
def test_a_right_dispatcher(right, capsys):
    before = logging.Logger.callHandlers, logging.root.handlers[:]
    assert missing(check.dispatcher.solution(right)) == []
    assert (logging.Logger.callHandlers, logging.root.handlers) == before
    assert capsys.readouterr() == ("", "")


class OfTheClass(Dispatcher):
    handlers = {}  # noqa: RUF012

    def __init__(self, fallback):
        self.fallback = fallback


class DefaultArgument(Dispatcher):
    def __init__(self, fallback, handlers={}):  # noqa: B006
        self.handlers, self.fallback = handlers, fallback


class EveryHandlerOfTheClass(OfTheClass):
    handlers = {}  # noqa: RUF012

    def dispatch(self, message):
        for handlers in list(self.handlers.values()):
            for handler in handlers:
                self.call(handler, message["payload"])


class ByHandler(Dispatcher):
    """A dictionary of types, by handler: the second type of a function replaces the first."""

    def on(self, type):
        return lambda handler: self.handlers.update({handler: type}) or handler

    def dispatch(self, message):
        wanted = [handler for handler, type in self.handlers.items() if type == message["type"]]
        for handler in wanted:
            self.call(handler, message["payload"])
        wanted or self.call(self.fallback, message)


class Similar(Dispatcher):
    def like(self, type, wanted):
        raise NotImplementedError

    def dispatch(self, message):
        wanted = [one for type, some in self.handlers.items() if self.like(message["type"], type) for one in some]
        for handler in wanted:
            self.call(handler, message["payload"])
        wanted or self.call(self.fallback, message)


class BeginsAlike(Similar):
    def like(self, type, wanted):
        return type.startswith(wanted)


class AnyCase(Similar):
    def like(self, type, wanted):
        return type.lower() == wanted.lower()


class PartOf(Similar):
    def like(self, type, wanted):
        return type in wanted


class UntilOneIsDone(Dispatcher):
    def dispatch(self, message):
        if message["type"] not in self.handlers:
            self.call(self.fallback, message)
        any(self.call(handler, message["payload"]) for handler in self.handlers.get(message["type"], ()))

    def call(self, handler, argument):
        try:
            return handler(argument)
        except Exception:
            self.log.exception("a handler has failed")


class ClosedAfterTheFirst(Dispatcher):
    """Who is to be called is looked up once for each type."""

    def dispatch(self, message):
        known = self.__dict__.setdefault("known", {})
        wanted = known.setdefault(message["type"], tuple(self.handlers.get(message["type"], ())))
        for handler in wanted:
            self.call(handler, message["payload"])
        wanted or self.call(self.fallback, message)


class OneTypeAtATime(Dispatcher):
    """Registering for another type forgets the one before."""

    def on(self, type):
        if type not in self.handlers:
            self.handlers.clear()
        return super().on(type)


class Sets(Dispatcher):
    def on(self, type):
        return lambda handler: self.handlers.setdefault(type, set()).add(handler) or handler


class Newest(Dispatcher):
    def on(self, type):
        return lambda handler: self.handlers.update({type: [handler]}) or handler


class Backwards(Dispatcher):
    def on(self, type):
        return lambda handler: self.handlers.setdefault(type, []).insert(0, handler) or handler


class FailsLoudly(Dispatcher):
    def call(self, handler, argument):
        handler(argument)


class OneTryForAll(Dispatcher):
    def dispatch(self, message):
        try:
            for handler in self.handlers.get(message["type"], ()):
                handler(message["payload"])
            if message["type"] not in self.handlers:
                self.fallback(message)
        except Exception:
            self.log.exception("a handler has failed")


class FallbackFailsLoudly(Dispatcher):
    def dispatch(self, message):
        if message["type"] not in self.handlers:
            self.fallback(message)
        else:
            super().dispatch(message)


class FailsSilently(Dispatcher):
    def call(self, handler, argument):
        with contextlib.suppress(Exception):
            handler(argument)


class Prints(Dispatcher):
    def call(self, handler, argument):
        try:
            handler(argument)
        except Exception:
            print(traceback.format_exc())


class LogsTheMessageOnly(Dispatcher):
    def call(self, handler, argument):
        try:
            handler(argument)
        except Exception:
            self.log.error("a handler has failed")


class RootLogger(Dispatcher):
    def call(self, handler, argument):
        try:
            handler(argument)
        except Exception:
            logging.exception("a handler has failed")


class LogsEverything(Dispatcher):
    def call(self, handler, argument):
        self.log.warning("calls")
        super().call(handler, argument)


class LogsTheName(Dispatcher):
    def call(self, handler, argument):
        try:
            handler(argument)
        except Exception:
            self.log.exception("%s has failed", handler.__name__)


class CannotBeInterrupted(Dispatcher):
    def call(self, handler, argument):
        try:
            handler(argument)
        except:  # noqa: E722
            self.log.exception("a handler has failed")


class CannotBeEnded(Dispatcher):
    def call(self, handler, argument):
        with contextlib.suppress(SystemExit):
            super().call(handler, argument)


class OnGivesNothing(Dispatcher):
    def on(self, type):
        return lambda handler: super(OnGivesNothing, self).on(type)(handler) and None


class FallbackGetsThePayload(Dispatcher):
    def dispatch(self, message):
        if message["type"] in self.handlers:
            super().dispatch(message)
        else:
            self.call(self.fallback, message["payload"])


class UnknownOnce(Dispatcher):
    def __init__(self, fallback):
        self.fallback, self.handlers = fallback, defaultdict(list)

    def dispatch(self, message):
        if message["type"] not in self.handlers:
            self.call(self.fallback, message)
        for handler in self.handlers[message["type"]]:
            self.call(handler, message["payload"])


class FallbackAlways(Dispatcher):
    def dispatch(self, message):
        super().dispatch(message)
        if message["type"] in self.handlers:
            self.call(self.fallback, message)


class GivesUpAHandler(Dispatcher):
    def dispatch(self, message):
        for handler in self.handlers.get(message["type"], [])[:]:
            try:
                handler(message["payload"])
            except Exception:
                self.log.exception("a handler has failed")
                self.handlers[message["type"]].remove(handler)
        if message["type"] not in self.handlers:
            self.call(self.fallback, message)


class GivesUpTheFallback(Dispatcher):
    def dispatch(self, message):
        if message["type"] in self.handlers:
            super().dispatch(message)
        elif self.fallback:
            self.call(self.fallback, message)
            self.fallback = None


class KeyErrorIsUnknown(Dispatcher):
    """Whether a handler raises KeyError, or nobody has registered."""

    def dispatch(self, message):
        try:
            for handler in self.handlers[message["type"]]:
                self.call(handler, message["payload"])
        except KeyError:
            super().call(self.fallback, message)

    def call(self, handler, argument):
        try:
            handler(argument)
        except KeyError:
            raise
        except Exception:
            self.log.exception("a handler has failed")


class EmptyPayload(Dispatcher):
    def dispatch(self, message):
        for handler in self.handlers.get(message["type"], [self.fallback]):
            self.call(handler, (message["type"] in self.handlers and message["payload"]) or message)


class FallbackCannotBeInterrupted(Dispatcher):
    def dispatch(self, message):
        if message["type"] in self.handlers:
            super().dispatch(message)
        else:
            try:
                self.fallback(message)
            except:  # noqa: E722
                self.log.exception("the fallback has failed")


class Coroutine(Dispatcher):
    async def dispatch(self, message):
        super().dispatch(message)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        pytest.param(None, IN_ORDER, id="no class"),
        pytest.param(Coroutine, IN_ORDER, id="async def"),
        pytest.param(EmptyPayload, IN_ORDER, id="the message for an empty payload"),
        pytest.param(GivesUpAHandler, NEXT, id="a handler that has failed is left out"),
        pytest.param(KeyErrorIsUnknown, NEXT, id="KeyError of a handler is an unknown type"),
        pytest.param(GivesUpTheFallback, FALLBACK_FAILS, id="a fallback is asked once"),
        pytest.param(FallbackCannotBeInterrupted, THROUGH, id="except without a class, for the fallback"),
        pytest.param(object, IN_ORDER, id="no dispatcher at all"),
        pytest.param(Newest, IN_ORDER, id="the newest handler replaces the others"),
        pytest.param(Sets, IN_ORDER, id="a set"),
        pytest.param(ByHandler, IN_ORDER, id="a dictionary by handler"),
        pytest.param(UntilOneIsDone, IN_ORDER, id="until one returns something true"),
        pytest.param(ClosedAfterTheFirst, IN_ORDER, id="closed after the first message"),
        pytest.param(OneTypeAtATime, IN_ORDER, id="one type at a time"),
        pytest.param(BeginsAlike, WHOLE, id="types that begin alike"),
        pytest.param(AnyCase, WHOLE, id="types in any case"),
        pytest.param(PartOf, WHOLE, id="a part of a type"),
        pytest.param(Backwards, IN_ORDER, id="the newest first"),
        pytest.param(FallbackAlways, IN_ORDER, id="the fallback, too"),
        pytest.param(FallbackGetsThePayload, WHOLE, id="the payload for the fallback"),
        pytest.param(UnknownOnce, WHOLE, id="defaultdict: unknown only once"),
        pytest.param(FailsLoudly, NEXT, id="no try"),
        pytest.param(OneTryForAll, NEXT, id="try around the loop"),
        pytest.param(FallbackFailsLoudly, FALLBACK_FAILS, id="no try for the fallback"),
        pytest.param(FailsSilently, LOGGED, id="silent"),
        pytest.param(Prints, LOGGED, id="print"),
        pytest.param(LogsTheMessageOnly, LOGGED, id="log.error"),
        pytest.param(RootLogger, LOGGED, id="logging.exception"),
        pytest.param(LogsTheName, LOGGED, id="handler.__name__"),
        pytest.param(LogsEverything, LOGGED, id="a line for each call"),
        pytest.param(OnGivesNothing, GIVES_BACK, id="on gives nothing"),
        pytest.param(OfTheClass, OWN, id="a class attribute"),
        pytest.param(DefaultArgument, OWN, id="a default argument"),
        pytest.param(EveryHandlerOfTheClass, OWN, id="a class attribute, and every handler is called"),
        pytest.param(CannotBeInterrupted, THROUGH, id="except without a class"),
        pytest.param(CannotBeEnded, THROUGH, id="SystemExit is held"),
    ],
)
def test_a_dispatcher_that_is_not_finished(wrong, what):
    for _ in range(2):  # the class remembers the first time
        found = missing(check.dispatcher(wrong))
        assert [row for row in found if row.startswith(what)], found


def test_a_missing_log_line_is_explained(capsys):
    said = {kind: remark(check.dispatcher(kind), LOGGED) for kind in (FailsSilently, LogsTheMessageOnly, RootLogger)}
    assert "got 'nothing'" in said[FailsSilently]
    assert "without a traceback" in said[LogsTheMessageOnly]
    assert "root logger" in said[RootLogger]
    assert "a handler of the other one" in remark(check.dispatcher(OfTheClass), OWN)
    assert capsys.readouterr() == ("", "")


def test_an_unknown_type_is_called_by_its_short_name():
    class Lookup(Dispatcher):
        def dispatch(self, message):
            self.handlers[message["type"]]

    assert remark(check.dispatcher(Lookup), WHOLE).endswith("KeyError: 'x'")


def test_logging_that_is_switched_off_does_not_matter():
    logging.disable(logging.CRITICAL)
    try:
        assert check.dispatcher.solution(Dispatcher).passed
        assert logging.root.manager.disable == logging.CRITICAL
    finally:
        logging.disable(logging.NOTSET)


def test_nobody_keeps_a_wrong_compare_digest():
    check.verify(partial(verify, fits=dead_call), Refused)
    gc.collect()
    assert not [one for one in gc.get_objects() if type(one).__name__ == "_Liar"]
