"""The end of a server, spread over some time."""

import json
import re
import threading
import time
import urllib.error
import urllib.request

from asking import open_stream

from sse_demo import serve


def test_a_drain_spreads_the_goodbyes_and_tells_of_it():
    server = serve()
    streams = [open_stream(server, "/events?topic=a") for _ in range(20)]
    ends = []

    def read(stream):
        stream.read()
        ends.append(time.monotonic())

    readers = [threading.Thread(target=read, args=(stream,)) for stream in streams]
    for reader in readers:
        reader.start()
    stopping = threading.Thread(target=server.stop, kwargs={"drain": 1.0})
    start = time.monotonic()
    stopping.start()
    seen = None
    while seen is None:
        try:
            urllib.request.urlopen(f"{server.url}/health").close()
        except urllib.error.HTTPError as answer:
            seen = answer.code, json.loads(answer.read())["status"]
    assert seen == (503, "draining")
    with open_stream(server, "/events?topic=a") as late:
        assert re.fullmatch(rb":\nretry: \d+\n", late.read()), "it is not refused, but sent away, to come back"
    server.publish("a", "until the end")  # nothing is lost for those who are still there
    for thread in [*readers, stopping]:
        thread.join()
    assert 0.9 < time.monotonic() - start < 5
    assert ends == sorted(ends)
    assert max(ends) - min(ends) > 0.5


def test_another_stop_cuts_a_drain_short():
    server = serve()
    stream = open_stream(server, "/events?topic=a")
    draining = threading.Thread(target=server.stop, args=(60,))
    draining.start()
    stream.read()  # its goodbye, which is the first thing that a drain does
    server.stop()
    draining.join(10)
    assert not draining.is_alive()
    stream.close()


def test_without_a_drain_it_stops_at_once():
    server = serve()
    stream = open_stream(server, "/events?topic=a")
    start = time.monotonic()
    server.stop()
    assert stream.read().startswith(b":\n")
    assert time.monotonic() - start < 3
