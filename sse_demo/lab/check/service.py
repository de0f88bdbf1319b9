"""The checks of lesson 4."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ...web.handlers import Handler, Middleware
from ...web.handlers.chain import start_middleware
from ...web.routing import Group, Route
from ..views.report import Report
from .exercise import Exercise
from .serving import Asking, serving
from .timed_handlers import LATER, SLOW, Failing, Meeting, Quick, Slow, Stream, closed

ROUNDED_MS = 1  # that an answer may say too much, or too little
RIGHT = "total;dur=N, N milliseconds"
METHODS = ("HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_Request = tuple[str, str, Mapping[str, str]]  # its method, its path, and its headers

# `total` with its `dur`, among other metrics and other parameters: Server Timing, 2
_total = re.compile(
    r'(?:^|,)\s*total(?:\s*;\s*[\w-]+\s*=\s*(?:"[^"]*"|[^",;\s]+))*?'
    r'\s*;\s*(?i:dur)\s*=\s*(?:"([0-9.]+(?:e-\d+)?)"|([0-9.]+(?:e-\d+)?))\s*(?:;|$|,\s*[A-Za-z])'
).search


@Exercise
def timing(middleware: Middleware) -> Report:
    """Lesson 4: a middleware that says in ``Server-Timing`` how long an answer has taken.

    Args:
        middleware: Sets the header to ``total;dur=`` and a number of milliseconds.
    """
    report = Report("timing")
    meetings = {"/in-order": Meeting(LATER, SLOW), "/nested": Meeting(SLOW, LATER)}
    ended: list[Handler] = []  # the requests whose generator has come to its end

    def watched(handler: Handler) -> Generator[None, None, None]:
        yield from start_middleware(middleware, handler)
        ended.append(handler)

    routes = [
        Route("/slow", Slow),
        Route("/quick", Quick),
        *(Route(path, meeting.handler) for path, meeting in meetings.items()),
        Route("/stream", Stream),
        Route("/closed", Quick, [closed]),
        Route("/failing", Failing),
    ]
    with serving([Group("", routes, [watched])]) as asking, ThreadPoolExecutor(2) as pool:

        def told(path: str, least: float = 0) -> str:
            """``RIGHT``, or what the answer says instead. A request takes at least so many seconds."""
            begin = time.perf_counter()
            answer = asking(path)
            most_ms = (time.perf_counter() - begin) * 1000
            if asking.failures:
                return f"{answer.status}, since the middleware raised {asking.failures[0]}"
            given = ", ".join(answer.headers.get_all("Server-Timing", ["no header Server-Timing"]))
            total = _total(given)
            if total is None:
                return given
            said_ms = float(total[1] or total[2])
            if said_ms > most_ms + ROUNDED_MS:
                return f"total;dur={said_ms:.0f} for what took {most_ms:.0f} ms"
            if said_ms < float(answer.headers.get("Took", "0")) - ROUNDED_MS:
                return f"total;dur={said_ms:.0f} for what took {least * 1000:.0f} ms or more"
            return RIGHT

        def two_at_once(path: str) -> str:
            meeting = meetings[path]
            first = pool.submit(told, path, meeting.least[0])
            while not meeting.here and not first.done():
                time.sleep(0.001)
            time.sleep(LATER)
            second = pool.submit(told, path, meeting.least[1])
            results = [first.result(), second.result()]
            return next((result for result in results if result != RIGHT), RIGHT)

        def yields() -> str:
            ended.clear()
            asking("/quick")
            return "once" if ended or asking.failures else "twice or more often"

        def status_and_body() -> str:
            quick, stream, failing = map(asking, ("/quick", "/stream", "/failing"))
            if stream.text.count("\ndata: ") != 2:
                return f"{stream.status} {stream.text!r} for a stream of two events"
            if failing.status != 500:
                return f"{failing.status} for a handler that fails"
            return f"{quick.status} {quick.text}"

        report.expect("a quick answer has its time", RIGHT, told, "/quick")
        report.expect("a slow answer has its time, in milliseconds", RIGHT, told, "/slow", SLOW)
        report.expect("two requests at the same time have a time each", RIGHT, two_at_once, "/in-order")
        report.expect("two requests have a time each where the second ends first", RIGHT, two_at_once, "/nested")
        report.expect("a refused request (403) has its time, too", RIGHT, told, "/closed")
        report.expect("a stream has the time to its first byte", RIGHT, told, "/stream")
        report.expect("the middleware yields once", "once", yields)
        report.expect("the status and the body stay as they are", "200 ok", status_and_body)
    return report


@Exercise
def routes(contestant: Sequence[Route | Group], word: str) -> Report:
    """Lesson 4: routes for ``/v1/rooms`` and their members, and for ``/admin/rooms`` behind a lock.

    Args:
        contestant: The routes.
        word: What opens the lock, as ``Authorization: Bearer word``.
    """
    report = Report("routes")
    if stranger := _stranger(contestant):
        report.add(False, "routes is a list of Route and Group", f"there is {stranger}")
        return report
    inside: list[str] = []
    with contextlib.ExitStack() as stack:
        try:
            asking = stack.enter_context(serving(contestant, inside))
        except Exception as error:  # whatever there is in the list
            report.add(False, "a server starts with these routes", f"{type(error).__name__}: {error}")
            return report
        _knock(report, asking, word, inside)
    return report


def _knock(report: Report, asking: Asking, word: str, inside: list[str]) -> None:
    """The rows about what the server answers.

    Args:
        report: Gets the rows.
        asking: Asks the server.
        word: What opens the lock.
        inside: The requests that have come to a handler.
    """
    room, member, locked = "/v1/rooms/tea", "/v1/rooms/tea/members/ann", "/admin/rooms/tea"
    key = {"Authorization": f"Bearer {word}"}

    def content(path: str, headers: Mapping[str, str] | None = None) -> object:
        """The JSON of an answer, or its status."""
        answer = asking(path, headers=headers)
        return answer.json() if answer.status == 200 else asking.status(path, headers=headers)

    def refused(requests: Sequence[_Request]) -> str:
        """What comes of some requests: ``"401"``, or what the first one gets that has another status."""
        for method, path, headers in requests:
            if (status := asking.status(path, method, headers)) != 401:
                other = "" if path.startswith(locked) else f" {path}"
                return f"{status} for {_told(f'{method}{other}', headers, path.partition(locked)[2])}"
        return "401"

    def schemes() -> str:
        """What the answers with 401 say: ``"Bearer"``, or what the first one says that says something else."""
        seen = False
        for method, headers in (("GET", {}), ("GET", {"Authorization": "Bearer wrong"}), ("POST", {})):
            answer = asking(locked, method, headers)
            if answer.status == 401:
                seen, said = True, answer.headers.get("WWW-Authenticate") or "nothing"
                if word in f"{answer.text} {answer.headers}":
                    return f"the word itself, for {_told(method, headers)}"
                if said.split()[0].lower() != "bearer":
                    return f"{said} for {_told(method, headers)}"
        return "Bearer" if seen else "no 401"

    def version(path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> str | None:
        return asking(path, method, headers).headers.get("X-Api-Version")

    def uninvited() -> list[str]:
        return sorted({visit for visit in inside if visit.partition(" ")[2].startswith("/admin")})

    no_word: list[_Request] = [("GET", locked, {})]
    report.expect("GET /v1/rooms/tea gives the room", {"room": "tea"}, content, room)
    report.expect(
        "GET /v1/rooms/tea/members/ann gives both parameters", {"room": "tea", "member": "ann"}, content, member
    )
    report.expect("GET /rooms/tea is 404", 404, content, "/rooms/tea")
    strangers: list[_Request] = [*no_word, ("GET", "/admin/rooms/attic", {})]
    report.expect("GET /admin/rooms/tea or /attic without a word is 401", "401", refused, strangers)
    report.expect("every other Authorization is 401", "401", refused, _others(locked, word))
    report.expect("no query, cookie or other header opens the lock", "401", refused, _elsewhere(locked, word))
    report.expect("no method passes without the word", "401", refused, [(one, locked, {}) for one in METHODS])
    report.expect("behind the lock no handler has been run", [], uninvited)
    report.expect("each 401 says Bearer in WWW-Authenticate", "Bearer", schemes)
    report.expect("with the word, GET /admin/rooms/tea gives the room", {"room": "tea"}, content, locked, key)
    report.expect("after a request with the word, one without it is 401 again", "401", refused, no_word)
    report.expect("GET /v1/rooms/tea has X-Api-Version", "1", version, room)
    report.expect("GET /v1/rooms/tea/members/ann has X-Api-Version", "1", version, member)
    report.expect("DELETE /v1/rooms/tea (405) has X-Api-Version", "1", version, room, "DELETE")
    report.expect("DELETE /v1/rooms/tea/members/ann (405) has X-Api-Version", "1", version, member, "DELETE")
    report.expect("GET /admin/rooms/tea has no X-Api-Version", None, version, locked, "GET", key)
    report.expect("a 401 has no X-Api-Version", None, version, locked)


def _others(locked: str, word: str) -> list[_Request]:
    """Requests with a header ``Authorization`` that does not open the lock."""
    words = [f"not-{word}", f"{word}!", f"x{word}", word[:-1], word.upper(), "", f"{word} {word}", "caf\xe9"]
    words += [f"{word}\xe9", "".join(f"%{ord(letter):02x}" for letter in word)]
    headers = [f"Bearer {other}" for other in words]
    headers += [word, f"Basic {word}", f"Bearer Bearer {word}", f"Bearer x, Bearer {word}", f"Bearer{word}"]
    twice = {"Authorization": "Bearer x", "authorization": f"Bearer {word}"}  # two lines
    return [("GET", locked, given) for given in (*({"Authorization": header} for header in headers), twice)]


def _elsewhere(locked: str, word: str) -> list[_Request]:
    """Requests that have the word in another place, or something else that is trusted where it should not be."""
    names = ("token", "access_token", "key", "api_key", "word", "authorization")
    values = [(name, value) for name in names for value in (word, f"Bearer%20{word}")]
    queries: list[_Request] = [("GET", f"{locked}?{name}={value}", {}) for name, value in values]
    cookies: list[_Request] = [("GET", locked, {"Cookie": f"{name}={word}"}) for name in names]
    headers = {
        "Cookie": f"Authorization=Bearer%20{word}",
        "Proxy-Authorization": f"Bearer {word}",
        "X-Authorization": f"Bearer {word}",
        "X-Api-Key": word,
        "X-Forwarded-For": "127.0.0.1",
        "Referer": "http://127.0.0.1/",
        "Host": "localhost",
        "Origin": "http://127.0.0.1",
        "X-HTTP-Method-Override": "OPTIONS",
    }
    return queries + cookies + [("GET", locked, {name: value}) for name, value in headers.items()]


def _told(method: str, headers: Mapping[str, str], query: str = "") -> str:
    given = [query, *(f"{name}: {value}" for name, value in headers.items())]
    words = " ".join(filter(None, given))
    return f"{method} with {words}" if words else f"{method} without a word"


def _stranger(entries: object) -> str:
    """The first entry that is neither a route nor a group, in words; or ``""``."""
    if not isinstance(entries, (list, tuple)):
        return f"a {type(entries).__name__} where a list belongs"
    for entry in entries:
        if isinstance(entry, Group):
            if stranger := _stranger(entry.routes):
                return stranger
        elif not isinstance(entry, Route):
            return f"a {type(entry).__name__} where a Route or a Group belongs"
        elif not (isinstance(entry.handler, type) and issubclass(entry.handler, Handler)):
            return f"a Route for {entry.path}, whose handler is no class made from Handler"
    return ""
