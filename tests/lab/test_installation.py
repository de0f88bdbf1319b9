import subprocess
import sys

import pytest

from sse_demo.lab import check_installation

WITHOUT = """
import importlib.metadata, sys
from importlib.metadata import PackageNotFoundError, version

def version_of_others(package):
    if package == {package!r}:
        raise PackageNotFoundError(package)
    return version(package)

sys.modules[{module!r}] = None
importlib.metadata.version = version_of_others
from sse_demo.lab import check_installation
print(check_installation())
"""


def test_everything_is_installed_where_the_tests_run():
    report = check_installation()
    assert report.passed, report
    assert report.headline.startswith("your installation: passed")


@pytest.mark.parametrize(("package", "module"), [
    ("tornado", "tornado"), ("aiohttp", "aiohttp"), ("ipywidgets", "ipywidgets"), ("anywidget", "anywidget"),
    ("prometheus-client", "prometheus_client"), ("matplotlib", "matplotlib"),
])  # fmt: skip
def test_what_is_missing_is_a_row_that_says_what_to_do(package, module):
    program = WITHOUT.format(package=package, module=module)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert not ran.returncode, ran.stderr
    lines = ran.stdout.splitlines()
    row = next(number for number, line in enumerate(lines) if f" {package}: " in line)
    assert lines[row].split()[0] == "missing"
    assert lines[row + 1].strip() == "run: pip install -r requirements.txt"
