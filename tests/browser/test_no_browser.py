"""Where no Chromium is to be found, the tests that need one say so."""

import re

import pytest
from lab_page import HOW_TO_GET_ONE, chromium_for_tests


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_a_test_is_skipped_with_a_hint_and_under_ci_it_fails(monkeypatch, tmp_path, ci, outcome):
    for name, value in {"PATH": str(tmp_path), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path), "CI": ci}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(outcome, match=re.escape(HOW_TO_GET_ONE)), chromium_for_tests():
        pytest.fail("a browser was found where there is none")
