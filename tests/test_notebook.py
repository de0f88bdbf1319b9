"""Cells that are run again, in a real kernel."""

import socket

import pytest
from jupyter_client.manager import start_new_kernel

import sse_demo.notebook


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


def test_outside_of_a_notebook_nothing_happens():
    class Thing:
        def stop(self):
            raise AssertionError

    sse_demo.notebook.stop_on_rerun(Thing())
    sse_demo.notebook.stop_earlier_run()
    assert sse_demo.notebook._started == []
