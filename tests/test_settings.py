import math
import re
from collections.abc import Iterable
from dataclasses import FrozenInstanceError, fields
from typing import get_type_hints

import pytest

from sse_demo import Hub, Settings, serve
from sse_demo.hub.topics import TOPIC_NAME
from sse_demo.settings import SettingsByName

NAMES = [field.name for field in fields(Settings)]
TOPICS = ["coalesce", "state", "urgent"]
LISTS = [*TOPICS, "allow_hosts", "trusted_proxies", "allow_origins"]
EVENT_NAMES = ["renew_event", "ended_event"]
NUMBERS = [name for name in NAMES if name not in [*LISTS, *EVENT_NAMES, "allow_credentials"]]
MAY_BE_ZERO = ["batch_delay", "retry_jitter", "renew_before"]
WHOLE = [name for name in NUMBERS if isinstance(getattr(Settings(), name), int)]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [-1, float("nan"), None, "1", True])
def test_each_limit_is_a_number(name, value):
    with pytest.raises(ValueError, match=rf"{name} must be a number that is not negative, not"):
        Settings(**{name: value})


@pytest.mark.parametrize("name", NUMBERS)
def test_none_is_zero_but_a_delay_a_jitter_and_the_time_to_renew(name):
    if name in MAY_BE_ZERO:
        assert getattr(Settings(**{name: 0}), name) == 0
    else:
        with pytest.raises(ValueError, match=f"{name} must be greater than zero"):
            Settings(**{name: 0})


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_counted_is_whole(name):
    with pytest.raises(ValueError, match=f"{name} must be a whole number, not 1.5"):
        Settings(**{name: 1.5})


@pytest.mark.parametrize("name", [name for name in NUMBERS if name not in ("retry", "retry_jitter")])
def test_a_limit_may_be_none_at_all(name):
    assert getattr(Settings(**{name: math.inf}), name) == math.inf


def test_a_retry_is_one_that_can_be_sent():
    assert Settings(retry=24 * 3600, retry_jitter=1).retry == 24 * 3600
    for retry in (24 * 3600 + 1, math.inf):
        with pytest.raises(ValueError, match="retry must be 86400 seconds at the most, not"):
            Settings(retry=retry)
    for jitter in (1.5, math.inf):
        with pytest.raises(ValueError, match="retry_jitter must be from 0 to 1, not"):
            Settings(retry_jitter=jitter)


@pytest.mark.parametrize("name", TOPICS)
def test_topics_are_given_as_a_list(name):
    assert getattr(Settings(**{name: ["a", "b/*"]}), name) == ("a", "b/*")
    assert getattr(Settings(**{name: (topic for topic in ["a", "b"])}), name) == ("a", "b")
    for value in ("a", [1], [None], None, 5):
        with pytest.raises(ValueError, match=f"{name} must be a list of topic names"):
            Settings(**{name: value})
    for value in ("bad topic!", "", "é", "a,b"):
        with pytest.raises(ValueError, match=f"{name}: {value!r} is not a topic name or a pattern"):
            Settings(**{name: ["good", value]})


def test_every_topic_name_may_be_in_a_list():
    characters = "".join(character for character in map(chr, range(0x110000)) if TOPIC_NAME.fullmatch(character))
    assert Settings(urgent=[characters, "a[!b]?*"]).urgent[0] == characters


def test_origins_are_a_list_and_named_where_credentials_are_allowed():
    assert Settings(allow_origins=["https://a.test"], allow_credentials=True).allow_origins == ("https://a.test",)
    with pytest.raises(ValueError, match="allow_origins must be a list of origins"):
        Settings(allow_origins="*")
    for good in ("*", "null", "http://127.0.0.1:8000", "http://[::1]:8000", "chrome-extension://abc"):
        assert Settings(allow_origins=[good]).allow_origins == (good,)
    for bad in ("shop.example", "https://shop.example/", "https://Shop.example", "https://", "https://a.test, b.test"):
        with pytest.raises(ValueError, match=f"allow_origins: {bad!r} is not an origin such as"):
            Settings(allow_origins=[bad])
    with pytest.raises(ValueError, match="allow_credentials must be True or False"):
        Settings(allow_credentials=1)
    with pytest.raises(ValueError, match="origins that are named"):
        Settings(allow_origins=["*"], allow_credentials=True)
    with pytest.raises(ValueError, match="not \\* or null"):  # each page in a sandbox says null, whoever's it is
        Settings(allow_origins=["https://a.test", "null"], allow_credentials=True)


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_the_name_of_an_event_is_a_text_of_one_line(name):
    assert getattr(Settings(**{name: "bye"}), name) == "bye"
    for bad in ("", "a\nb", "a\rb", "a\0b", "a" * 129, None, 1, b"a"):
        with pytest.raises(ValueError, match=f"{name} must be the name of an event"):
            Settings(**{name: bad})


def test_each_is_described_by_the_part_that_it_belongs_to():
    for part in Settings.__mro__:
        for name in vars(part).get("__annotations__", {}):
            assert re.search(rf"^ +{name}: ", part.__doc__, re.MULTILINE), name


def test_type_checkers_know_each_by_name():
    types = get_type_hints(SettingsByName)
    assert set(types) == set(NAMES)
    assert SettingsByName.__required_keys__ == frozenset()
    kinds = {bool: bool, str: str, tuple: Iterable[str], int: float, float: float}  # a number may be one or the other
    assert types == {name: kinds[type(getattr(Settings(), name))] for name in NAMES}


def test_they_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Settings().heartbeat = 1


def test_they_are_given_by_name():
    with pytest.raises(TypeError):
        Settings(1.0)


def test_a_wrong_setting_is_told_to_who_starts_a_server():
    with pytest.raises(ValueError, match="heartbeat"):
        serve(heartbeat=0)
    with pytest.raises(TypeError, match="hartbeat"):
        serve(hartbeat=1)


def test_the_log_of_a_hub_has_the_limits_of_its_settings():
    log = Hub(Settings(log_events=3, log_bytes=2000, max_topics=4)).log
    assert (log.settings.log_events, log.settings.log_bytes, log.settings.max_topics) == (3, 2000, 4)
