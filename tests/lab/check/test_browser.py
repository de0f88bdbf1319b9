import re

import pytest

from sse_demo import EventStreamParser
from sse_demo.lab import check


def test_the_right_listeners():
    assert check.types(lambda stream: {event.event for event in EventStreamParser().feed(stream)}).passed


@pytest.mark.parametrize(
    "wrong",
    [
        lambda stream: {"message"},
        lambda stream: (
            {line[7:].decode() for line in stream.splitlines() if line.startswith(b"event: ")} or {"message"}
        ),
        lambda stream: {event.event.lower() for event in EventStreamParser().feed(stream)},
        lambda stream: {event.event for event in EventStreamParser().feed(stream + b"\n\n")},
        lambda stream: {
            (re.findall("(?m)^event:(.*)$", block) or ["message"])[-1].strip() or "message"
            for block in stream.decode().replace("\r\n", "\n").split("\n\n")[:-1]
            if re.search("(?m)^data:", block)
        },
        lambda stream: None,
        None,
    ],
)
def test_listeners_that_are_not_finished(wrong):
    assert not check.types(wrong).passed


def right(origin, allowed, credentials):
    if origin not in allowed and "*" not in allowed:
        return {"Vary": "Origin"}
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": "*", "Vary": "Origin"}
    headers = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    return headers | ({"Access-Control-Allow-Credentials": "true"} if credentials else {})


def in_other_letters(origin, allowed, credentials):
    answer = right(origin, allowed, credentials) | {"Vary": "origin"}
    return {name.lower(): value for name, value in answer.items()}


@pytest.mark.parametrize("headers", [right, in_other_letters])
def test_the_right_headers(headers):
    assert check.headers(headers).passed


@pytest.mark.parametrize(
    "wrong",
    [
        lambda origin, allowed, credentials: {"Access-Control-Allow-Origin": "*"},
        lambda origin, allowed, credentials: {"Access-Control-Allow-Origin": origin},
        lambda origin, allowed, credentials: right(origin, allowed, False),
        lambda origin, allowed, credentials: {
            name: value for name, value in right(origin, allowed, credentials).items() if name != "Vary"
        },
        lambda origin, allowed, credentials: right(origin, allowed, credentials) if origin in allowed else {},
        lambda origin, allowed, credentials: (
            right(origin, allowed, credentials) | ({"Access-Control-Allow-Credentials": "true"} if credentials else {})
        ),
        lambda origin, allowed, credentials: right(origin, {one.split("://")[-1] for one in allowed}, credentials),
        None,
    ],
)
def test_headers_that_are_not_finished(wrong):
    assert not check.headers(wrong).passed
