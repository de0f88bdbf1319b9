"""The client on bad lines, and under a server that is killed: nothing lost, nothing twice, and in order.

``tests/benchmarks/exactly_once.py`` does the same at full length, and prints how long it took.
"""

import asyncio
import random

import pytest
from exactly_once import through_faults, through_kills


@pytest.mark.parametrize(("log", "tls"), [(None, False), ("events.db", True)], ids=["memory", "file and TLS"])
def test_random_faults(tmp_path, log, tls):
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    _, connections = through_faults(25, 2000, seed, log and str(tmp_path / log), tls)
    assert connections > 25


def test_a_server_that_is_killed(tmp_path):
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    asyncio.run(through_kills(3, 20, 300, str(tmp_path), seed))
