"""``RetryingPublisher``: publishes numbers over HTTP, whatever becomes of the server meanwhile."""

from __future__ import annotations

from ....client.publish import publish
from ....errors import PublishError
from ....notebook import owned_by_cell
from ...repeat import Repeat

PAUSE = 0.003  # seconds between two publications, so that a reader sees them come


class RetryingPublisher:
    """Publishes the numbers from 0 on, each until the server has it, in a thread. :meth:`start` begins.

    A request that breaks may have been stored, or not. So it is sent again with the same ``Idempotency-Key``. A cell
    that is run again stops the publisher of its last run.

    Args:
        url: Where to publish, with the topic in the query.

    Attributes:
        numbers: How many are to be published.
        done: How many numbers the server has acknowledged.
        tries: How many requests were sent.
    """

    @owned_by_cell
    def __init__(self, url: str) -> None:
        self.numbers = 0
        self.done = 0
        self.tries = 0
        self._url = url
        self._repeat = Repeat(PAUSE, self._publish)

    def __repr__(self) -> str:
        return f"RetryingPublisher({self.numbers} numbers)"

    @property
    def error(self) -> Exception | None:
        """With what the server has refused a number. Nothing is published after that."""
        return self._repeat.error

    def start(self, numbers: int) -> None:
        """Publish the numbers from 0 on.

        Args:
            numbers: How many. The server does not take one again that it had in an earlier turn.
        """
        self.numbers, self.done = numbers, 0

    def stop(self) -> None:
        """Publish no more."""
        self._repeat.stop()

    def _publish(self) -> None:
        number = self.done
        if number >= self.numbers:
            return
        self.tries += 1
        try:
            publish(self._url, str(number), idempotency_key=f"order {number}")
            if self.done == number:  # and nobody has started again meanwhile
                self.done += 1
        except PublishError as error:
            if error.status and error.status < 500:
                raise  # the server is there, and does not want it
