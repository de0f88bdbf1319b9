from dataclasses import FrozenInstanceError, fields

import pytest

from sse_demo import Hub, Settings, serve

NAMES = [field.name for field in fields(Settings)]


def test_the_defaults_are_accepted():
    assert all(getattr(Settings(), name) > 0 for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, -1, float("nan"), None, "1", True])
def test_each_must_be_a_number_greater_than_zero(name, value):
    with pytest.raises(ValueError, match=rf"{name} must be a number greater than zero, not"):
        Settings(**{name: value})


def test_each_is_described():
    assert all(name in Settings.__doc__ for name in NAMES)


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
    assert (log.max_events, log.max_bytes, log.max_topics) == (3, 2000, 4)
