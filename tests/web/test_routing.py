"""From groups and routes to Tornado's rules."""

import urllib.error
import urllib.request

import pytest

from sse_demo import serve
from sse_demo.web.handlers import Handler, problem
from sse_demo.web.routing import Group, Route, url_specs


class Show(Handler):
    """Says what it was given, and what its request has passed."""

    def get(self, **parts):
        self.write({"parts": parts, "passed": getattr(self, "passed", [])})


def passing(name):
    def middleware(handler):
        handler.passed = [*getattr(handler, "passed", []), name]
        yield
        handler.add_header("Passed", name)

    return middleware


def locked(handler):
    if handler.request.headers.get("Key") != "7":
        raise problem(401, "this door needs a key")
    yield


def patterns(*routes, prefix=""):
    return [rule.regex.pattern.rstrip("$") for rule in url_specs(Group(prefix, routes))]


def test_paths_become_patterns():
    assert patterns(Route("/a.b", Show), Route("/rooms/{room}/{seat}", Show)) == [
        r"/a\.b",
        "/rooms/(?P<room>[^/]+)/(?P<seat>[^/]+)",
    ]


def test_groups_put_their_prefix_in_front():
    inner = Group("/users", [Route("", Show), Route("/{id}", Show)])
    assert patterns(Route("/ping", Show), inner, prefix="/v1") == ["/v1/ping", "/v1/users", "/v1/users/(?P<id>[^/]+)"]


def test_middleware_is_in_the_order_in_which_it_is_written():
    group = Group("", [Group("/v1", [Route("/a", Show, ["route"])], ["group"])], ["app", "and another"])
    assert url_specs(group)[0].kwargs == {"middleware": ("app", "and another", "group", "route")}


@pytest.mark.parametrize("path", ["no/slash", "/{}", "/{a}/{a}", "/{a b}", "/{1}"])
def test_what_is_no_path(path):
    with pytest.raises(ValueError, match=r"path|parameter"):
        patterns(Route(path, Show))


def test_a_path_twice():
    with pytest.raises(ValueError, match="two routes have the path /v1/a"):
        patterns(Route("/v1/a", Show), Group("/v1", [Route("/a", Show)]))
    with pytest.raises(ValueError, match=r"two routes have the path /rooms/\{other}"):
        patterns(Route("/rooms/{room}", Show), Route("/rooms/{other}", Show))


def test_middleware_is_a_list():
    for routes in ([Route("/a", Show, locked)], [Group("/a", [Route("", Show)], locked)]):
        with pytest.raises(TypeError, match=r"middleware is a list, as in \[locked\]"):
            patterns(*routes)


@pytest.fixture(scope="module")
def url():
    routes = [
        Group("/v1", [Route("/rooms/{room}", Show, [passing("route")])], [passing("group")]),
        Group("/admin", [Route("/rooms/{room}", Show)], [locked]),
    ]
    with serve(routes=routes) as server:
        yield server.url


def get(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        error.close()
        raise


def test_a_parameter_is_an_argument(url):
    body, headers = get(f"{url}/v1/rooms/tea%20room")
    assert body == '{"parts": {"room": "tea room"}, "passed": ["group", "route"]}'
    assert headers.get_all("Passed") == ["route", "group"], "on the way back the last comes first"


@pytest.mark.parametrize("path", ["/v1/rooms/", "/v1/rooms/a/b", "/v1/rooms", "/rooms/a", "/v1"])
def test_what_does_not_match_is_not_there(url, path):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(url + path)


def test_a_group_may_be_locked(url):
    with pytest.raises(urllib.error.HTTPError, match="401"):
        get(f"{url}/admin/rooms/a")
    assert get(f"{url}/admin/rooms/a", Key="7")[0].startswith('{"parts": {"room": "a"}')
