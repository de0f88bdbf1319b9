from sse_demo import EventStreamParser
from sse_demo.lab.lessons.wire_format.feeding import PIECE, TRIES, feeding_times


def test_the_whole_event_is_fed_in_pieces_to_a_new_parser_each_time():
    fed = []

    class Parser(EventStreamParser):
        def __init__(self):
            super().__init__()
            fed.append([])

        def feed(self, chunk):
            fed[-1].append(chunk)
            return super().feed(chunk)

    times = feeding_times(Parser, [10, 1000])
    assert len(times) == 2
    assert all(time >= 0 for time in times)
    assert len(fed) == 2 * TRIES
    assert b"".join(fed[-1]) == b"data: " + b"x" * 1000 + b"\n\n"
    assert max(map(len, fed[-1])) == PIECE
