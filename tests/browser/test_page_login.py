"""The demo page of a server with access control, in a real browser: logging in, renewing, logging out."""

import re

import pytest
from playwright.sync_api import expect

from sse_demo import Access, Event, Handler, Issuer, Rights, Route, secret_key, serve, sign_token

KEY = secret_key("k" * 32)
ACCESS = Access(
    issuers=[Issuer(name="shop", audience="events", keys=KEY)], anonymous=["open/*"], open_to_all=["metrics"]
)


def token(subject="ann", expires_in=3600.0, **rights):
    given = Rights(**rights or {"subscribe": ("news",), "publish": ("news",)})
    return sign_token(KEY, issuer="shop", audience="events", subject=subject, rights=given, expires_in=expires_in)


def log_in(page, signed):
    page.fill("#token", signed)
    page.press("#token", "Enter")


def state(page, panel="#topic"):
    return page.locator(f"{panel} .state")


@pytest.fixture
def server():
    with serve(access=ACCESS, retry=0.1) as server:
        yield server


def test_without_access_control_there_is_no_login(page):
    with serve() as server:
        page.goto(server.url)
        expect(state(page)).to_have_attribute("data-state", "open")
        expect(page.locator("#access")).to_be_hidden()


def test_who_is_not_logged_in_is_asked_to_and_reads_what_is_open(page, server):
    page.goto(f"{server.url}/?topic=open/tea")
    expect(state(page)).to_have_attribute("data-state", "open")
    expect(page.locator("#messages .story")).to_have_text("Only somebody who is logged in receives this.")
    expect(page.locator("#access .who")).to_contain_text("You are not logged in.")
    expect(page.get_by_label("Token", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Log out", exact=True)).to_be_hidden()


def test_who_logs_in_reads_and_publishes(page, server):
    page.goto(server.url)
    expect(state(page)).to_have_attribute("data-state", "closed")
    log_in(page, f"  Bearer {token()}\n")
    expect(page.locator("#access .who")).to_have_text(re.compile(r"^Logged in as ann until \d\d:\d\d:\d\d\.$"))
    expect(page.locator("#access .rights")).to_have_text("May read news; may publish to news.")
    expect(page.locator("#login")).to_be_hidden()
    for panel in ("#topic", "#messages"):
        expect(state(page, panel)).to_have_attribute("data-state", "open")
    page.fill("#publish input[name=data]", "hello")
    page.press("#publish input[name=data]", "Enter")
    expect(page.locator("#topic li .data")).to_have_text(["hello"])
    page.reload()
    expect(page.locator("#access .who")).to_contain_text("Logged in as ann")
    expect(page.locator("#topic li .data")).to_have_text(["hello"])


def test_the_token_is_in_no_address_and_no_storage_of_the_page(page, server):
    asked = []
    page.on("request", lambda request: asked.append(request))
    page.goto(server.url)
    signed = token()
    log_in(page, signed)
    expect(state(page)).to_have_attribute("data-state", "open")
    assert all(signed not in request.url for request in asked)
    assert [request.url for request in asked if signed in str(request.all_headers())] == [f"{server.url}/session"]
    assert signed not in page.evaluate("JSON.stringify([localStorage, sessionStorage, location.href, document.cookie])")
    assert signed not in page.content()
    assert page.input_value("#token") == ""
    assert page.get_attribute("#token", "type") == "password"
    assert page.get_attribute("#token", "name") is None, "a form that a browser sends by itself has it in its address"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("no token", "This is no token: one has letters, digits and -._~+/ only."),
        ("größe", "This is no token"),
        ("a.b.c", "Unauthorized: the token is not valid here"),
    ],
)
def test_what_is_no_token_is_told(page, server, given, told):
    page.goto(server.url)
    log_in(page, given)
    expect(page.get_by_role("alert")).to_contain_text(told)
    expect(page.locator("#access .who")).to_contain_text("You are not logged in.")
    log_in(page, token())
    expect(state(page)).to_have_attribute("data-state", "open")
    expect(page.locator("#login-told")).to_have_text("")


def test_a_topic_that_may_not_be_read_is_told_and_opens_with_the_right_token(page, server):
    page.goto(f"{server.url}/?topic=secret")
    log_in(page, token())
    expect(page.locator("#topic .story")).to_contain_text("Forbidden: you may not read")
    page.get_by_role("button", name="New token").click()
    log_in(page, token(subscribe=("secret",)))
    expect(page.locator("#access .rights")).to_have_text("May read secret; may publish to nothing.")
    expect(state(page)).to_have_attribute("data-state", "open")


def test_who_logs_out_receives_nothing_any_more(page, server, eventually):
    page.goto(server.url)
    log_in(page, token())
    expect(state(page)).to_have_attribute("data-state", "open")
    page.get_by_role("button", name="Log out", exact=True).click()
    for panel in ("#topic", "#messages"):
        expect(page.locator(f"{panel} .story")).to_have_text("You logged out.")
        expect(state(page, panel)).to_have_attribute("data-state", "closed")
    expect(page.locator("#access .who")).to_contain_text("You are not logged in.")
    eventually(lambda: server.hub.subscribers == 0)
    assert page.evaluate("fetch('session').then((answer) => answer.json())") == {"kind": "anonymous"}
    assert page.evaluate("document.activeElement.id") == "token"
    log_in(page, token(subject="bob"))
    expect(page.locator("#access .who")).to_contain_text("Logged in as bob")
    expect(state(page)).to_have_attribute("data-state", "open")


def test_logging_out_everywhere_ends_the_other_browser_too(browser, page, server):
    other = browser.new_context().new_page()
    for one in (page, other):
        one.goto(server.url)
        log_in(one, token())
        expect(state(one)).to_have_attribute("data-state", "open")
    page.get_by_role("button", name="Log out everywhere").click()
    expect(page.locator("#topic .story")).to_have_text("You logged out.")
    expect(other.locator("#topic .story")).to_have_text("Your login has ended.")
    expect(other.get_by_role("alert")).to_have_text("You were logged out, in another tab or everywhere.")
    expect(other.locator("#token")).to_be_visible()
    other.context.close()


def test_access_that_is_revoked_is_told(page, server):
    page.goto(server.url)
    log_in(page, token())
    expect(state(page)).to_have_attribute("data-state", "open")
    assert server.revoke(subject="ann").sessions == 1
    expect(page.get_by_role("alert")).to_have_text("Your access was revoked.")
    expect(page.locator("#access .who")).to_contain_text("You are not logged in.")
    log_in(page, token())
    expect(state(page)).to_have_attribute("data-state", "open")


def test_a_session_that_ends_for_being_idle_is_renewed_without_a_word(page):
    """It would end after 5 seconds. The service tells a page that listens, the page asks, and the session goes on."""
    with serve(access=ACCESS, session_idle=5, renew_before=4) as server:
        page.goto(server.url)
        with page.expect_request(lambda request: request.method == "POST" and request.url.endswith("/session")):
            log_in(page, token())
        first = page.locator("#access .who")
        expect(first).to_contain_text("Logged in as ann")
        said = first.inner_text()
        expect(first).not_to_have_text(said)
        for number in range(3):
            with page.expect_request(lambda request: request.method == "POST" and "/session" in request.url):
                server.publish("news", str(number))
        expect(page.locator("#topic li .data")).to_have_text(["2", "1", "0"])
        expect(page.locator("#topic .reconnects")).to_have_text("0")
        expect(page.locator("#login")).to_be_hidden()


def test_a_token_that_ends_is_followed_by_a_new_one_and_nothing_is_lost(page):
    with serve(access=ACCESS, renew_before=3600, retry=0.1) as server:
        page.goto(server.url)
        log_in(page, token(expires_in=3000))
        expect(page.get_by_role("alert")).to_contain_text(re.compile(r"^Your login ends in \d+ seconds\."))
        expect(state(page)).to_have_attribute("data-state", "open")
        server.publish("news", "before")
        log_in(page, token(expires_in=20_000))
        expect(page.locator("#login")).to_be_hidden()
        server.publish("news", "after")
        expect(page.locator("#topic .reconnects")).to_have_text("1")
        expect(page.locator("#topic li .data")).to_have_text(["after", "before"])


def test_a_login_that_has_ended_is_told(page):
    with serve(access=ACCESS, renew_before=0, retry=0.1) as server:
        page.goto(server.url)
        log_in(page, token(expires_in=3))
        expect(state(page)).to_have_attribute("data-state", "open")
        expect(page.locator("#topic .story")).to_have_text("Your login has ended.")
        expect(page.get_by_role("alert")).to_have_text("Your login has ended.")
        log_in(page, token())
        expect(state(page)).to_have_attribute("data-state", "open")


def test_a_publisher_cannot_log_a_reader_out(page, server):
    """Anybody who may publish can name an event as the service names its own."""
    page.goto(server.url)
    log_in(page, token())
    expect(state(page)).to_have_attribute("data-state", "open")
    for name, data in (("access-ended", '{"reason": "revoked"}'), ("access-ended", "no JSON"), ("access-ends", "null")):
        with page.expect_response("**/session"):
            server.publish("news", Event(data, event=name))
    server.publish("news", "still here")
    expect(page.locator("#topic li .data")).to_have_text(["still here"])
    expect(page.locator("#access .who")).to_contain_text("Logged in as ann")


def test_another_subject_reads_with_its_own_rights(page, server):
    page.goto(server.url)
    log_in(page, token())
    expect(state(page)).to_have_attribute("data-state", "open")
    page.get_by_role("button", name="New token").click()
    log_in(page, token(subject="bob", subscribe=("other",)))
    expect(page.locator("#access .who")).to_contain_text("Logged in as bob")
    expect(page.locator("#topic .story")).to_contain_text("Forbidden")


def test_the_keyboard_is_enough(page, server):
    page.goto(server.url)
    expect(page.locator("#token")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "token"
    page.keyboard.insert_text(token())
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#login")).to_be_hidden()
    assert page.evaluate("document.activeElement.textContent") == "Log out"
    page.keyboard.press("Enter")
    expect(page.locator("#topic .story")).to_have_text("You logged out.")


def test_markup_in_a_name_is_shown_as_text(page, server):
    page.goto(server.url)
    log_in(page, token(subject="<img src=x onerror=\"document.title='run'\">"))
    expect(page.locator("#access .who")).to_contain_text("Logged in as <img src=x")
    assert page.locator("#access img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_page_has_room_for_the_longest_name(browser, server, scheme):
    context = browser.new_context(viewport={"width": 360, "height": 700}, color_scheme=scheme)
    page = context.new_page()
    page.goto(server.url)
    log_in(page, token(subject="a" * 200))
    expect(page.locator("#access .who")).to_contain_text("Logged in as aaa")
    page.get_by_role("button", name="New token").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_a_page_in_a_frame_of_another_site_says_why_it_keeps_no_login(page, server):
    """As in JupyterLab at ``localhost``, with the server at ``127.0.0.1``."""

    class Frame(Handler):
        def get(self):
            self.set_header("Content-Type", "text/html")
            self.write(f'<iframe src="{server.url}/"></iframe>')

    with serve(routes=[Route("/frame", Frame)]) as other:
        page.goto(f"http://localhost:{other.port}/frame")
        frame = page.frame_locator("iframe")
        frame.locator("#token").fill(token())
        frame.locator("#token").press("Enter")
        expect(frame.get_by_role("alert")).to_contain_text("Open this page in a tab")
