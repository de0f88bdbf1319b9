"""Cells that are run again, in a real kernel."""

import inspect
import json
import socket

import pytest
from asking import request
from jupyter_client.manager import start_new_kernel

import sse_demo.notebook
from sse_demo import serve
from sse_demo.lab import (
    Background,
    BrowserEvents,
    FaultProxy,
    LiveChart,
    LiveEvents,
    Repeat,
    ServerProcess,
    SlowReader,
)
from sse_demo.notebook import browser_is_elsewhere


@pytest.fixture
def jupyter_server(tmp_path, monkeypatch):
    """``jupyter_server(hostname, base_url)`` is as if such a Jupyter Server had started this process as a kernel."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))

    def started_by(hostname, base_url):
        facts = {"hostname": hostname, "base_url": base_url, "port": 8888}
        (tmp_path / "jpserver-4711.json").write_text(json.dumps(facts), "utf-8")
        return {"JPY_PARENT_PID": "4711"}

    return started_by


THING = """
from sse_demo.notebook import owned_by_cell

happened = []

class Thing:
    @owned_by_cell
    def __init__(self, name, fails=False):
        self.name = name
        happened.append(f"{name} starts")
        if fails:
            raise ValueError(name)

    def stop(self):
        happened.append(f"{self.name} stops")

class Special(Thing):
    def __init__(self, name):
        super().__init__(name)
        happened.append(f"{name} is special")
"""


class Cell:
    """A cell of a notebook, run as JupyterLab runs it: with its own name."""

    def __init__(self, client, name):
        self.client = client
        self.name = name

    def run(self, code):
        message = self.client.session.msg(
            "execute_request", {"code": code, "store_history": True, "stop_on_error": False}
        )
        message["metadata"] = {"cellId": self.name} if self.name else {}
        self.client.shell_channel.send(message)
        while True:
            reply = self.client.get_shell_msg(timeout=30)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                break
        assert reply["content"]["status"] == "ok", "\n".join(reply["content"].get("traceback", []))


@pytest.fixture(scope="module")
def client():
    manager, client = start_new_kernel(kernel_name="python3")
    Cell(client, "first").run("from sse_demo import serve; started = []")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_cell_that_is_run_again_stops_its_server_even_if_it_was_edited(client):
    cell = Cell(client, "a")
    cell.run("started = [serve()]")
    cell.run("started.append(serve(heartbeat=5))")
    Cell(client, "b").run("assert [server.running for server in started] == [False, True], started")


def test_a_cell_with_a_fixed_port_can_be_run_again(client):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    cell = Cell(client, "c")
    for _ in range(3):
        cell.run(f"server = serve({port})")
    Cell(client, "b").run(f"assert server.running and server.port == {port}; server.stop()")


def test_without_a_name_the_same_text_is_the_same_cell(client):
    cell = Cell(client, None)
    cell.run("started = started[:0] + [serve()]; kept = started[0]")
    cell.run("started = started[:0] + [serve()]; kept = started[0]")
    cell.run("first = kept")
    Cell(client, None).run("assert kept.running")


def test_another_cell_and_the_same_run_keep_theirs(client):
    Cell(client, "d").run("several = [serve() for _ in range(3)]")
    Cell(client, "e").run("another = serve()")
    Cell(client, "b").run("assert all(server.running for server in [*several, another])")
    Cell(client, "d").run("assert not any(server.running for server in several) or serve()")


def test_a_view_that_is_made_again_is_stopped(client):
    cell = Cell(client, "f")
    Cell(client, "g").run("from sse_demo.lab import LiveEvents; views = []; server = serve()")
    for _ in range(2):
        cell.run("views.append(LiveEvents(f'{server.url}/events?topic=a'))")
    Cell(client, "b").run("assert [view.state == 'closed' for view in views] == [True, False], views")


def test_what_a_cell_owns_is_stopped_before_the_next_one_starts(client):
    Cell(client, "g").run(THING)
    cell = Cell(client, "h")
    cell.run("thing = Thing('first')")
    cell.run("thing = Special('second')")
    cell.run("thing = Thing(name='third')")
    wanted = ["first starts", "first stops", "second starts", "second is special", "second stops", "third starts"]
    Cell(client, "b").run(f"assert happened == {wanted}, happened")


def test_what_could_not_start_is_not_stopped(client):
    Cell(client, "g").run(f"{THING}\nimport contextlib")
    cell = Cell(client, "i")
    for name in ("first", "second"):
        cell.run(f"with contextlib.suppress(ValueError): Thing({name!r}, fails=True)")
    Cell(client, "b").run("assert happened == ['first starts', 'second starts'], happened")


@pytest.fixture(scope="module")
def url():
    with serve() as server:
        yield f"{server.url}/events?topic=a"


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (Background, lambda url: ()),
        (BrowserEvents, lambda url: (url,)),
        (FaultProxy, lambda url: (url,)),
        (LiveChart, lambda url: ("nothing", {})),
        (LiveEvents, lambda url: (url,)),
        (Repeat, lambda url: (60, print)),
        (ServerProcess, lambda url: ()),
        (SlowReader, lambda url: (url,)),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_each_thing_of_the_lab_is_stopped_when_its_cell_is_run_again(kind, arguments, url, monkeypatch):
    run, stopped = 1, []
    with monkeypatch.context() as patched:
        patched.setattr(sse_demo.notebook, "_running_cell", lambda: ("a cell", run))
        patched.setattr(sse_demo.notebook, "_started", [])
        patched.setattr(kind, "stop", lambda thing: stopped.append(thing))
        first, same_run = kind(*arguments(url)), kind(*arguments(url))
        assert stopped == []
        run = 2
        next_run = kind(*arguments(url))
        assert stopped == [first, same_run]
    for thing in (first, same_run, next_run):
        thing.stop()


def test_a_decorated_class_still_says_what_it_takes():
    assert list(inspect.signature(SlowReader).parameters) == ["url", "speed", "keep"]


def test_outside_of_a_notebook_nothing_happens():
    class Thing:
        def stop(self):
            raise AssertionError

    sse_demo.notebook.stop_on_rerun(Thing())
    sse_demo.notebook.stop_earlier_run()
    assert sse_demo.notebook._started == []


@pytest.mark.parametrize(
    ("hostname", "base_url", "elsewhere"),
    [
        ("localhost", "/", False),
        ("127.0.0.1", "/", False),
        ("::1", "/", False),
        ("0.0.0.0", "/", True),  # a container
        ("hub.example", "/", True),
        ("127.0.0.1", "/user/ada/", True),  # a proxy in front of it
    ],
)
def test_a_jupyter_server_at_a_local_address_has_its_browser_here(jupyter_server, hostname, base_url, elsewhere):
    assert browser_is_elsewhere(jupyter_server(hostname, base_url)) is elsewhere
    url = f"http://{f'[{hostname}]' if ':' in hostname else hostname}:8888{base_url}"
    assert browser_is_elsewhere({"JUPYTER_SERVER_URL": url}) is elsewhere, "a terminal is told its address"


def test_what_is_no_jupyter_server_has_its_browser_here(jupyter_server, tmp_path):
    assert not browser_is_elsewhere({})
    for parent in ("", "1", "x", "-1", "0", "../4711"):
        assert not browser_is_elsewhere({"JPY_PARENT_PID": parent})
    environment = jupyter_server("0.0.0.0", "/")
    for damaged in ("", "{", "[]", "{}", "3", "null"):
        (tmp_path / "jpserver-4711.json").write_text(damaged, "utf-8")
        assert not browser_is_elsewhere(environment)


@pytest.mark.parametrize("name", ["JUPYTERHUB_SERVICE_PREFIX", "VSCODE_PROXY_URI", "CODESPACES", "COLAB_RELEASE_TAG"])
def test_where_the_browser_is_elsewhere_a_server_answers_every_name_by_default(monkeypatch, name):
    def answered(**settings):
        with serve(**settings) as server:
            return [request(server, "GET", "/ping", headers={"Host": host})[0] for host in ("hub.example", "a.test")]

    assert answered() == [421, 421]
    monkeypatch.setenv(name, "anything")
    assert answered() == [200, 200]
    assert answered(allow_hosts=["a.test"]) == [421, 200]
