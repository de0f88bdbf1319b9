"""A token that ends in mid-stream, and a client that renews it: nothing is lost, and nothing comes twice."""

import asyncio
import itertools
import threading

import pytest
from bearers import access, bearer

from sse_demo import EventSource, EventSourceError, ReadyState, listen, serve

RENEWALS = 2


@pytest.fixture
def server():
    with serve(access=access(), retry=0.05, renew_before=0.1, log_events=100_000, demo=False) as server:
        yield server


class Load:
    """Publishes numbers until it is told to stop, and says how many there were."""

    def __init__(self, server):
        self._server, self._enough = server, threading.Event()
        self.count = 0
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        for number in itertools.count():
            self._server.publish("a", str(number))
            self.count = number + 1
            if self._enough.wait(0.001):
                return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._enough.set()
        self._thread.join()

    def is_enough(self):
        """Stop, and return how many were published."""
        self.__exit__()
        return self.count


class Renewing:
    """Gives a new token of two seconds for each connection, as ``before_connect`` does."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return bearer(expires_in=2.0)


def messages(events):
    return (int(event.data) for event in events if event.event == "message")


def test_listen_loses_nothing_when_its_tokens_end(server):
    renewing = Renewing()
    connected = []

    def note(change):
        connected.append(change.state is ReadyState.OPEN)

    with listen(f"{server.url}/events?topic=a", before_connect=renewing, on_state_change=note) as events:
        seen = []
        numbers = messages(events)
        with Load(server) as load:
            while renewing.times <= RENEWALS:
                seen.append(next(numbers))
            count = load.is_enough()
            while seen[-1] < count - 1:
                seen.append(next(numbers))
    assert seen == list(range(seen[0], count))
    assert connected.count(True) > RENEWALS


def test_so_does_a_coroutine(server):
    async def main():
        renewing = Renewing()

        async def renew():
            return renewing()

        seen = []
        async with EventSource(f"{server.url}/events?topic=a", before_connect=renew) as source:
            with Load(server) as load:
                count = None
                async for event in source:
                    if event.event == "message":
                        seen.append(int(event.data))
                        if renewing.times > RENEWALS and count is None:
                            count = await asyncio.to_thread(load.is_enough)
                        if count is not None and seen[-1] == count - 1:
                            break
        assert seen == list(range(seen[0], count))

    asyncio.run(main())


def test_a_client_that_is_told_to_renew_may_do_so_at_once(server):
    """The event comes before the end. Whoever restarts then has no gap at all."""
    renewing = Renewing()
    with Load(server) as load, listen(f"{server.url}/events?topic=a", before_connect=renewing) as events:
        seen = []
        for event in events:
            if event.event == "access-ends":
                events.restart()
            else:
                seen.append(int(event.data))
            if renewing.times > RENEWALS:
                break
        load.is_enough()
    assert seen == list(range(seen[0], seen[0] + len(seen)))


def test_a_client_with_one_token_is_told_of_its_end_by_the_status(server):
    with pytest.raises(EventSourceError) as failed:
        for _ in listen(f"{server.url}/events?topic=a", headers=bearer(expires_in=2.0)):
            pass
    assert failed.value.status == 401
    assert "eyJ" not in str(failed.value)


def test_a_client_whose_right_was_taken_away_is_told_once(server):
    told, rights = [], iter([["a"], ["b"]])  # its next token counts, for another topic
    server.publish("a", "0")
    url = f"{server.url}/events?topic=a&recent=1"
    with pytest.raises(EventSourceError) as failed:
        for event in listen(url, before_connect=lambda: bearer(subscribe=next(rights))):
            told.append((event.event, event.data))
            if event.data == "0":
                server.revoke(subject="ann", reason="moved to another department")
    assert failed.value.status == 403
    assert told == [("message", "0"), ("access-ended", '{"reason": "moved to another department"}')]
