"""The command line: which commands there are, and what the exit statuses mean."""

from __future__ import annotations

import argparse
from typing import NoReturn, Protocol

import sse_demo

from ..errors import SSEError
from . import bench, listen, output, publish, serve, signals, token
from .arguments import WrongCall, in_words

DESCRIPTION = """\
Server-Sent Events from the command line.

Try it with three terminals:

  python -m sse_demo serve
  python -m sse_demo listen "http://127.0.0.1:8000/events?topic=news"
  python -m sse_demo publish "http://127.0.0.1:8000/events?topic=news" "hello"

or open http://127.0.0.1:8000/ in a browser.
"""


class Command(Protocol):
    """What the file of a command has.

    Attributes:
        SUMMARY: What the command does, in a line.
        DESCRIPTION: The same, in as many lines as it takes.
    """

    SUMMARY: str
    DESCRIPTION: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's own arguments."""

    def run(self, options: argparse.Namespace) -> int:
        """Run the command, and return the exit status."""


COMMANDS: dict[str, Command] = {
    "serve": serve,
    "listen": listen,
    "publish": publish,
    "token": token,
    "bench": bench,
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Those of the command line, without the program's name; by default those of this process.

    Returns:
        The exit status: 0, also after Ctrl-C; 1 for a failure that is explained on stderr. A wrong call exits with 2.
    """
    try:
        with signals.raised():
            output.prepare()
            return _run(arguments)
    except (KeyboardInterrupt, output.ReaderHasLeft):
        return 0
    except WrongCall as error:
        output.tell(str(error))
        return 2
    except (SSEError, OSError, ValueError, ImportError) as error:
        output.tell(in_words(error))
        return 1


def _run(arguments: list[str] | None) -> int:
    options = _parser().parse_args(arguments)
    output.log_to_stderr(verbose=options.verbose)
    return COMMANDS[options.command].run(options)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors begin like all others, and whose help is an output like all others."""

    def print_help(self, file: object = None) -> None:
        output.say(self.format_help().removesuffix("\n"))

    def error(self, message: str) -> NoReturn:
        output.explain(self.format_usage().removesuffix("\n"))
        output.tell(message)
        self.exit(2)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        try:
            output.say(f"sse_demo {sse_demo.__version__}")
        except AttributeError:
            output.tell("it is not installed, so nothing tells its version")
            parser.exit(1)
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = _Parser(prog="python -m sse_demo", description=DESCRIPTION, formatter_class=raw)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version, and end")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        parser_of_command = commands.add_parser(
            name, help=command.SUMMARY, description=command.DESCRIPTION, formatter_class=raw
        )
        parser_of_command.add_argument("-v", "--verbose", action="store_true", help="tell on stderr what is going on")
        command.add_arguments(parser_of_command)
    return parser
