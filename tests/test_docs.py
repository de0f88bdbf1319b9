"""What the READMEs and the docstrings show is true."""

import doctest
import importlib
import math
import pkgutil
import re
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import compare
import pytest
from support import running
from wings import STANDS_ON

import sse_demo
from sse_demo import Access, Hub, Settings, errors, make_app
from sse_demo.cli.main import DESCRIPTION
from sse_demo.demo.routes import DEMO
from sse_demo.errors import SSEError
from sse_demo.hub.settings import HubLimits
from sse_demo.hub.topics import TopicKinds
from sse_demo.logs.retention import Retention
from sse_demo.web.access.limits import AccessLimits
from sse_demo.web.admin.routes import ADMIN, ADMIN_PAGE
from sse_demo.web.app import BUILT_IN, SESSION, TICKETS
from sse_demo.web.limits import WebLimits
from sse_demo.wire.vectors import VECTORS

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*sorted(ROOT.glob("[!.]*/README.md")), ROOT / "README.md", ROOT / "CHANGELOG.md"]
README = (ROOT / "README.md").read_text("utf-8")
PACKAGE = (ROOT / "sse_demo" / "README.md").read_text("utf-8")
TESTS = (ROOT / "tests" / "README.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MODULES = [
    module.name for module in pkgutil.walk_packages(sse_demo.__path__, "sse_demo.") if "__main__" not in module.name
]
HERE = "http://127.0.0.1:8000"


def examples(text):
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


SERVER, CLIENT, ROUTES, SERVICE = examples(README)
WHO_MAY_LISTEN, OWN_STREAM, ON_A_LOOP, PATIENT_CLIENT = examples(PACKAGE)


def run(code, folder):
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=20)
    assert done.stderr == ""
    return done.stdout


def on_a_free_port(server, before):
    """The example, which prints its address before this line."""
    assert "port=8000" in server
    return server.replace("port=8000", "port=0").replace(before, f"    print(server.url, flush=True)\n{before}")


def below(heading):
    """The text below a heading of the package's README, up to the next heading."""
    (text,) = re.findall(rf"^#+ {re.escape(heading)}[^\n]*\n(.*?)(?=^#|\Z)", PACKAGE, re.DOTALL | re.MULTILINE)
    return text


def rows(heading):
    """The cells of the first table below a heading, row by row, without its head."""
    (table,) = re.findall(r"(?:^\|[^\n]*\n)+", below(heading), re.MULTILINE)[:1]
    _, _, *lines = table.splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def anchors(text):
    """The names by which GitHub links to the headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_a_server_of_your_own_ticks_and_the_client_hears_it(tmp_path):
    with running([sys.executable, "-c", on_a_free_port(SERVER, "    while")]) as process:
        url = process.stdout.readline().strip()
        first, second = run(CLIENT.replace(HERE, url), tmp_path).splitlines()
    assert re.fullmatch(r"message \w{3} \w{3} [ \d:]+ [0-9a-f]+-\d+", first)
    assert second == "[Event(data='one')]"


def test_routes_of_your_own_answer_behind_their_lock():
    def answer(path, data=None, key="Bearer open sesame"):
        headers = {"Authorization": key, "Content-Type": "text/plain"}
        try:
            with urllib.request.urlopen(urllib.request.Request(url + path, data, headers), timeout=20) as answer:
                return answer.status, answer.headers["Cache-Control"], answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers["WWW-Authenticate"], error.read()

    with running([sys.executable, "-c", on_a_free_port(ROUTES, "    server.join()")]) as process:
        url = process.stdout.readline().strip()
        assert answer("/v1/rooms/tea") == (200, "private", b'{"room": "tea"}')
        assert answer("/v1/rooms/tea", key="")[:2] == (401, "Bearer")
        assert answer("/v1/rooms/tea", b"a cup")[0] == 200
        assert answer("/v1/rooms/tea", b"x" * 2**21)[0] == 413
        assert answer("/v1/rooms/no%20room", b"a cup")[0] == 400
        with urllib.request.urlopen(f"{url}/events?topic=room/tea&recent=1", timeout=20) as stream:
            assert b"data: a cup\n" in iter(stream.readline, b"")


def test_the_examples_that_end_by_themselves_run(tmp_path):
    assert run(SERVICE, tmp_path) == ""
    assert {path.name for path in tmp_path.iterdir()} == {"events.db", "events.db-owner"}
    assert run(WHO_MAY_LISTEN, tmp_path) == "2.40\n"
    assert run(OWN_STREAM, tmp_path) == "3\n2\n1\n"
    assert run(PATIENT_CLIENT, tmp_path) == "OPEN connected\nhello\nCLOSED close() was called\n"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+\n", run(ON_A_LOOP, tmp_path))


def test_the_readme_is_one_that_a_stranger_finishes():
    assert 700 <= len(README.split()) <= 900


def test_the_readme_gives_the_commands_of_the_help():
    shown = re.findall(r"^ *(python -m sse_demo (?:serve|listen|publish).*)$", DESCRIPTION, re.MULTILINE)
    assert len(shown) == 3
    assert "\n".join(shown) in README
    assert DESCRIPTION.count(HERE) == 3


def test_the_readme_counts_the_vectors():
    assert f"tested with {len(VECTORS)} vectors" in README


def test_the_readme_names_every_notebook():
    named = re.findall(r"^\| \[.*\]\(notebooks/(.*)\) \|", README, re.MULTILINE)
    assert named == sorted(path.name for path in ROOT.glob("notebooks/*.ipynb"))


def test_every_benchmark_and_every_tool_has_its_line():
    scripts = [*ROOT.glob("tests/benchmarks/*.py"), *ROOT.glob("tests/tools/*.py")]
    named = re.findall(r"^\| \[.*\]\(((?:benchmarks|tools)/\w+\.py)\) \|", TESTS, re.MULTILINE)
    assert sorted(named) == sorted(path.relative_to(ROOT / "tests").as_posix() for path in scripts)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_document_links_to_is_there(path):
    text = path.read_text("utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src(?:set)?="([^"]+)"', text)
    assert targets
    for target in targets:
        if "://" not in target:
            name, _, anchor = target.partition("#")
            linked = path.parent / name if name else path
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked.read_text("utf-8")), target


def test_the_rooms_stand_on_what_the_house_says():
    told = {
        re.match(r"\[`(\w+?)(?:/|\.py)?`\]", name)[1]: set(filter(None, below.split(", ")))
        for name, _, below in rows("The rooms")
    }
    assert told == {wing: set(others) for wing, others in STANDS_ON.items()}


def test_every_room_but_those_of_the_lessons_has_its_line():
    files = [path.relative_to(ROOT / "sse_demo") for path in sorted(ROOT.glob("sse_demo/**/*.py"))]
    rooms = {file.as_posix() for file in files if file.name != "__init__.py" and file.parts[0] != "lab"}
    linked = re.findall(r"\]\(([\w/]+\.py)\)", below("The rooms"))
    assert {name for name in linked if name != "__init__.py"} == rooms
    assert len(linked) == len(set(linked))


def test_each_address_with_its_methods_is_told():
    told = {
        tuple(re.match(r"`(\w+) (/[\w/{}]*)", request).groups()) for request, _ in rows("What each address answers")
    }
    assert told == {
        (method, route.path)
        for route in (*BUILT_IN, *SESSION, *TICKETS, *ADMIN, *ADMIN_PAGE, *DEMO)
        for method in set(route.handler.allowed_methods()) - {"HEAD", "OPTIONS"}
    }
    for route in DEMO:
        assert f"| `GET {route.path}` | Demo: " in PACKAGE


def value_of(text):
    """A default as it is written in the tables of the settings."""
    words = {"no limit": math.inf, "none": (), "True": True, "False": False}
    units = {"": 1, "s": 1, "h": 3600, "KiB": 2**10, "MiB": 2**20}
    if text in words:
        return words[text]
    number, _, unit = text.partition(" ")
    return float(number.replace(",", "")) * units[unit]


@pytest.mark.parametrize("part", [Retention, TopicKinds, HubLimits, WebLimits])
def test_each_setting_is_told_with_its_default(part):
    told = {name.strip("`"): value_of(default) for name, default, _ in rows(f"`{part.__name__}`:")}
    assert told == vars(part())
    assert list(told) == list(vars(part()))


def test_the_parts_of_the_settings_are_all_there_are():
    parts = [Retention, TopicKinds, HubLimits, WebLimits, AccessLimits]
    assert set(vars(Settings())) == {name for part in parts for name in vars(part())}


def test_each_error_is_told_with_its_status():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SSEError)]
    told = {name.strip("`"): status for name, status, _ in rows("Errors")}
    assert told == {kind.__name__: str(kind.status or "-") for kind in kinds}
    assert set(told) <= set(sse_demo.__all__)


def test_each_metric_is_told_with_its_kind():
    hub = Hub()
    make_app(hub, access=Access())
    families = list(hub.metrics.registry.collect())
    hub.close()
    told = {name.strip("`").removesuffix("_total"): kind for name, kind, _ in rows("Metrics and loggers")}
    assert told == {family.name: family.type for family in families}


def test_each_extra_is_told_with_what_it_installs():
    def names(requirements):
        of_extras = re.findall(r"sse-demo\[([\w,]+)\]", " ".join(requirements))
        others = [re.match(r"[\w-]+", one)[0] for one in requirements if not one.startswith("sse-demo[")]
        return {*",".join(of_extras).split(","), *others} - {""}

    told = {extra: set(installs.split(", ")) for extra, installs, _ in rows("What each extra brings")}
    told = {extra.strip("`"): {name.strip("`") for name in installs} for extra, installs in told.items()}
    assert told == {extra: names(needs) for extra, needs in PROJECT["optional-dependencies"].items()}


def test_the_comparison_of_servers_finds_the_place_of_its_figures():
    text = compare.README.read_text("utf-8")
    assert text == PACKAGE
    before, begin, rest = text.partition(compare.BEGIN)
    figures, end, after = rest.partition(compare.END)
    assert all([before, begin, "| **sse_demo** |" in figures, end, after])


def test_the_changelog_tells_of_this_version():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(r"^## \[?(\d+\.\d+\.\d+)\]? ", text, re.MULTILINE)[1] == PROJECT["version"]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_are_right(name):
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


def test_the_package_needs_no_notebook():
    code = "import sse_demo, sys; print(*{'ipywidgets', 'IPython', 'jupyterlab', 'psutil', 'httpx'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
