from sse_demo import serve
from sse_demo.lab import SlowReader, behind_chart
from sse_demo.lab.look import OURS, WAITING


def test_a_reader_that_sleeps_falls_behind_and_the_other_does_not(eventually):
    with serve() as server:
        url = f"{server.url}/events?topic=a"
        quick, slow = SlowReader(url), SlowReader(url, speed=0)
        chart = behind_chart(server, quick=quick, slow=slow)
        for _ in range(3):
            server.publish("a", "x")
        eventually(lambda: [read() for read in chart.figures.values()] == [0, 3])
        assert list(chart.figures) == ["quick", "slow"]
        assert OURS in chart.html
        assert WAITING in chart.html
        for one in (chart, quick, slow):
            one.stop()
