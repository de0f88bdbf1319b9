import time
from types import SimpleNamespace

from sse_demo import serve
from sse_demo.lab import FaultProxy, LiveEvents, OrdersChart, Repeat, line_buttons, pull, speed_chart
from sse_demo.lab.fault_proxy import ENDS


def test_each_button_ends_the_lines_in_its_own_way():
    ended = []
    buttons = line_buttons(SimpleNamespace(now=ended.append))
    for name in buttons.names:
        buttons.click(name)
    assert ended == buttons.names == ["cut", "reset", "half", "silence"]
    assert set(ended) < set(ENDS)
    buttons.stop()


def test_a_chart_has_the_speed_of_each_client(eventually):
    fast, slow = SimpleNamespace(count=0), SimpleNamespace(count=0)
    chart = speed_chart({"fast": fast, "slow": slow})
    for _ in range(5):
        time.sleep(0.1)
        fast.count += 10
        slow.count += 1
    eventually(lambda: len(chart.samples) > 3)
    chart.stop()
    fastest, slowest = map(max, zip(*(speeds for _, speeds in chart.samples), strict=True))
    assert fastest > 3 * slowest > 0
    assert "fast" in chart.html
    assert "a second" in chart.html


def test_a_pulled_cable_is_measured_from_the_pull_to_the_next_event():
    with serve(heartbeat=0.1, retry=0.1, retry_jitter=0) as server:
        url = f"{server.url}/events?topic=numbers"
        with FaultProxy(url) as proxy:
            ticker = Repeat(0.05, lambda: server.publish("numbers", "1"))
            client = LiveEvents(proxy.url, read_timeout=0.4)
            client.wait_for(2)
            seconds = pull(proxy, client)
            client.stop()
            ticker.stop()
    assert 0.4 < seconds < 3
    assert proxy.connections == 2


def test_the_chart_of_orders_waits_for_the_first_and_ends_with_the_last(eventually):
    publisher, client = SimpleNamespace(numbers=0, done=0), SimpleNamespace(count=0)
    chart = OrdersChart(publisher, client)
    time.sleep(0.5)
    assert not chart.samples
    publisher.numbers = publisher.done = 3
    eventually(lambda: chart.samples)
    client.count = 4  # with what somebody has published by hand
    eventually(lambda: chart.samples[-1][1] == [3, 3])
    publisher.done = 0
    time.sleep(0.5)
    chart.stop()
    assert chart.samples[-1][1] == [3, 3]
    assert repr(chart) == "LiveChart('orders': published, received)"
