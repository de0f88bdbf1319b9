"""A log in a SQLite file."""

from .log import SqliteLog as SqliteLog
