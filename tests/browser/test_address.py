"""How a page reaches a server, and how many ways to JupyterLab's own origin are open at once: the scripts alone."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from sse_demo import serve
from sse_demo.lab import BrowserPage
from sse_demo.lab.views import browser as lab_browser

SCRIPT = Path(lab_browser.__file__).with_name("address.js")
STREAM = "http://127.0.0.1:8000/events?topic=a"
PROXIED = "http://hub.example/user/ada/proxy/8000/events?topic=a"
OPENED = """count => {
    window.opened = [];
    window.waiting = [];
    window.places = Array.from({length: count}, (_, number) => {
        const place = new AbortController();
        const model = {get: name => ({url: "http://127.0.0.1:8000/", via: "proxy"})[name]};
        reach(model, place.signal, () => opened.push(number), () => waiting.push(number));
        return place;
    });
}"""
GIVEN_BACK = """async () => {
    const place = new AbortController();
    const model = {get: name => ({url: "http://127.0.0.1:8000/", via: "direct"})[name]};
    const reached = reach(model, place.signal, () => opened.push(model));
    place.abort();
    await reached;
}"""
FRAMES = """async ([script, count]) => {
    const module = await import(URL.createObjectURL(new Blob([script], {type: "text/javascript"})));
    const facts = {url: "http://127.0.0.1:8000/", via: "proxy", height: 9};
    window.removed = Array.from({length: count}, () => module.default.render({
        model: {get: name => facts[name]}, el: document.body}));
}"""


@pytest.fixture
def afar(page):
    """A page from another machine, with the script and with the settings that JupyterLab gives its pages."""
    settings = json.dumps({"baseUrl": "/user/ada/"})
    html = f'<script id="jupyter-config-data" type="application/json">{settings}</script>'
    page.route("http://hub.example/", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto("http://hub.example/")
    page.add_script_tag(path=SCRIPT)
    return page


def address(page, url, via):
    return page.evaluate("async facts => String(await address({get: name => facts[name]}))", {"url": url, "via": via})


@pytest.mark.parametrize(
    ("url", "via", "reached"),
    [
        (STREAM, "auto", PROXIED),
        (STREAM, "proxy", PROXIED),
        (STREAM, "direct", STREAM),
        ("http://localhost:8000/", "auto", "http://hub.example/user/ada/proxy/8000/"),
        ("http://[::1]:8000/", "auto", "http://hub.example/user/ada/proxy/8000/"),
        ("http://localhost/a", "auto", "http://hub.example/user/ada/proxy/80/a"),
        ("https://localhost/a", "auto", "http://hub.example/user/ada/proxy/443/a"),
        ("http://shop.example:8000/a", "auto", "http://shop.example:8000/a"),
        ("http://shop.example:8000/a", "proxy", "http://shop.example:8000/a"),
    ],
)
def test_on_a_page_from_elsewhere_this_machine_is_reached_by_the_proxy(afar, url, via, reached):
    assert address(afar, url, via) == reached


def test_on_a_local_page_it_is_direct_if_the_server_answers(page, server):
    asked = []
    page.on("request", lambda request: asked.append(request.method) if request.url.startswith(server.url) else None)
    page.goto(f"http://localhost:{server.port}/ping")
    page.add_script_tag(path=SCRIPT)
    for path in ("/a", "/b"):
        assert address(page, server.url + path, "auto") == server.url + path
    assert asked == ["HEAD"], "it is asked once"
    assert address(page, f"{server.url}/a", "proxy") == f"http://localhost:{server.port}/proxy/{server.port}/a"
    with serve() as other:
        port = other.port
    closed = f"http://127.0.0.1:{port}/a"
    assert address(page, closed, "auto") == f"http://localhost:{server.port}/proxy/{port}/a"
    with serve(port):
        assert address(page, closed, "auto") == closed, "it is there now"


def test_four_are_open_at_once_and_the_next_in_line_takes_a_place_that_is_given_back(afar):
    afar.evaluate(OPENED, 7)
    afar.wait_for_function("waiting.length === 3")
    assert afar.evaluate("[opened, waiting]") == [[0, 1, 2, 3], [4, 5, 6]]
    afar.evaluate("places[4].abort()")
    assert afar.evaluate("opened") == [0, 1, 2, 3], "who leaves the line gives nothing back"
    afar.evaluate("places[1].abort()")
    assert afar.evaluate("opened") == [0, 1, 2, 3, 5]
    afar.evaluate("places[1].abort()")
    assert afar.evaluate("opened") == [0, 1, 2, 3, 5], "and a place is given back once"


def test_a_place_that_is_given_back_before_its_turn_is_not_used(afar):
    afar.evaluate(OPENED, 0)
    afar.evaluate(GIVEN_BACK)
    assert afar.evaluate("opened") == []


def test_a_page_in_a_frame_has_a_place_like_a_stream_until_it_is_removed(afar):
    afar.evaluate(FRAMES, [str(BrowserPage._esm), 5])
    frames = afar.locator("iframe")
    expect(frames.nth(3)).to_have_attribute("src", "http://hub.example/user/ada/proxy/8000/")
    expect(frames.nth(4)).to_have_attribute("src", re.compile("^data:text/plain,waits: "))
    afar.evaluate("removed[0]()")
    expect(frames.nth(4)).to_have_attribute("src", "http://hub.example/user/ada/proxy/8000/")


def test_over_http_2_nobody_waits(afar):
    afar.evaluate("performance.getEntriesByType = () => [{nextHopProtocol: 'h2'}]")
    afar.evaluate(OPENED, 7)
    afar.wait_for_function("opened.length === 7")
