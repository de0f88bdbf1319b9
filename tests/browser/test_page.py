"""The demo page in a real browser, with its own EventSource."""

import asyncio
import json
import re
import threading
from pathlib import Path

import pytest
from asking import request
from playwright.sync_api import expect

from sse_demo import serve
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route


def test_the_page_shows_ten_messages_and_then_stays_away(page):
    with serve() as server:
        requests = []
        page.on("request", lambda request: requests.append(request) if "/stream" in request.url else None)
        # Two seconds between messages are for people: the same page, asking for less.
        page.route("**/stream", lambda route: route.continue_(url=route.request.url + "?interval=0.05"))
        page.goto(server.url)
        messages = page.locator("#messages")
        expect(messages.locator("ol.events > li")).to_have_count(10)
        expect(messages.locator(".state")).to_have_attribute("data-state", "closed")
        expect(messages.locator(".last-id")).to_have_text("9")
        expect(messages.locator(".count")).to_have_text("10")
        data = [json.loads(text) for text in messages.locator("li .data").all_inner_texts()]
        assert [message["seq"] for message in data] == list(range(9, -1, -1))
        # It came back once, and said where it was: only then the answer is 204.
        assert [request.response().status for request in requests] == [200, 204]


def test_the_page_publishes_and_receives(page):
    with serve() as server:
        page.goto(f"{server.url}/?topic=lesson")
        topic = page.locator("#topic")
        expect(topic.locator(".state")).to_have_attribute("data-state", "open")
        page.fill("#publish input[name=data]", "hello from the page")
        page.click("#publish button[type=submit]")
        expect(topic.locator("li .data")).to_have_text(["hello from the page"])
        server.publish("lesson", "hello from Python")
        expect(topic.locator("li .data")).to_have_text(["hello from Python", "hello from the page"])


def test_a_named_event_reaches_its_listener(page):
    with serve() as server:
        page.goto(server.url)
        topic = page.locator("#topic")
        expect(topic.locator(".state")).to_have_attribute("data-state", "open")
        page.fill("#publish input[name=data]", "hi")
        page.fill("#publish input[name=event]", "greeting")
        page.click("#publish button[type=submit]")
        expect(topic.locator("li .type")).to_have_text(["greeting"])


def test_markup_in_data_is_shown_as_text(page):
    markup = "<img src=x onerror=\"document.title='run'\"><b>bold</b>"
    with serve() as server:
        server.publish("news", markup)
        page.goto(server.url)
        topic = page.locator("#topic")
        expect(topic.locator("li .data")).to_have_text([markup])
        assert topic.locator("li img, li b").count() == 0
        assert page.title() != "run"


def test_a_lost_server_is_found_again_and_the_topic_resumes(page, tmp_path):
    log = tmp_path / "events.db"
    asked = []
    page.on("request", lambda request: asked.append(request) if "/events?topic=news" in request.url else None)
    with serve(log=log, retry=0.1) as server:
        page.goto(server.url)
        topic = page.locator("#topic")
        expect(topic.locator(".state")).to_have_attribute("data-state", "open")
        seen = server.publish("news", "before")
        expect(topic.locator("li .data")).to_have_text(["before"])
        port = server.port
    expect(topic.locator(".state")).to_have_attribute("data-state", "reconnecting")
    with serve(log=log) as elsewhere:  # where nobody can reach it yet
        elsewhere.publish("news", "meanwhile")
    with serve(port, log=log) as server:
        expect(topic.locator(".state")).to_have_attribute("data-state", "open")
        server.publish("news", "after")
        expect(topic.locator("li .data")).to_have_text(["after", "meanwhile", "before"])
        expect(topic.locator(".reconnects")).to_have_text("1")
        assert asked[0].all_headers().get("last-event-id") is None
        assert asked[-1].all_headers()["last-event-id"] == seen


def test_who_comes_while_the_server_drains_comes_back_to_the_next_one(page, tmp_path):
    """A browser that was refused would never come back."""
    log = tmp_path / "events.db"
    server = serve(log=log, retry=0.1)
    draining = threading.Thread(target=server.stop, args=(60,))
    page.route("**/stream", lambda route: route.abort())  # one stream is left, which is told goodbye at once
    page.goto(server.url)
    topic = page.locator("#topic")
    expect(topic.locator(".state")).to_have_attribute("data-state", "open")
    draining.start()
    expect(topic.locator(".reconnects")).to_have_text(re.compile(r"[3-9]|\d\d"))
    server.publish("news", "until the end")
    server.stop()  # the rest of the minute is not needed
    draining.join()
    with serve(server.port, log=log):
        expect(topic.locator("li .data")).to_have_text(["until the end"])
        expect(topic.locator(".state")).to_have_attribute("data-state", "open")


def test_a_refusal_is_explained_on_the_page(page):
    with serve(max_event_size=100) as server:
        page.goto(server.url)
        page.fill("#publish input[name=data]", "x" * 200)
        page.click("#publish button[type=submit]")
        expect(page.locator(".result").first).to_contain_text("100")


def test_a_stream_that_is_refused_is_explained_by_the_server(page):
    with serve() as server:
        page.goto(f"{server.url}/?topic=a%20b")
        topic = page.locator("#topic")
        for name in ("a b", ""):
            page.fill("#topic-name", name)
            page.press("#topic-name", "Enter")
            expect(topic.locator(".story")).to_contain_text(f"Bad Request: '{name}' is not a topic name")
            expect(topic.locator(".state")).to_have_attribute("data-state", "closed")
        page.fill("#topic-name", "tea")
        page.press("#topic-name", "Enter")
        expect(topic.locator(".story")).to_have_text("Events appear here as they arrive.")


def test_asking_for_the_reason_leaves_no_stream_open(page, eventually):
    """The second request may be answered: then the page still says what it knows, and closes it."""
    refusals = [{"status": 503, "body": "busy"}]
    page.route("**/events?*", lambda route: route.fulfill(**refusals.pop()) if refusals else route.continue_())
    with serve() as server:
        with page.expect_response(lambda answer: "/events" in answer.url and answer.status == 200):
            page.goto(server.url)
        expect(page.locator("#topic .story")).to_have_text("The server said there is no more (204), or refused.")
        eventually(lambda: server.hub.subscribers == 0)


def test_what_was_published_on_another_topic_is_forgotten(page):
    with serve() as server:
        page.goto(server.url)
        page.fill("#publish input[name=data]", "hi")
        page.click("#publish button[type=submit]")
        expect(page.locator("#publish .result")).to_contain_text("Published with the id")
        page.fill("#topic-name", "tea")
        page.press("#topic-name", "Enter")
        expect(page.locator("#publish .result")).to_have_text("")


def test_an_event_named_like_a_state_is_an_event(page):
    with serve() as server:
        page.goto(server.url)
        topic = page.locator("#topic")
        for name in ("error", "open"):
            page.fill("#publish input[name=data]", "no news of the connection")
            page.fill("#publish input[name=event]", name)
            page.click("#publish button[type=submit]")
            expect(page.locator("#publish input[name=data]")).to_have_value("")  # answered: it is free for the next one
            expect(topic.locator("li .type").first).to_have_text(name)
            expect(topic.locator(".state")).to_have_attribute("data-state", "open")
        expect(topic.locator(".count")).to_have_text("2")
        expect(topic.locator(".reconnects")).to_have_text("0")


def test_the_line_of_the_readme_for_a_page_of_your_own(page, eventually):
    """The page is another server's, which is let in."""
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    line = re.search(r"```js\n(.*?)```", readme, re.DOTALL)[1]
    with serve() as own, serve(allow_origins=[own.url]) as server:
        # The browser is told that somebody waits for a message before it is told to go anywhere.
        with page.expect_console_message(lambda message: message.text == "tick"):
            page.goto(f"{own.url}/ping")
            page.add_script_tag(content=line.replace("http://127.0.0.1:8000", server.url))
            eventually(lambda: server.hub.subscribers == 1)
            server.publish("clock", "tick")


@pytest.mark.parametrize(
    ("host", "lets_in", "shown"),
    [
        ("stranger.example", False, False),
        ("stranger.example", True, True),
        ("localhost", False, True),  # as JupyterLab on this machine
        ("127.0.0.1", False, True),
    ],
)
def test_who_may_show_the_page_in_a_frame(page, host, lets_in, shown):
    class Frame(Handler):
        def get(self):
            self.set_header("Content-Type", "text/html")
            self.write(f'<iframe src="{server.url}/"></iframe>')

    told = []
    page.on("console", lambda message: told.append(message.text))
    with serve(routes=[Route("/frame", Frame)], allow_hosts=["*"]) as other:
        origin = f"http://{host}:{other.port}"
        with serve(allow_origins=[origin] if lets_in else []) as server:
            page.goto(f"{origin}/frame")
            if shown:
                topic = page.frame_locator("iframe").locator("#topic .state")
                expect(topic).to_have_attribute("data-state", "open")
            page.frames[1].wait_for_url(f"{server.url}/" if shown else "chrome-error://chromewebdata/")
            assert any("frame-ancestors" in text for text in told) is not shown


def test_a_page_whose_name_was_made_to_point_here_is_not_served(page):
    with serve() as server:
        refused = page.goto(server.url.replace("127.0.0.1", "evil.example"))
        assert refused.status == 421
        assert "'evil.example'" in refused.json()["detail"]
        assert page.goto(server.url.replace("127.0.0.1", "localhost")).status == 200


def test_a_page_may_publish_behind_a_proxy_that_asks_by_another_name(page):
    """As nginx does by default. What the browser says of the page's origin is enough."""

    class Passing(Handler):
        async def post(self):
            headers = dict(self.request.headers) | {"Host": "up"}
            status, _, body = await asyncio.to_thread(
                request, server, "POST", self.request.uri, self.request.body, headers
            )
            self.set_status(status)
            self.write(body)

    with serve(allow_hosts=["up"]) as server, serve(routes=[Route("/events", Passing)]) as proxy:
        page.goto(f"{proxy.url}/ping")
        publish = "fetch('/events?topic=a', {method: 'POST', body: 'hi'}).then(answer => answer.status)"
        assert page.evaluate(publish) == 202
