import subprocess
import sys
import urllib.error
import urllib.request

import psutil
import pytest

from sse_demo import listen
from sse_demo.lab import ServerProcess


def publish(server, data):
    request = urllib.request.Request(f"{server.url}/events?topic=a", data.encode(), {"Content-Type": "text/plain"})
    urllib.request.urlopen(request).close()


def test_killed_and_started_again_it_has_its_events_and_its_address():
    server = ServerProcess(heartbeat=1, retry=0.05)
    url = server.url
    publish(server, "before")
    server.kill()
    server.kill()
    assert repr(server) == "ServerProcess(stopped)"
    assert server.state == "killed"
    with pytest.raises(urllib.error.URLError, match="refused"):
        publish(server, "nobody there")
    server.start()
    server.start()
    assert server.state == "running"
    assert server.url == url
    publish(server, "after")
    with listen(f"{url}/events?topic=a&recent=9") as events:
        assert [next(events).data, next(events).data] == ["before", "after"]
    server.stop()
    server.stop()
    with pytest.raises(RuntimeError, match="has been stopped; run the cell again"):
        server.start()


def test_a_setting_may_be_a_list():
    server = ServerProcess(allow_origins=["https://shop.example", "https://admin.example"])
    request = urllib.request.Request(f"{server.url}/ping", headers={"Origin": "https://admin.example"})
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "https://admin.example"
    server.stop()


def test_a_server_that_cannot_start_says_why():
    with pytest.raises(RuntimeError, match="does not start"):
        ServerProcess(heartbeat="often")


def test_it_ends_with_the_process_that_has_started_it(eventually):
    start = "from sse_demo.lab import ServerProcess; server = ServerProcess(); print(server._process.pid, flush=True)"
    code = f"import os; {start}; os._exit(9)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    eventually(lambda: not psutil.pid_exists(int(done.stdout)))


@pytest.mark.skipif(sys.platform == "win32", reason="no process groups")
def test_an_interrupt_of_the_kernel_is_not_for_the_server():
    start = (
        "import os, signal, time; from sse_demo.lab import ServerProcess; server = ServerProcess(); "
        "signal.signal(signal.SIGINT, signal.SIG_IGN); os.killpg(0, signal.SIGINT); time.sleep(0.5); "
        "print(server.state); server.stop()"
    )
    options = {"capture_output": True, "text": True, "timeout": 20, "start_new_session": True}
    done = subprocess.run([sys.executable, "-c", start], **options)
    assert done.stdout == "running\n", done.stderr


def test_one_that_has_ended_by_itself_starts_again():
    server = ServerProcess()
    psutil.Process(server._process.pid).kill()
    server._process.wait(10)
    assert server.state == "killed"
    server.start()
    assert server.state == "running"
    server.stop()


def test_a_start_that_is_interrupted_leaves_no_process(monkeypatch):
    started = []

    class Interrupted:
        def __init__(self, pipe):
            self.close = pipe.close

        def readline(self):
            raise KeyboardInterrupt

    class Slow(subprocess.Popen):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            started.append(self.pid)
            self.stdout = Interrupted(self.stdout)

    monkeypatch.setattr(subprocess, "Popen", Slow)
    with pytest.raises(KeyboardInterrupt):
        ServerProcess()
    assert started
    assert not psutil.pid_exists(started[0])
