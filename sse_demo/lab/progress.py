"""Which exercises have passed: remembered in a small file beside the notebooks."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from ..notebook import is_in_cell

FILE = Path(".passed.json")  # in the folder of the notebooks, where their kernels run; git ignores it


def passed() -> set[str]:
    """The names of the exercises that have passed. Without the file, or with one that is broken, there are none."""
    try:
        names = json.loads(FILE.read_text("utf-8"))
    except (OSError, ValueError):
        return set()
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()


def remember(exercise: str) -> str:
    """Note that an exercise has passed. Outside of a notebook nothing is noted.

    Returns:
        ``""``; or why it could not be noted.
    """
    if not is_in_cell():
        return ""
    names = passed()
    if exercise in names:
        return ""
    try:
        # Written beside, and then put in its place: another notebook may read it, or write it, at the same moment.
        with tempfile.NamedTemporaryFile("w", dir=FILE.parent, prefix=FILE.name, delete=False) as file:
            json.dump(sorted({*names, exercise}), file)
        os.replace(file.name, FILE)
    except OSError as error:
        return f"the index will not know of it: {error}"
    return ""
