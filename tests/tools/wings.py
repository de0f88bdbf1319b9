"""Prints the wings of the package with the imports between them, and those that go against the direction.

    python tests/tools/wings.py

An import counts wherever it stands: at the top of a file, in a function, and where only type checkers read it.
A name that is imported from ``sse_demo`` itself counts for the wing that it comes from.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import sse_demo

PACKAGE = Path(sse_demo.__file__).parent

# Each wing with those that it stands on. It may import them, and what they stand on.
STANDS_ON = {
    "errors": (),
    "extras": (),
    "fields": (),
    "notebook": (),
    "observe": (),
    "wire": ("errors",),
    "client": ("wire", "fields", "notebook"),
    "logs": ("wire", "fields"),
    "hub": ("logs", "observe"),
    "web": ("hub",),
    "settings": ("web",),
    "demo": ("web",),
    "start": ("demo", "settings", "notebook", "extras"),
    "sse_demo": ("start", "client"),  # the public names
    "bench": ("sse_demo",),
    "cli": ("sse_demo", "bench"),
    "__main__": ("cli",),
    "lab": ("sse_demo", "bench"),
}
FOR_TYPES = {("errors", "wire")}  # an error holds events, and does not need them to be there


class Import(NamedTuple):
    """One import from one wing to another.

    Attributes:
        place: The file, as a path in the package, and the line: ``hub/hub.py:12``.
        importer: The wing that imports.
        imported: The wing that is imported.
        for_types: Only type checkers read it.
    """

    place: str
    importer: str
    imported: str
    for_types: bool

    @property
    def is_against_the_direction(self) -> bool:
        if self.for_types and (self.importer, self.imported) in FOR_TYPES:
            return False
        return self.imported not in below(self.importer)


def below(wing: str) -> set[str]:
    """All wings that this one may import; none for one that nobody has given a place."""
    direct = STANDS_ON.get(wing, ())
    return {*direct, *(further for one in direct for further in below(one))}


def imports() -> Iterator[Import]:
    """All imports between two wings, file by file."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE.parent).with_suffix("")
        package = name.parts[:-1]
        importer = wing_of(package if path.name == "__init__.py" else name.parts)
        for node, for_types in import_statements(ast.parse(path.read_text("utf-8"))):
            for target in targets(node, package):
                imported = wing_of(target)
                if target[0] == PACKAGE.name and imported != importer:
                    place = f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno}"
                    yield Import(place, importer, imported, for_types)


def import_statements(tree: ast.AST, for_types: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Each import below this node, and whether only type checkers read it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, for_types
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for part in node.body:
                yield from import_statements(ast.Module([part], []), for_types=True)
            for part in node.orelse:
                yield from import_statements(ast.Module([part], []), for_types)
        else:
            yield from import_statements(node, for_types)


def targets(node: ast.Import | ast.ImportFrom, package: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What a statement in this package imports: ``("sse_demo", "wire", "event", "Event")``, from the top on."""
    start: tuple[str, ...] = ()
    if isinstance(node, ast.ImportFrom):
        start = package[: len(package) + 1 - node.level] if node.level else ()
        start += tuple(node.module.split(".")) if node.module else ()
    for alias in node.names:
        yield start + tuple(alias.name.split("."))


def wing_of(name: tuple[str, ...]) -> str:
    """The wing of a module, or of something in it."""
    if len(name) == 1:
        return name[0]
    home = sse_demo._HOME_OF.get(name[1])
    return home.partition(".")[0] if home and len(name) == 2 else name[1]


def table(found: list[Import]) -> str:
    """A line for each wing: how many imports of which wings."""
    counts = Counter((one.importer, one.imported) for one in found)
    lines = []
    for wing in dict.fromkeys([*STANDS_ON, *(one.importer for one in found)]):
        others = [f"{imported} {count}" for (importer, imported), count in sorted(counts.items()) if importer == wing]
        lines.append(f"{wing:10}{', '.join(others) or 'nothing'}")
    return "\n".join(lines)


def main() -> None:
    found = list(imports())
    against = [one for one in found if one.is_against_the_direction]
    print(table(found))
    print(f"against the direction: {len(against)}")
    for one in against:
        print(f"  {one.place}: {one.importer} imports {one.imported}")
    sys.exit(bool(against))


if __name__ == "__main__":
    main()
