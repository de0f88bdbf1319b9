import asyncio
import contextlib
import json
import logging
import threading
import time
from itertools import count, cycle

import pytest
from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from sse_demo.lab import check
from sse_demo.lab.check.server import CITIES
from sse_demo.lab.lessons.server.stand import Stand

# A thread that had to be ended leaves a coroutine behind, and whoever collects the garbage next hears of it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

TYPE = "the type is text/event-stream"
ARRIVES = "each city arrives when it is written, and not with a later one"
APART = "the cities are written a tenth of a second apart"
FRAMING = "how the body is sent is left to Tornado"
WHOLE = "each city is an event of its own: a blank line ends it"
LETTERS = "the letters are UTF-8, and the cities come again and again"
SECOND = "a second reader has a city, too"
STAYS = "the second reader still gets cities when the first one has left"
GOES_ON = "no handler goes on when its reader has left"
TRACEBACK = "no reader who leaves makes a traceback in the log"
A_CLASS = "it is a class that is made from RequestHandler"


def missing(report):
    return [what for done, what, _ in report.rows if not done]


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "check of a handler"]
    assert not [handler for handler in logging.getLogger("tornado").handlers if isinstance(handler, Stand)]


class _Stream(RequestHandler):
    """A right one. The others differ from it in one thing."""

    type = "text/event-stream"
    encoding = "utf-8"
    form = "data: {}\n\n"
    cities = CITIES
    pause = 0.1

    async def get(self):
        if self.type:
            self.set_header("Content-Type", self.type)
        await self.run()

    async def run(self):
        for city in cycle(self.cities):
            self.write(self.form.format(city).encode(self.encoding))
            try:
                await self.flush()
            except StreamClosedError:
                return
            await asyncio.sleep(self.pause)


class RightInOneTry(_Stream):
    type = "text/event-stream; charset=utf-8"

    async def run(self):
        try:
            while True:
                for city in self.cities:
                    await self.flush()
                    self.write(f"id: {city}\r\nevent: city\r\ndata:{city}\r\n\r\n")
                    await self.flush()
                    await asyncio.sleep(0.1)
        except StreamClosedError:
            pass


class RightByWaiting(_Stream):
    def prepare(self):
        self.gone = asyncio.Event()

    def on_connection_close(self):
        self.gone.set()

    async def run(self):
        self.write(": hello\n\n")
        for city in cycle(self.cities):
            if self.gone.is_set():
                break
            self.write("event: city\n")
            self.write(f"data: {city}\n\n")
            self.flush()
            await asyncio.wait([asyncio.ensure_future(self.gone.wait())], timeout=0.1)


class RightByCancelling(_Stream):
    def on_connection_close(self):
        self.task.cancel()

    async def get(self):
        self.task = asyncio.ensure_future(super().get())
        await asyncio.wait([self.task])


class RightByAnyException(_Stream):
    async def run(self):
        try:
            for city in cycle(self.cities):
                self.write(f"data: {city}\n\n")
                await self.flush()
                await asyncio.sleep(0.1)
        except Exception:
            return


class RightByLookingAtTheConnection(_Stream):
    async def run(self):
        cities = cycle(self.cities)
        while not self.request.connection.stream.closed():
            self.write(f"data: {next(cities)}\n\n")
            with contextlib.suppress(StreamClosedError):
                await self.flush()
            await asyncio.sleep(0.1)


class RightByTheClock(_Stream):
    async def run(self):
        due = asyncio.get_running_loop().time()
        with contextlib.suppress(StreamClosedError):
            for city in cycle(self.cities):
                for piece in ("data: ", city, "\n\n"):
                    self.write(piece)
                await self.flush()
                due += 0.1
                await asyncio.sleep(due - asyncio.get_running_loop().time())


class RightByAGenerator(_Stream):
    async def run(self):
        self.write("retry: 1000\n\n")
        with contextlib.suppress(StreamClosedError):
            async for block in self.blocks():
                self.write(block)
                await self.flush()

    async def blocks(self):
        for number, city in enumerate(cycle(CITIES)):
            yield f"id: {number}\ndata: {city}\n\n".encode()
            await asyncio.sleep(0.1)


RIGHT = [_Stream, RightInOneTry, RightByWaiting, RightByCancelling, RightByAnyException]
RIGHT += [RightByLookingAtTheConnection, RightByTheClock, RightByAGenerator]


@pytest.mark.parametrize("handler", RIGHT)
def test_right_departures_pass(handler):
    report = check.departures(handler)
    assert report.passed, report


class AllMissing(_Stream):
    type = ""
    encoding = "latin-1"
    form = "data: {}\n"

    async def run(self):
        for city in cycle(self.cities):
            self.write(self.form.format(city).encode(self.encoding))
            await asyncio.sleep(0.1)


class NoFlush(AllMissing):
    type = _Stream.type
    encoding = "utf-8"
    form = _Stream.form


class FlushedBeforeOnly(NoFlush):
    async def run(self):
        await self.flush()
        await super().run()


class NoType(_Stream):
    type = ""


class AnotherType(_Stream):
    type = "text/plain"


class AnotherCharset(_Stream):
    type = "text/event-stream; charset=iso-8859-1"


class FlushedFirst(_Stream):
    async def run(self):
        with contextlib.suppress(StreamClosedError):
            for city in cycle(CITIES):
                await self.flush()
                self.write(f"data: {city}\n\n")
                await asyncio.sleep(0.1)


class FlushedAfterThePause(_Stream):
    async def run(self):
        with contextlib.suppress(StreamClosedError):
            for city in cycle(CITIES):
                self.write(f"data: {city}\n\n")
                await asyncio.sleep(0.1)
                await self.flush()


class ATaskThatGoesOn(_Stream):
    def on_connection_close(self):
        self.gone.set()

    async def run(self):
        self.gone = asyncio.Event()
        self.task = asyncio.ensure_future(self.forever())
        await self.gone.wait()

    async def forever(self):
        for city in cycle(CITIES):
            with contextlib.suppress(StreamClosedError):
                self.write(f"data: {city}\n\n")
                await self.flush()
            await asyncio.sleep(0.1)


class ATaskThatGoesOnInSilence(ATaskThatGoesOn):
    async def forever(self):
        for city in cycle(CITIES):
            with contextlib.suppress(Exception):
                self.write(f"data: {city}\n\n")
                await self.flush()
            await asyncio.sleep(0.1)


class OneLineEnd(_Stream):
    form = "data: {}\n"


class BlankLineBefore(_Stream):
    form = "\ndata: {}\n"


class Latin1(_Stream):
    encoding = "latin-1"


class WithoutUmlauts(_Stream):
    cities = ("Zurich", "Malmo", "Krakow")


class OnlyThree(_Stream):
    async def run(self):
        for city in CITIES:
            self.write(f"data: {city}\n\n")
            await self.flush()
            await asyncio.sleep(0.1)


class ThreeInOne(_Stream):
    async def run(self):
        try:
            while True:
                for city in CITIES:
                    self.write(f"data: {city}\n")
                    await self.flush()
                    await asyncio.sleep(0.1)
                self.write("\n")
        except StreamClosedError:
            pass


class FlushedByTwos(_Stream):
    async def run(self):
        try:
            for number, city in enumerate(cycle(CITIES)):
                self.write(f"data: {city}\n\n")
                if number % 2:
                    await self.flush()
                await asyncio.sleep(0.1)
        except StreamClosedError:
            pass


class Traceback(_Stream):
    async def run(self):
        for city in cycle(CITIES):
            self.write(f"data: {city}\n\n")
            await self.flush()
            await asyncio.sleep(0.1)


class GoesOn(_Stream):
    async def run(self):
        for city in cycle(CITIES):
            self.write(f"data: {city}\n\n")
            with contextlib.suppress(StreamClosedError):
                await self.flush()
            await asyncio.sleep(0.1)


class OneForAll(_Stream):
    gone = None

    def on_connection_close(self):
        type(self).gone.set()

    async def run(self):
        cls = type(self)
        cls.gone = cls.gone or asyncio.Event()
        for city in cycle(CITIES):
            if cls.gone.is_set():
                return
            self.write(f"data: {city}\n\n")
            self.flush()
            await asyncio.sleep(0.1)


class Locked(_Stream):
    lock = asyncio.Lock()

    async def run(self):
        async with self.lock:
            await super().run()


class Slow(_Stream):
    pause = 0.3


class Quick(_Stream):
    pause = 0.05


class ChunkedByHand(_Stream):
    def prepare(self):
        self.set_header("Transfer-Encoding", "chunked")


class ALengthByHand(_Stream):
    def prepare(self):
        self.set_header("Content-Length", "1000000")


class AnEncodingByHand(_Stream):
    def prepare(self):
        self.set_header("Content-Encoding", "gzip")


class OneCycleForAll(_Stream):
    @property
    def cities(self):
        return self.application.settings.setdefault("cities", cycle(CITIES))


class AsJson(_Stream):
    cities = tuple(map(json.dumps, CITIES))


class OneMoreEachTime(_Stream):
    async def run(self):
        text = ""
        with contextlib.suppress(StreamClosedError):
            for city in cycle(CITIES):
                text += self.form.format(city)
                self.write(text)
                await self.flush()
                await asyncio.sleep(0.1)


class ATypeTooLate(_Stream):
    type = ""

    async def run(self):
        await self.flush()
        self.set_header("Content-Type", "text/event-stream")
        await super().run()


class Blocking(_Stream):
    async def run(self):
        try:
            for city in cycle(CITIES):
                self.write(f"data: {city}\n\n")
                await self.flush()
                time.sleep(0.1)  # noqa: ASYNC251  the mistake
        except StreamClosedError:
            pass


class NoPause(_Stream):
    async def run(self):
        with contextlib.suppress(StreamClosedError):
            for city in cycle(CITIES):
                self.write(f"data: {city}\n\n")
                await self.flush()


class HoldsOn(_Stream):
    async def run(self):
        while True:
            try:
                await super().run()
                await asyncio.sleep(0.1)
            except BaseException:
                time.sleep(0.01)  # noqa: ASYNC251  as long as the check may wait


class Exits(_Stream):
    async def get(self):
        raise SystemExit


class FailsAtOnce(_Stream):
    async def get(self):
        raise NameError("name 'itertools' is not defined")


@pytest.mark.parametrize(
    ("handler", "rows"),
    [
        (AllMissing, [TYPE, ARRIVES, WHOLE, LETTERS, GOES_ON]),
        (NoFlush, [ARRIVES, GOES_ON]),
        (FlushedBeforeOnly, [ARRIVES, GOES_ON]),
        (NoType, [TYPE]),
        (AnotherType, [TYPE]),
        (AnotherCharset, [TYPE]),
        (FlushedFirst, [ARRIVES]),
        (FlushedAfterThePause, [ARRIVES]),
        (OneLineEnd, [WHOLE]),
        (BlankLineBefore, [WHOLE]),
        (Latin1, [LETTERS]),
        (WithoutUmlauts, [LETTERS]),
        (ThreeInOne, [WHOLE]),
        (FlushedByTwos, [ARRIVES]),
        (Traceback, [TRACEBACK]),
        (GoesOn, [GOES_ON]),
        (OneForAll, [STAYS]),
        (Locked, [SECOND]),
        (Slow, [APART]),
        (Quick, [APART]),
        (ChunkedByHand, [FRAMING]),
        (ALengthByHand, [FRAMING]),
        (AnEncodingByHand, [FRAMING]),
        (OneCycleForAll, [LETTERS]),
        (AsJson, [LETTERS]),
        (OneMoreEachTime, [LETTERS]),
        (ATypeTooLate, [TYPE]),
        (ATaskThatGoesOn, [TRACEBACK]),
        (ATaskThatGoesOnInSilence, [GOES_ON]),
        (FailsAtOnce, ["the status is 200"]),
    ],
)
def test_what_is_wrong_with_departures_is_said(handler, rows):
    report = check.departures(handler)
    assert missing(report) == rows, report


def test_what_an_attempt_leaves_behind_is_no_fault_of_the_next():
    check.departures(ATaskThatGoesOn)
    report = check.departures(_Stream)
    assert report.passed, report


def test_the_log_of_another_server_is_no_fault_of_a_handler():
    came = []

    class Lesson(logging.Handler):
        def emit(self, record):
            came.append(record.getMessage())

    logger, lesson = logging.getLogger("tornado"), Lesson()
    logger.addHandler(lesson)
    try:
        with Stand(_Stream) as stand:
            logging.getLogger("tornado.application").error("it fails", exc_info=ValueError("elsewhere"))
            assert stand.tracebacks == []
    finally:
        logger.removeHandler(lesson)
    assert came == ["it fails"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # of a thread that had to be ended
@pytest.mark.parametrize(
    ("handler", "row"), [(OnlyThree, LETTERS), (Blocking, SECOND), (HoldsOn, GOES_ON), (NoPause, ARRIVES)]
)
def test_departures_that_end_or_block_or_never_end_are_told_so_in_time(handler, row):
    start = time.monotonic()
    assert row in missing(check.departures(handler))
    assert time.monotonic() - start < 9


@pytest.mark.parametrize("answer", [None, "Departures", _Stream.get, object, asyncio.sleep])
def test_what_is_no_handler_is_told_so(answer):
    assert missing(check.departures(answer)) == missing(check.alarm(answer, set())) == [A_CLASS]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_alarm_that_ends_its_server_is_told_so():
    assert "the status is 200" in missing(check.alarm(Exits, set()))


def test_an_error_of_the_handler_is_shown():
    assert "NameError: name 'itertools'" in repr(check.departures(FailsAtOnce))


FIRST = "the first byte comes at once, and begins a comment"
THREE = "three readers are three handlers in listening"
BEATS = "half a second later comes another comment"
OUT = "a reader who leaves is out of listening before the next comment"
OTHERS = "the two who stay still get comments"
VISITS = "when 10 more have come and left at once, the two are still in listening, alone"
WAITS = "no handler waits when all have left"

listening = set()


@pytest.fixture(autouse=True)
def nobody_listens():
    listening.clear()


class _Alarm(RequestHandler):
    beat = 0.5

    def prepare(self):
        self.gone = asyncio.Event()

    def on_connection_close(self):
        self.gone.set()

    async def get(self):
        self.set_header("Content-Type", "text/event-stream")
        listening.add(self)
        try:
            while not self.gone.is_set():
                await self.send(":\n")
                await self.pause()
        except StreamClosedError:
            pass
        finally:
            listening.discard(self)

    async def send(self, text):
        self.write(text)
        await self.flush()

    async def pause(self):
        await asyncio.wait([asyncio.ensure_future(self.gone.wait())], timeout=self.beat)


class RightByTheSet(_Alarm):
    def on_connection_close(self):
        listening.discard(self)

    async def get(self):
        self.set_header("Content-Type", "text/event-stream")
        listening.add(self)
        try:
            while self in listening:
                await self.send(": still here\n\n")
                await asyncio.sleep(self.beat)
        except StreamClosedError:
            listening.discard(self)


class RightByCancellingIt(RequestHandler):
    def on_connection_close(self):
        self.task.cancel()

    async def get(self):
        self.set_header("Content-Type", "text/event-stream;charset=UTF-8")
        self.task = asyncio.current_task()
        listening.add(self)
        try:
            while True:
                self.write(":\r\n")
                await self.flush()
                await asyncio.sleep(0.5)
        except (StreamClosedError, asyncio.CancelledError):
            return
        finally:
            listening.remove(self)


class RightWithATaskForTheBeats(_Alarm):
    async def get(self):
        self.set_header("Content-Type", "text/event-stream")
        listening.add(self)
        beats = asyncio.ensure_future(self.beats())
        await self.gone.wait()
        beats.cancel()
        listening.discard(self)

    async def beats(self):
        while not self.gone.is_set():
            try:
                await self.send(": beat\n")
            except StreamClosedError:
                self.gone.set()
            await asyncio.sleep(0.5)


class RightWithAPause(_Alarm):
    def on_connection_close(self):
        listening.discard(self)

    async def pause(self):
        await asyncio.sleep(self.beat)


class RightWithManyLooks(_Alarm):
    async def get(self):
        self.set_header("Content-Type", "text/event-stream")
        listening.add(self)
        with contextlib.suppress(StreamClosedError):
            for look in count():
                if self.gone.is_set():
                    break
                if look % 10 == 0:
                    await self.send(": a beat\r")
                await asyncio.sleep(0.05)
        listening.discard(self)


class RightWithOneTaskForAll(_Alarm):
    async def get(self):
        self.set_header("Content-Type", "text/event-stream")
        listening.add(self)
        with contextlib.suppress(StreamClosedError):
            await self.send(":\n")
            if "beats" not in self.application.settings:
                self.application.settings["beats"] = asyncio.ensure_future(self.beats())
            await self.gone.wait()
        listening.discard(self)

    async def beats(self):
        while True:
            await asyncio.sleep(self.beat)
            for handler in list(listening):
                with contextlib.suppress(StreamClosedError):
                    await handler.send(":\n")


RIGHT_ALARMS = [_Alarm, RightByTheSet, RightByCancellingIt, RightWithATaskForTheBeats, RightWithAPause]
RIGHT_ALARMS += [RightWithManyLooks, RightWithOneTaskForAll]


@pytest.mark.parametrize("handler", RIGHT_ALARMS)
def test_a_right_alarm_passes(handler):
    report = check.alarm(handler, listening)
    assert report.passed, report
    assert not listening


class Sleeps(_Alarm):
    async def get(self):
        self.set_header("Content-Type", "text/event-stream")
        listening.add(self)
        await asyncio.sleep(3600)
        listening.discard(self)


class NoBeats(_Alarm):
    beat = 3600


class Hurries(_Alarm):
    beat = 0.05


class ABitTooOften(_Alarm):
    beat = 0.3


class TooSeldom(_Alarm):
    beat = 0.75


class BeatsThatGoOn(RightWithATaskForTheBeats):
    async def get(self):
        self.set_header("Content-Type", "text/event-stream")
        listening.add(self)
        self.task = asyncio.ensure_future(self.beats())
        await self.gone.wait()
        listening.discard(self)

    async def beats(self):
        while True:
            with contextlib.suppress(RuntimeError):  # the handler has finished, and this goes on all the same
                try:
                    await self.send(":\n")
                except StreamClosedError:
                    self.gone.set()  # who leaves at once may be noticed here first
            await asyncio.sleep(self.beat)


class Numbers(_Alarm):
    async def get(self):
        listening.add(id(self))
        await super().get()

    async def send(self, text):
        listening.discard(self)
        await super().send(text)

    def on_finish(self):
        listening.discard(id(self))


class RemovesTwice(_Alarm):
    def on_connection_close(self):
        listening.remove(self)
        super().on_connection_close()

    async def get(self):
        await super().get()
        listening.remove(self)


class AddsAgain(_Alarm):
    def on_connection_close(self):
        listening.discard(self)

    async def get(self):
        self.set_header("Content-Type", "text/event-stream")
        with contextlib.suppress(StreamClosedError):
            while True:
                listening.add(self)
                await self.send(":\n")
                await asyncio.sleep(self.beat)


class ChunkedAlarm(_Alarm):
    def prepare(self):
        super().prepare()
        self.set_header("Transfer-Encoding", "chunked")


class Events(_Alarm):
    async def send(self, text):
        await super().send("data: beat\n\n")


class SleepsFirst(_Alarm):
    async def send(self, text):
        await asyncio.sleep(self.beat)
        await super().send(text)

    async def pause(self):
        pass


class FlushesFirst(_Alarm):
    async def send(self, text):
        await self.flush()
        self.write(text)


class HalfAnEvent(_Alarm):
    async def send(self, text):
        await super().send(": beat\ndata: beat\n")


class NoLineEnd(_Alarm):
    async def send(self, text):
        await super().send(":")


class ClearsTheSet(_Alarm):
    def on_connection_close(self):
        listening.clear()
        super().on_connection_close()


class NoticesWhenItWrites(_Alarm):
    def on_connection_close(self):
        pass


class OneEventForAll(_Alarm):
    def prepare(self):
        cls = type(self)
        self.gone = cls.__dict__.get("shared") or asyncio.Event()
        cls.shared = self.gone


class NobodyCounts(_Alarm):
    async def get(self):
        await super().get()

    async def send(self, text):
        listening.discard(self)
        await super().send(text)


class WithoutType(_Alarm):
    def set_header(self, name, value):
        super().set_header(name, "text/html" if name == "Content-Type" else value)


class ATraceback(_Alarm):
    async def send(self, text):
        if self.gone.is_set():
            raise ConnectionError("nobody reads")
        await super().send(text)

    async def get(self):
        self.set_header("Content-Type", "text/event-stream")
        listening.add(self)
        try:
            while True:
                await self.send(":\n")
                await self.pause()
        finally:
            listening.discard(self)


@pytest.mark.parametrize(
    ("handler", "rows"),
    [
        (Sleeps, [FIRST, BEATS, OUT, OTHERS, VISITS, WAITS]),
        (NoBeats, [BEATS, OTHERS]),
        (Hurries, [BEATS]),
        (Events, [FIRST, BEATS, OTHERS]),
        (OneEventForAll, [OUT, OTHERS, VISITS]),
        (HalfAnEvent, [BEATS]),
        (NoLineEnd, [BEATS, OTHERS]),
        (ClearsTheSet, [OUT, VISITS]),
        (NobodyCounts, [THREE, OUT, VISITS]),
        (WithoutType, [TYPE]),
        (ATraceback, [TRACEBACK]),
        (ABitTooOften, [BEATS]),
        (TooSeldom, [BEATS]),
        (BeatsThatGoOn, [WAITS]),
        (Numbers, [THREE]),
        (RemovesTwice, [TRACEBACK]),
        (AddsAgain, [VISITS]),
        (ChunkedAlarm, [FRAMING]),
    ],
)
def test_what_is_wrong_with_an_alarm_is_said(handler, rows):
    report = check.alarm(handler, listening)
    assert missing(report) == rows, report


def test_to_notice_who_has_left_when_something_is_written_is_too_late():
    assert OUT in missing(check.alarm(NoticesWhenItWrites, listening))


@pytest.mark.parametrize("handler", [SleepsFirst, FlushesFirst])
def test_a_first_comment_that_waits_for_the_second_is_late(handler):
    assert FIRST in missing(check.alarm(handler, listening))


def test_who_left_an_earlier_attempt_is_not_counted():
    check.alarm(Sleeps, listening)
    assert listening
    assert check.alarm(_Alarm, listening).passed


@pytest.mark.parametrize("answer", [None, 3])
def test_listening_must_be_a_set(answer):
    assert missing(check.alarm(_Alarm, answer)) == ["listening is a set"]
