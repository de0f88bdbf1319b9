"""The three ways in which a page shows who it is, in a real browser; and curl through each of them."""

import json
import shutil
import threading

import pytest
from bearers import access, bearer, planted, ticket, token
from playwright.sync_api import expect
from support import running

from sse_demo import serve
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route

# In a page: what has come, and from how many answers.
FOLLOW = """address => {
    const source = new EventSource(address);
    window.follow({source, messages: [], others: [], opened: 0, errors: 0});
}"""
FOLLOW_ELSEWHERE = """([url, withCredentials]) => {
    follow({source: new EventSource(url, {withCredentials}), messages: [], others: []});
}"""
HELPERS = """() => {
    window.all = [];
    window.follow = one => {
        window.all.push(one);
        one.source.onopen = () => one.opened++;
        one.source.onerror = () => one.errors++;
        one.source.onmessage = event => { one.messages.push(event.data); one.last = event.lastEventId; };
        for (const name of ["access-ends", "access-ended"])
            one.source.addEventListener(name, event => {
                one.others.push([event.type, JSON.parse(event.data)]);
                one.hear?.(event);
            });
        return one;
    };
    window.logIn = token =>
        fetch("/session", {method: "POST", headers: {Authorization: `Bearer ${token}`}}).then(answer => answer.status);
}"""
BY_HEADER = """async ([address, token]) => {
    const answer = await fetch(address, {headers: {Authorization: `Bearer ${token}`}});
    window.text = "";
    window.status_ = answer.status;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    (async () => {
        for (let part = await reader.read(); !part.done; part = await reader.read()) window.text += part.value;
        window.text += "[the end]";
    })();
}"""
# What the page of a ticket does: an EventSource is good for one ticket, and a new one goes on after the last id.
BY_TICKET = """async ([topic, token]) => {
    const messages = [], used = [];
    window.byTicket = {messages, used};
    let last = "";
    const open = async () => {
        const headers = {Authorization: `Bearer ${token}`};
        const answer = await fetch(`/tickets?topic=${topic}`, {method: "POST", headers});
        const {ticket} = await answer.json();
        used.push(ticket);
        const source = new EventSource(`/events?topic=${topic}&ticket=${ticket}&last_event_id=${last}`);
        source.onmessage = event => { messages.push(event.data); last = event.lastEventId; };
        source.onerror = () => { source.close(); setTimeout(open, 10); };
    };
    await open();
}"""


class Blank(Handler):
    """A page of the server, which may be anybody's."""

    needs = "nothing"

    def get(self):
        self.set_header("Content-Type", "text/html")
        self.write("<!doctype html><title>a page</title>")


@pytest.fixture
def start():
    """Starts a server. To be asked for before ``page``, so that no page is left behind by its server."""
    planted.clear()
    servers = []

    def start(**settings):
        routes = [Route("/page", Blank)]
        servers.append(serve(**{"access": access(), "routes": routes, "demo": False, "retry": 0.1, **settings}))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def visit(page, server):
    page.goto(f"{server.url}/page")
    page.evaluate(HELPERS)


def wait(page, condition, *arguments):
    page.wait_for_function(condition, arg=list(arguments))


def test_fetch_with_a_header(start, page):
    server = start()
    visit(page, server)
    page.evaluate(BY_HEADER, ["/events?topic=a", token("ann", expires_in=4.0)])
    assert page.evaluate("window.status_") == 200
    server.publish("a", "for those who have told who they are")
    wait(page, "() => window.text.includes('data: for those who')")
    wait(page, "() => window.text.endsWith('[the end]')")  # its token is over
    assert "event: access-ends" in page.evaluate("window.text")


def test_an_event_source_with_the_cookie_of_a_session(start, page):
    server = start()
    visit(page, server)
    assert page.evaluate("window.logIn", token()) is not None
    [own] = page.context.cookies()
    shown = (own["name"], own["httpOnly"], own["secure"], own["sameSite"], own["path"])
    assert shown == ("__Host-session", True, True, "Lax", "/")
    assert page.evaluate("document.cookie") == ""  # no script sees it
    page.evaluate(FOLLOW, "/events?topic=a")
    wait(page, "() => all[0].opened === 1")
    server.publish("a", "hello")
    wait(page, "() => all[0].messages.length === 1")
    assert page.evaluate("all[0].messages") == ["hello"]


def test_an_event_source_with_a_ticket(start, page):
    """When its connection is lost, its ticket is used up: the page makes a new one, with a new ticket."""
    server = start(max_connection_age=0.7)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/events" in request.url else None)
    visit(page, server)
    page.evaluate(BY_TICKET, ["a", token()])
    count = 0
    while page.evaluate("byTicket.used.length") < 4:
        server.publish("a", str(count))
        count += 1
        page.wait_for_timeout(2)
    wait(page, "([last]) => byTicket.messages.at(-1) === last", str(count - 1))
    seen = [int(data) for data in page.evaluate("byTicket.messages")]
    assert seen == list(range(seen[0], count))
    used = page.evaluate("byTicket.used")
    assert len(set(used)) == len(used)
    assert not [url for url in asked if "eyJ" in url]


def test_a_session_that_is_renewed_in_mid_stream_loses_nothing(start, page):
    """The page is told, logs in again, and the browser comes back by itself with the new cookie and the last id."""
    server = start(renew_before=3.0)
    tokens = []

    def new_token():
        tokens.append(token(expires_in=4.5))
        return tokens[-1]

    page.expose_function("newToken", new_token)
    visit(page, server)
    page.evaluate("async () => logIn(await newToken())")
    page.evaluate(FOLLOW, "/events?topic=a")
    page.evaluate("() => { all[0].hear = async event => logIn(await newToken()); }")
    wait(page, "() => all[0].opened === 1")
    stop = threading.Event()
    count = []

    def publish():
        while not stop.is_set():
            server.publish("a", str(len(count)))
            count.append(None)
            stop.wait(0.002)

    publishing = threading.Thread(target=publish)
    publishing.start()
    try:
        wait(page, "() => all[0].opened >= 4")
    finally:
        stop.set()
        publishing.join()
    wait(page, "([last]) => all[0].messages.at(-1) === last", str(len(count) - 1))
    seen = [int(data) for data in page.evaluate("all[0].messages")]
    assert seen == list(range(seen[0], len(count)))
    assert len(tokens) >= 4
    assert page.evaluate("all[0].source.readyState") != 2  # it is the same EventSource all the time
    assert {name for name, _ in page.evaluate("all[0].others")} == {"access-ends"}


def test_a_session_that_is_not_renewed_ends_its_stream_for_good(start, page):
    server = start(renew_before=0.5)
    visit(page, server)
    page.evaluate("window.logIn", token(expires_in=4.0))
    page.evaluate(FOLLOW, "/events?topic=a")
    wait(page, "() => all[0].source.readyState === 2")
    assert page.evaluate("all[0].others.map(([name]) => name)") == ["access-ends"]


def test_logging_out_everywhere_ends_the_streams_of_two_tabs_at_once(browser, start):
    server = start()
    context = browser.new_context()
    first, second = context.new_page(), context.new_page()
    for tab in (first, second):
        visit(tab, server)
        if tab is first:
            first.evaluate("window.logIn", token())
        tab.evaluate(FOLLOW, "/events?topic=a")
        wait(tab, "() => all[0].opened === 1")
    first.evaluate("fetch('/session?everywhere=true', {method: 'DELETE'})")
    for tab in (first, second):
        wait(tab, "() => all[0].source.readyState === 2")
        assert tab.evaluate("all[0].others") == [["access-ended", {"reason": "logout"}]]
        assert tab.evaluate("all[0].opened") == 1
    assert context.cookies() == []
    context.close()


def test_a_login_in_one_tab_brings_the_other_back_with_the_new_cookie(browser, start):
    server = start()
    context = browser.new_context()
    first, second = context.new_page(), context.new_page()
    for tab in (first, second):
        visit(tab, server)
        first.evaluate("window.logIn", token())
        tab.evaluate(FOLLOW, "/events?topic=a")
        # A tab that is on its way back while another one logs in comes with the cookie of before, and is refused.
        wait(tab, "() => all[0].opened === 1")
    wait(first, "() => all[0].opened === 2")  # the login for the second tab has sent it back
    for number in range(5):
        first.evaluate("window.logIn", token())
        for tab in (first, second):
            times = number + (3 if tab is first else 2)
            wait(tab, "([times]) => all[0].opened >= times && all[0].source.readyState === 1", times)
    assert len(server.service.guard.sessions) == 1
    context.close()


@pytest.mark.parametrize("credentials", [True, False])
def test_a_page_at_another_port_gets_nothing_with_its_visitors_cookie(start, page, credentials):
    """Cookies know no ports, and to the browser both are the same site: the cookie is sent."""
    server, elsewhere = start(), start()
    visit(page, server)
    page.evaluate("window.logIn", token())
    visit(page, elsewhere)
    page.evaluate(FOLLOW_ELSEWHERE, [f"{server.url}/events?topic=a", credentials])
    wait(page, "() => all[0].source.readyState === 2")
    publish = """([url, credentials]) =>
        fetch(url, {method: "POST", body: "x", mode: "no-cors", credentials: credentials ? "include" : "omit"})"""
    page.evaluate(publish, [f"{server.url}/events?topic=a", credentials])
    visit(page, server)
    page.evaluate(FOLLOW, "/events?topic=a&recent=9")
    server.publish("a", "the only one")
    wait(page, "() => all[0].messages.length > 0")
    assert page.evaluate("all[0].messages") == ["the only one"]


def test_a_page_that_allow_credentials_names_uses_its_visitors_session(start, page):
    elsewhere = start()
    server = start(allow_origins=[elsewhere.url], allow_credentials=True)
    visit(page, server)
    page.evaluate("window.logIn", token())
    visit(page, elsewhere)
    page.evaluate(FOLLOW_ELSEWHERE, [f"{server.url}/events?topic=a&recent=1", True])
    server.publish("a", "for a friend")
    wait(page, "() => all[0].messages.length === 1")


def test_an_event_source_without_any_is_refused_for_good(start, page):
    server = start()
    visit(page, server)
    page.evaluate(FOLLOW, "/events?topic=a")
    wait(page, "() => all[0].source.readyState === 2")
    assert page.evaluate("[all[0].opened, all[0].errors]") == [0, 1]
    expect(page).to_have_title("a page")


# curl


@pytest.fixture
def curl(tmp_path):
    """``curl(argument, ...)`` is a command. Secrets are in a file, since everybody sees the arguments of a process."""
    found = shutil.which("curl")
    assert found, "curl is needed here, and is not installed (Debian, Ubuntu: apt-get install curl)"

    def command(*arguments, secrets=()):
        config = tmp_path / f"curl{len(list(tmp_path.iterdir()))}"
        config.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in secrets))
        return [found, "--no-progress-meter", "--no-buffer", "--max-time", "60", "--config", str(config), *arguments]

    return command


def first_event(command, server):
    with running(command) as process:
        lines = iter(process.stdout.readline, "")
        for line in lines:
            if line.startswith(":") or line.startswith("retry"):  # it is subscribed
                server.publish("a", "hello, curl")
            if line.startswith("data:"):
                return line.strip()
    return None


def test_curl_with_a_header(curl, start):
    server = start()
    header = f"Authorization: {bearer()['Authorization']}"
    assert (
        first_event(curl(f"{server.url}/events?topic=a", secrets=[("header", header)]), server) == "data: hello, curl"
    )


def test_curl_with_the_cookie_of_a_session(curl, start, tmp_path):
    server = start()
    header, jar = f"Authorization: {bearer()['Authorization']}", str(tmp_path / "cookies")
    with running(curl("-X", "POST", "-c", jar, f"{server.url}/session", secrets=[("header", header)])) as process:
        assert json.loads(process.stdout.read())["kind"] == "session"
    assert first_event(curl("-b", jar, f"{server.url}/events?topic=a"), server) == "data: hello, curl"
    with running(curl("-X", "DELETE", "-b", jar, "-c", jar, f"{server.url}/session")) as process:
        assert process.stdout.read() == ""
    with running(curl("-b", jar, "-w", "%{http_code}", "-o", "-", f"{server.url}/events?topic=a")) as process:
        assert process.stdout.read().endswith("401")


def test_curl_with_a_ticket(curl, start):
    server = start()
    url = f"{server.url}/events?topic=a&ticket={ticket(server, bearer())}"
    assert first_event(curl(secrets=[("url", url)]), server) == "data: hello, curl"
    with running(curl("-w", "%{http_code}", secrets=[("url", url)])) as process:
        assert process.stdout.read().endswith("401")


def test_curl_is_told_what_to_do_instead_of_a_token_in_the_address(curl, start):
    server = start()
    url = f"{server.url}/events?topic=a&access_token={token()}"
    with running(curl(secrets=[("url", url)])) as process:
        told = json.loads(process.stdout.read())
    assert told["status"] == 400
    assert "POST /tickets" in told["detail"]
    assert not [secret for secret in planted if secret in json.dumps(told)]


def test_curl_sees_the_end_of_its_token(curl, start):
    server = start(renew_before=0.5)
    header = f"Authorization: {bearer(expires_in=3.0)['Authorization']}"
    with running(curl(f"{server.url}/events?topic=a", secrets=[("header", header)])) as process:
        told = process.stdout.read()
        assert process.wait(60) == 0  # in order
    assert "event: access-ends" in told
