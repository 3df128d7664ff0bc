"""House rules that no linter knows: sizes, names and fakes instead of patches. CONTRIBUTING.md lists them."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(ROOT.glob("src/**/*.py"))
TESTS = sorted(ROOT.glob("tests/**/*.py"))
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_source_file_can_be_read_in_one_go(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= MAX_FUNCTION_LINES, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_module_is_named_after_what_it_is_about(path: Path) -> None:
    assert not NAMES_THAT_SAY_NOTHING & set(path.stem.split("_"))


@pytest.mark.parametrize("path", TESTS, ids=named)
def test_tests_use_fakes_of_ports_and_patch_nothing(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr in {"setattr", "patch"}:
            pytest.fail(f"line {node.lineno}: {ast.unparse(node)} replaces a part of the program under test")


def test_every_cdk_module_that_we_use_is_type_checked() -> None:
    used = set[str]()
    for path in [*SOURCES, *TESTS, *ROOT.glob("examples/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "aws_cdk":
                used |= {f"aws_cdk.{alias.name}" for alias in node.names if alias.name.islower()}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("aws_cdk."):
                used.add(str(node.module))
            elif isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names if alias.name.startswith("aws_cdk.")}
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    read = {name for part in configured if part.get("follow_imports") == "normal" for name in part["module"]}
    assert used <= read, "list it in pyproject.toml under [[tool.mypy.overrides]]"


def test_the_lock_file_names_no_place_but_the_public_index() -> None:
    lock = (ROOT / "uv.lock").read_text()
    assert set(re.findall(r"[a-z]+://[^/\"]*", lock)) == {"https://pypi.org", "https://files.pythonhosted.org"}
