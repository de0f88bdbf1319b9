"""The limit of open files, in processes that begin with few."""

import subprocess
import sys

import pytest

ASKING = """
import resource, sys
sys.modules["tornado"] = None  # the standard library is enough
from sse_demo.web.open_files import allow_files
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 200))
allow_files({count})
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit of open files")
@pytest.mark.parametrize(("count", "granted"), [(100, "100 200"), (1_000_000, "200 200"), (10, "40 200")])
def test_a_process_has_as_many_open_files_as_it_asks_for_and_the_system_grants(count, granted):
    code = ASKING.format(count=count)
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == granted
