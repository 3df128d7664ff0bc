"""Finds the modules that an entry module really imports, by reading the source and running nothing.

Rules:

- a module imports what its ``import`` statements name, wherever in it they stand, and the packages around that;
- what stands under ``if TYPE_CHECKING:`` is not imported;
- modules of the given folders and of ``canary_router`` are followed, the standard library, what the Lambda runtime
  ships and the packages of the bundle are not;
- anything else would be missing in Lambda, so it is an error, unless the code says itself what to do without it.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import canary_router
from canary_router.errors import ConfigurationError

RUNTIME_PACKAGES = frozenset({"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"})
"""What the Python runtimes of Lambda bring along besides the standard library."""

_OWN = canary_router.__name__
_OWN_FOLDER = Path(canary_router.__file__).parents[1]


@dataclass(frozen=True)
class _Import:
    """One name that a module imports; ``optional`` if the code catches its absence."""

    name: str
    optional: bool
    is_attribute: bool
    """The last part may be an attribute of the module before it: ``from module import attribute``."""


class ModuleSearch:
    """Folders in which modules are looked for.

    Args:
        folders: Folders whose modules belong to the bundle, for example an application's ``src``.
        packaged: Names of modules that come into the bundle as installed packages.
    """

    def __init__(self, folders: Sequence[Path] = (), packaged: AbstractSet[str] = frozenset()) -> None:
        self._folders = tuple(folders)
        self._provided = sys.stdlib_module_names | RUNTIME_PACKAGES | packaged

    def closure(self, entry: str) -> dict[str, Path]:
        """Every module that importing ``entry`` may import: names in order, with their paths inside the bundle.

        Raises:
            ConfigurationError: The entry is not found, or a module imports what Lambda would not have.
        """
        if self.locate(entry) is None:
            raise ConfigurationError(
                f"There is no module {entry!r} in {self._described()}",
                advice="Name the module that holds the handler, and the folder that the module is in.",
            )
        found: dict[str, Path] = {}
        waiting = [entry]
        while waiting:
            name = waiting.pop()
            file = self.locate(name)
            if name in found or file is None:
                continue
            found[name] = file
            waiting += _parents(name)
            for wanted in _imports_of(name, file):
                waiting += self._modules_of(name, wanted)
        return {name: file for name, file in sorted(found.items()) if file.is_file()}

    def locate(self, name: str) -> Path | None:
        """The file of a module; the folder of a package without ``__init__.py``; None when it is not ours."""
        folders = (_OWN_FOLDER,) if name.partition(".")[0] == _OWN else self._folders
        for folder in folders:
            place = folder.joinpath(*name.split("."))
            for file in (place / "__init__.py", place.with_name(place.name + ".py")):
                if file.is_file():
                    return file
            if place.is_dir():
                return place
        return None

    def _modules_of(self, importer: str, wanted: _Import) -> list[str]:
        if self.locate(wanted.name) is not None:
            return [wanted.name]
        parent = wanted.name.rpartition(".")[0]
        if wanted.is_attribute and parent and self.locate(parent) is not None:
            return [parent]
        top = wanted.name.partition(".")[0]
        if top not in self._provided and not wanted.optional:
            raise ConfigurationError(
                f"{importer} imports {wanted.name}, which is neither in {self._described()} nor in Lambda's runtime",
                advice="Add the folder that it is in to the sources, or its package to the packages; or do without it.",
            )
        return []

    def _described(self) -> str:
        return ", ".join([_OWN, *(str(folder) for folder in self._folders)])


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _imports_of(name: str, file: Path) -> Iterator[_Import]:
    if file.is_dir():
        return
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    yield from _walk(ast.parse(file.read_bytes(), filename=str(file)).body, package, optional=False)


def _walk(nodes: Iterable[ast.AST], package: str, *, optional: bool) -> Iterator[_Import]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield _Import(alias.name, optional, is_attribute=False)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, package)
            for alias in node.names:
                yield _Import(base if alias.name == "*" else f"{base}.{alias.name}", optional, is_attribute=True)
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            yield from _walk(node.orelse, package, optional=optional)
        elif isinstance(node, ast.Try) and any(_catches_absence(handler) for handler in node.handlers):
            yield from _walk(node.body, package, optional=True)
            yield from _walk([*node.handlers, *node.orelse, *node.finalbody], package, optional=optional)
        else:
            yield from _walk(ast.iter_child_nodes(node), package, optional=optional)


def _base(statement: ast.ImportFrom, package: str) -> str:
    if not statement.level:
        return statement.module or ""
    parts = package.split(".")
    parts = parts[: len(parts) - statement.level + 1]
    return ".".join([*parts, *([statement.module] if statement.module else [])])


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _catches_absence(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in {"ImportError", "ModuleNotFoundError"} for kind in kinds)
