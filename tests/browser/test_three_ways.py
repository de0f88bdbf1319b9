"""The two pages of lesson 10 in a real browser: a stranger's, and one that tries each way to tell who asks."""

import secrets

import pytest
from lab_page import LabPage
from playwright.sync_api import expect

from sse_demo import Access, Issuer, Rights, Route, secret_key, serve, sign_token
from sse_demo.lab import strangers_page, three_ways
from sse_demo.web.handlers import Handler

KEY = secret_key(secrets.token_bytes(32))
ACCESS = Access(issuers=[Issuer(name="login", audience="events", keys=KEY)])
TITLES = [
    "EventSource alone",
    "1 · fetch, with a header",
    "2 · EventSource, with a cookie",
    "3 · EventSource, with a ticket",
    "A token in the address",
]
OUTCOMES = ["closed, after an error", "200, 3 events", "open, 3 events", "open, 3 events", "400"]


def token():
    rights = Rights(subscribe=("prices",))
    return sign_token(KEY, issuer="login", audience="events", subject="ann", rights=rights, expires_in=60)


@pytest.fixture
def shop():
    with serve(access=ACCESS, routes=three_ways(token)) as server:
        for price in range(3):
            server.publish("prices", str(price))
        yield server


def expect_outcomes(page):
    expect(page.locator("h2 b")).to_have_text(OUTCOMES)
    expect(page.locator("h2")).to_have_text([title + end for title, end in zip(TITLES, OUTCOMES, strict=True)])
    expect(page.locator("code", has_text="document.cookie")).to_have_text('document.cookie   → ""')
    expect(page.locator("code", has_text="once more")).to_have_text("the same address once more   → 401")
    expect(page.locator("code", has_text="POST /tickets")).to_have_count(1)


def test_each_way_is_tried_and_again(page, shop):
    page.goto(f"{shop.url}/ways")
    expect_outcomes(page)
    page.get_by_role("button").click()
    expect_outcomes(page)


@pytest.mark.parametrize("outside", ["127.0.0.1", "localhost"])
def test_the_cookie_is_sent_in_a_frame_whichever_name_the_outer_page_has(page, shop, outside):
    class Outer(Handler):
        def get(self):
            self.set_header("Content-Type", "text/html")
            self.write(f'<iframe src="{shop.url}/ways" width="900" height="600"></iframe>')

    with serve(routes=[Route("/outer", Outer)]) as outer:
        page.goto(f"http://{outside}:{outer.port}/outer")
        expect_outcomes(page.frame_locator("iframe"))


def test_a_strangers_page_reads_an_open_server_and_is_refused_by_one_with_access(page):
    with serve(allow_origins=["*"]) as office, serve(access=ACCESS, allow_origins=["*"]) as guarded:
        for server in (office, guarded):
            server.publish("salaries", "ann 4,100")
            server.publish("salaries", "<b>bob</b>")
        reads = "/events?topic=salaries&recent=9"
        for server, state, heard in [
            (office, "reads", "ann 4,100 · <b>bob</b>"),
            (guarded, "is answered 401", "say who you are: Authorization: Bearer TOKEN, a session, or a ticket"),
        ]:
            with serve(routes=[strangers_page(f"{server.url}{reads}")]) as stranger:
                page.goto(f"{stranger.url}/kittens")
                expect(page.locator("#state")).to_have_text(state)
                expect(page.locator("#heard")).to_have_text(heard)


def test_both_pages_work_through_jupyterlabs_proxy(lab, browser, shop):
    """On JupyterHub and in a container, where the browser reaches no other port."""
    with serve(allow_origins=["*"]) as office:
        office.publish("salaries", "ann 4,100")
        with serve(routes=[strangers_page(f"{office.url}/events?topic=salaries&recent=9")]) as stranger:
            cells = [
                "from sse_demo.lab import BrowserPage",
                f"BrowserPage('{stranger.url}/kittens', height=150, via='proxy')",
                f"BrowserPage('{shop.url}/ways', height=430, via='proxy')",
            ]
            context = browser.new_context(viewport={"width": 1100, "height": 2000})
            notebook = LabPage(lab, context).open(lab.write("three_ways.ipynb", *cells))
            notebook.start_all_cells()
            notebook.wait_for_all_cells()
            kittens, ways = (notebook.page.frame_locator(f"iframe[src*='{path}']") for path in ("kittens", "ways"))
            expect(kittens.locator("#heard")).to_have_text("ann 4,100")
            expect_outcomes(ways)
            context.close()
