"""What every handler of the service is, and what one of your own can be."""

from .query import Query
from .streams import Streams


class Handler(Query, Streams):
    """A Tornado handler behind middleware, with a strict query, event streams, and errors that explain themselves."""
