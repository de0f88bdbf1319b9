"""What the house promises: who imports whom, what is loaded when, which names are public, how long a file may be."""

import ast
import subprocess
import sys

import pytest
from wings import PACKAGE, STANDS_ON, import_statements, imports

import sse_demo

LONGEST_MODULE = 300  # lines
NOTHING_A_PARSER_NEEDS = {"aiohttp", "tornado", "prometheus_client", "sqlite3", "asyncio", "socket", "threading"}
SOURCES = sorted(PACKAGE.rglob("*.py"))


def loaded_by(code):
    """The modules that are there when a new Python has run this."""
    command = [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_no_import_goes_against_the_direction_of_the_wings():
    assert [one for one in imports() if one.is_against_the_direction] == []


def test_every_file_and_folder_at_the_top_has_its_place():
    tops = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in SOURCES}
    assert tops - {"__init__"} | {"sse_demo"} == set(STANDS_ON)


def test_the_parser_loads_nothing_that_it_does_not_need():
    loaded = loaded_by("from sse_demo import Event, EventStreamParser")
    assert not loaded & NOTHING_A_PARSER_NEEDS
    assert {name.split(".")[1] for name in loaded if name.startswith("sse_demo.")} == {"errors", "extras", "wire"}


@pytest.mark.parametrize(("name", "not_needed"), [("listen", "tornado"), ("serve", "aiohttp"), ("Hub", "aiohttp")])
def test_a_client_loads_no_server_and_a_server_no_client(name, not_needed):
    assert not_needed not in loaded_by(f"from sse_demo import {name}")


def test_each_public_name_is_where_it_is_said_to_be():
    for name, home in sse_demo._HOME_OF.items():
        assert getattr(sse_demo, name) is getattr(sys.modules[f"sse_demo.{home}"], name)
    assert set(sse_demo.__all__) <= set(dir(sse_demo))


def test_type_checkers_see_the_same_public_names():
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    seen = {name.asname: node.module for node, for_types in import_statements(tree) if for_types for name in node.names}
    assert {name: home for name, home in seen.items() if name != "Any"} == sse_demo._HOME_OF


def test_a_file_is_short_enough_to_be_read():
    lines = {path.relative_to(PACKAGE).as_posix(): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {path: count for path, count in lines.items() if count > LONGEST_MODULE} == {}
