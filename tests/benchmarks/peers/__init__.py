"""The broadcast servers that are measured against each other, and how each of them is started."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
GOPATH = Path("/usr/share/gocode")
NCHAN_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")


@dataclass(frozen=True)
class Peer:
    """A server; command(port, folder) gives its command line, or None when it is not installed."""

    name: str
    command: Callable[[int, Path], list[str] | None]
    subscribe_path: str = "/events"
    publish_path: str = "/publish"


def _installed(*modules: str) -> bool:
    """Whether all these Python modules can be imported (a dotted one imports its package)."""
    try:
        return all(find_spec(module) for module in modules)
    except ModuleNotFoundError:
        return False


def _uvicorn(module: str, needs: str, port: int, folder: Path) -> list[str] | None:
    """Run an ASGI application in one uvicorn process, with the fastest loop and parser it has."""
    if not _installed("uvicorn", "uvloop", "httptools", needs):
        return None
    command = [sys.executable, "-m", "uvicorn", f"{module}:app", "--app-dir", str(HERE)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop", "--http", "httptools"]
    command += ["--no-access-log", "--log-level", "warning"]
    return [*command, "--timeout-graceful-shutdown", "1"]  # open streams do not end by themselves


def _aiohttp(port: int, folder: Path) -> list[str] | None:
    """Run the aiohttp application, which is its own server."""
    if not _installed("aiohttp", "aiohttp_sse", "uvloop"):
        return None
    return [sys.executable, str(HERE / "aiohttp_sse_app.py"), str(port)]


def _gin(port: int, folder: Path) -> list[str] | None:
    """Build the Gin program once into the folder, from Debian's packages and without the network."""
    go = shutil.which("go")
    if go is None or not (GOPATH / "src/github.com/gin-gonic/gin").is_dir():
        return None
    program = folder.resolve() / "gin_app"
    if not program.exists():
        environment = os.environ | {"GO111MODULE": "off", "GOPATH": str(GOPATH)}
        build = [go, "build", "-o", str(program), str(HERE / "gin_app.go")]
        subprocess.run(build, env=environment, check=True)
    return [str(program), str(port)]


def _nchan(port: int, folder: Path) -> list[str] | None:
    """Write the configuration of nginx into the folder."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")  # not on every user's path
    if nginx is None or not NCHAN_MODULE.exists():
        return None
    folder = folder.resolve()
    template = (HERE / "nchan.conf").read_text()
    conf = folder / "nchan.conf"
    conf.write_text(template.replace("{port}", str(port)).replace("{folder}", str(folder)))
    return [nginx, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(conf)]


PEERS: dict[str, Peer] = {
    "sse-starlette": Peer("sse-starlette", partial(_uvicorn, "sse_starlette_app", "sse_starlette")),
    "aiohttp-sse": Peer("aiohttp-sse", _aiohttp),
    "fastapi": Peer("fastapi", partial(_uvicorn, "fastapi_app", "fastapi.sse")),
    "gin": Peer("gin", _gin),
    "nchan": Peer("nchan", _nchan),
}
