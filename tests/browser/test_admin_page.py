"""The page that shows who is there, in a real browser."""

import math
import os
import re
from pathlib import Path

import pytest
from asking import stream
from operators import OPERATOR
from playwright.sync_api import expect
from tokens import bearer, token

from sse_demo import Handler, Route, serve

MARKUP = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
PICTURES = os.environ.get("PICTURES")  # a folder, for those who want to look


def log_in(page, operated, **claims):
    page.goto(f"{operated.server.url}/admin")
    page.get_by_label("Token").fill(token(**(OPERATOR | claims)))
    page.get_by_role("button", name="Log in").click()


def subjects(page):
    return page.locator("tbody .subject")


def picture(page, name):
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"admin_{name}.png")


@pytest.fixture
def spoken(page):
    """What the page has said on the console: a policy that is violated is told there."""
    told = []
    page.on("console", lambda message: told.append(message.text))
    yield told
    assert not [text for text in told if "Content Security Policy" in text or "TrustedHTML" in text]


def test_nothing_is_shown_until_an_operator_has_logged_in(page, operated, spoken):
    operated.read("planted")
    asked = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(operated.server.url)))
    page.goto(f"{operated.server.url}/admin")
    expect(page.get_by_label("Token")).to_be_focused()
    expect(page.locator("table")).to_be_hidden()
    picture(page, "login")
    assert asked == ["/admin", "/session"]
    page.get_by_label("Token").fill("no token")
    page.keyboard.press("Enter")
    expect(page.locator("#login-result")).to_contain_text("Bad Request")
    page.get_by_label("Token").fill(token(key=b"another-secret-of-at-least-32-bytes", scope="operate:admin"))
    page.keyboard.press("Enter")
    expect(page.locator("#login-result")).to_contain_text("Unauthorized: the token is not valid here")
    page.get_by_label("Token").fill(token(sub="ann", scope="subscribe:*"))
    page.keyboard.press("Enter")
    expect(page.locator("#login-result")).to_have_text("ann does not have the right admin.")
    expect(page.locator("table")).to_be_hidden()
    assert "planted" not in page.content()
    assert not any("subscribers" in url or "token" in url for url in asked)
    page.get_by_label("Token").fill(token(**OPERATOR))
    page.keyboard.press("Enter")
    expect(subjects(page)).to_have_text(["operator", "planted"])
    expect(page.locator("#who")).to_have_text("operator")
    assert page.get_by_label("Token").input_value() == "", "the token is not kept"
    assert page.evaluate("document.cookie") == ""


def test_who_comes_and_who_goes_is_seen(page, operated, spoken):
    operated.read("ann", "topic=prices/oil&topic=news")
    log_in(page, operated)
    expect(subjects(page)).to_have_text(["operator", "ann"])
    expect(page.locator("#state")).to_have_text("live")
    expect(page.locator("tbody .topics").nth(1)).to_have_text("prices/oil, news")
    expect(page.locator("tbody .path").nth(0)).to_have_text("/admin/subscribers")
    with stream(operated.server, "/events?topic=a", bearer(token(sub="bob", scope="subscribe:*"))):
        expect(subjects(page)).to_have_text(["bob", "operator", "ann"])
    operated.server.publish("a", "so that it is found out that bob has left")
    expect(subjects(page)).to_have_text(["operator", "ann"])
    figures = dict(zip(page.locator("dt").all_inner_texts(), page.locator("dd").all_inner_texts(), strict=True))
    assert figures == {
        "Streams": "2", "Lagging": "0", "By token": "1", "By session": "1", "By ticket": "0", "Anonymous": "0"
    }  # fmt: skip


def test_text_of_strangers_is_shown_as_text(page, operated, spoken):
    operated.read(MARKUP, f"topic={'a/' * 60}")
    log_in(page, operated)
    expect(subjects(page)).to_have_text(["operator", MARKUP])
    page.get_by_role("button", name=re.compile("End stream 1 ")).click()
    expect(page.locator("#confirm-what")).to_contain_text(MARKUP)
    page.locator("#revoke").check()
    page.locator("#end").click()
    expect(page.locator("#result")).to_have_text(
        f"The rights of {MARKUP} are taken away. Ended: streams 1, sessions 0."
    )
    expect(subjects(page)).to_have_text(["operator"])
    assert page.locator("main img, dialog img, main script").count() == 0
    assert page.title() == "Who is there"


def test_a_stream_is_ended_when_that_is_confirmed_by_keyboard_alone(page, operated, spoken):
    reader = operated.read("ann")
    log_in(page, operated)
    button = page.get_by_role("button", name="End stream 1 of ann")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#cancel")).to_be_focused()
    picture(page, "confirm")
    page.keyboard.press("Escape")
    expect(page.locator("#confirm")).to_be_hidden()
    expect(button).to_be_focused()
    expect(subjects(page)).to_have_text(["operator", "ann"])
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#end")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_have_text("Stream 1 of ann was ended.")
    expect(subjects(page)).to_have_text(["operator"])
    assert b"ended by an operator" in reader.read()
    operated.read("ann")
    expect(subjects(page)).to_have_text(["ann", "operator"])


def test_the_focus_stays_where_it_is_while_others_come_and_go(page, operated, spoken):
    operated.read("ann")
    log_in(page, operated)
    button = page.get_by_role("button", name="End stream 1 of ann")
    button.focus()
    for number in range(3):
        operated.read(f"s{number}")
        expect(subjects(page)).to_have_count(number + 3)
        expect(button).to_be_focused()


def test_the_filter_looks_in_all_streams_and_the_order_is_that_of_the_button(page, operated, spoken, eventually):
    lags = operated.read("slow", "topic=big")
    operated.read("ann", "topic=prices/oil")
    operated.read("bob", "topic=news")
    log_in(page, operated)
    expect(subjects(page)).to_have_text(["operator", "bob", "ann", "slow"])
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.type("PRICES/")
    expect(subjects(page)).to_have_text(["ann"])
    page.locator("#find").fill("nothing like that")
    expect(page.locator("#empty")).to_have_text("No stream has that.")
    page.locator("#find").fill("")
    expect(subjects(page)).to_have_count(4)
    while not operated.list()["lagging"]:
        operated.server.publish("big", "x" * 1_000_000)
    page.get_by_role("button", name="Lag").click()
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Lag")
    expect(subjects(page)).to_have_text(["slow", "operator", "bob", "ann"])
    expect(page.locator("tbody .lag").first).to_have_class(re.compile("lags"))
    expect(page.locator("tbody .lag").first).to_contain_text(re.compile(r"[1-9]\d* s"))
    lags.close()


def test_a_session_that_ends_takes_all_that_was_shown_with_it(page, operated, spoken):
    operated.read("ann")
    log_in(page, operated)
    expect(subjects(page)).to_have_count(2)
    operated.server.revoke(subject="operator")
    expect(page.locator("#login-result")).to_have_text("Your session has ended.")
    expect(page.locator("table")).to_be_hidden()
    assert subjects(page).count() == 0
    page.get_by_label("Token").fill(token(**OPERATOR))
    page.keyboard.press("Enter")
    expect(subjects(page)).to_have_text(["operator", "ann"])
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Token")).to_be_focused()
    assert subjects(page).count() == 0
    assert page.evaluate("fetch('admin/subscribers').then(answer => answer.status)") == 401


def test_a_server_that_is_back_is_found_again(page, operating, spoken):
    """With the session's secret it knows its cookies, but no session: they are kept in memory alone."""
    operated = operating()
    log_in(page, operated)
    expect(subjects(page)).to_have_text(["operator"])
    port = operated.server.port
    operated.server.stop()
    expect(page.locator("#state")).to_have_text("reconnecting")
    operating(port=port)
    expect(page.locator("#login-result")).to_have_text("Your session has ended.")


def test_a_page_of_somebody_else_cannot_show_it_in_a_frame_nor_ask_as_the_operator(page, operated):
    class Attack(Handler):
        def get(self):
            self.set_header("Content-Type", "text/html")
            self.write(f'<iframe src="{operated.server.url}/admin"></iframe>')

    operated.read("ann")
    log_in(page, operated)
    expect(subjects(page)).to_have_count(2)
    said = []
    page.on("console", lambda message: said.append(message.text))
    with serve(routes=[Route("/attack", Attack)]) as evil:
        page.goto(f"{evil.url}/attack")  # another port: of the same site, so that the cookie would come along
        page.frames[1].wait_for_url("chrome-error://chromewebdata/")
        assert any("frame-ancestors" in text for text in said)
        ask = """async ([url, method, path, mode]) => {
            const body = method === "POST" ? '{"subject": "ann"}' : undefined;
            const got = await fetch(url + path, {method, body, mode, credentials: "include"}).catch(() => null);
            return got && [got.type, got.status];
        }"""
        for method, path in (
            ("GET", "/admin/subscribers"), ("DELETE", "/admin/subscribers/1"), ("POST", "/admin/revocations")
        ):  # fmt: skip
            assert page.evaluate(ask, [operated.server.url, method, path, "cors"]) is None
        assert page.evaluate(ask, [operated.server.url, "POST", "/admin/revocations", "no-cors"]) == ["opaque", 0]
        heard = """url => new Promise(done => {
            const source = new EventSource(url, {withCredentials: true});
            source.onmessage = () => done("heard");
            source.onerror = () => done("refused");
        })"""
        assert page.evaluate(heard, f"{operated.server.url}/admin/subscribers") == "refused"
    assert "ann" in [row["subject"] for row in operated.rows()]


def test_a_script_that_is_not_the_pages_own_does_not_run(page, operated):
    log_in(page, operated)
    expect(subjects(page)).to_have_count(1)
    tried = """() => [
        () => { document.body.innerHTML = "<img src=x onerror=alert()>"; },
        () => { document.createElement("button").setAttribute("onclick", "document.title = 'run'"); },
        () => { document.body.append(Object.assign(document.createElement("script"), {src: "data:,alert()"})); },
    ].map((attempt) => { try { attempt(); } catch (error) { return error.name; } })"""
    assert page.evaluate(tried) == ["TypeError"] * 3
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.append("document.title = 'run'");
        document.body.append(script);
    }""")
    expect(page).to_have_title("Who is there")
    assert page.title() == "Who is there"


def test_a_thousand_streams_are_shown_and_the_page_stays_quick(page, operating, spoken):
    operated = operating(max_streams_per_subject=math.inf, max_connections=2000)
    for number in range(1000):
        operated.read(f"user-{number:04}@example.org", f"topic=prices/{number % 7}&topic=news")
    log_in(page, operated)
    expect(subjects(page)).to_have_count(1000)
    expect(page.locator("#shown")).to_have_text("1,000 of 1,001 shown")
    expect(page.locator("dd").first).to_have_text("1,001")
    picture(page, "thousand")
    page.mouse.wheel(0, 20_000)
    head = page.locator("th").first
    assert head.bounding_box()["y"] == 0, "the head of the table stays in sight"
    picture(page, "thousand_scrolled")
    page.locator("#find").fill("user-0999")
    expect(subjects(page)).to_have_text(["user-0999@example.org"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 700, 360])
def test_the_page_fits_its_window(page, operating, spoken, scheme, width):
    operated = operating({"anonymous": ["open/*"]})
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    operated.read("ann@example.org", "topic=prices/oil&topic=prices/gas&topic=news")
    operated.read(None, "topic=open/weather")
    operated.read(MARKUP, f"topic={'long-name/' * 12}")
    operated.read("n" * 256, "&".join(f"topic=sensor/{number}" for number in range(60)))
    lags = operated.read("slow", "topic=big")
    while not operated.server.hub.lagging:
        operated.server.publish("big", "x" * 1_000_000)
    log_in(page, operated)
    expect(subjects(page)).to_have_count(6)
    picture(page, f"{scheme}_{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    buttons = page.get_by_role("button", name=re.compile("End stream"))
    for button in buttons.all():
        box = button.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    lags.close()
