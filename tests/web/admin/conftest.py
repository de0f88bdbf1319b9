"""A server with access control, and an operator."""

import pytest
from operators import serving_with_access


@pytest.fixture
def serving():
    with serving_with_access() as start:
        yield start


@pytest.fixture
def served(serving):
    return serving()
