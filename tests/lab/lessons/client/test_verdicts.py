import json

import pytest

from sse_demo import serve
from sse_demo.lab import LiveVerdicts
from sse_demo.lab.lessons.client import signed
from sse_demo.lab.lessons.client.verdicts import summary
from sse_demo.lab.look import GOOD, WRONG


@pytest.fixture
def server():
    with serve() as server:
        yield server


def test_a_row_for_each_message_and_a_column_for_each_receiver(server):
    def trust(event):
        return f"believed <b>{json.loads(event.data)['price']}</b>"

    def careful(event):
        return "accepted" if event.data.startswith("{") else "refused: it is no object"

    for data in ('{"price": 101}', "<i>", '{"price": 102}'):
        server.publish("prices", data)
    live = LiveVerdicts(f"{server.url}/events?topic=prices&recent=3", {"ours": careful, "<theirs>": trust})
    live.wait_for(3)
    live.stop()
    assert repr(live.ended["<theirs>"]).startswith("JSONDecodeError")
    assert list(live.ended) == ["<theirs>"]
    shown = live.html
    assert "messages <b>3</b>" in shown
    assert f'<b style="color:{GOOD}">accepted</b>' in shown
    assert f'<b style="color:{WRONG}">refused</b>: it is no object' in shown
    assert "believed &lt;b&gt;101" in shown
    assert "believed &lt;b&gt;102" not in shown, "its loop has ended"
    assert "JSONDecodeError</b>: its loop has ended" in shown
    assert '&lt;theirs&gt; <span style="color:#d81b60">has ended: JSONDecodeError' in shown
    assert "<i>" not in shown
    assert repr(live) == "LiveVerdicts(ours, <theirs>)"


def test_only_the_newest_are_shown_and_a_stream_that_is_lost_is_told(server, eventually):
    for number in range(5):
        server.publish("prices", f"message {number}")
    live = LiveVerdicts(f"{server.url}/events?topic=prices&recent=5", {"all": lambda event: "accepted"}, show=2)
    live.wait_for(5)
    server.stop()
    eventually(lambda: "tries again" in live.html)
    assert "message 4" in live.html
    assert "message 2" not in live.html
    live.stop()
    assert "closed" in live.html


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (signed.bad_day(b"k")["a good price"], "<b>price</b> 101"),
        (signed.bad_day(b"k")["a changed price"], "<b>price</b> 901"),
        (signed.bad_day(b"k")["without signature"], "<b>price</b> 101"),
        (signed.bad_day(b"k")["another payload"], "<b>price</b> cost = 101"),
        (signed.bad_day(b"k")["our sender's bug"], "<code>price: 103</code>"),
        ('{"type": "<b>", "payload": {"<i>": "&"}}', "<b>&lt;b&gt;</b> &lt;i&gt; = &amp;"),
        ("sig\n[1]", "<code>[1]</code>"),
        ('{"type": 1, "payload": [[1, 2, 3]]}', "<code>{&quot;type&quot;: 1, &quot;payload</code>"),
        ("[" * 100_000, f"<code>{'[' * 20}</code>"),
        ("", "<code></code>"),
    ],
    ids=range(10),  # the messages have the time in them
)
def test_a_message_is_shown_without_what_nobody_reads(data, shown):
    assert summary(data) == shown
