"""Bundles: exactly what is imported, the same bytes every time, and enough to be imported where nothing else is."""

import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from canary_router import settings
from canary_router.cdk.bundle import matching_runtime, write_bundle
from canary_router.errors import ConfigurationError

ENTRIES = [
    handler.rpartition(".")[0]
    for handler in (
        settings.REQUEST_HANDLER,
        settings.OUTCOME_HANDLER,
        settings.RELEASE_HANDLER,
        settings.NOTIFY_HANDLER,
        settings.VERDICT_HANDLER,
        settings.PRUNE_HANDLER,
    )
]
ON_DEMAND = {"canary_router.core.gate"}
"""Loaded for a policy or a release that has a sequential gate, and for no other."""
LAMBDA_HAS = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
_NOT_IN_LAMBDA = [[part] for part in ("cdk", "cli", "dashboard", "documents", "local", "sim")]
IMPORT = """
import importlib, json, sys
sys.path[:0] = sys.argv[1:3]
module = importlib.import_module(sys.argv[3])
assert callable(module.handler)
ours = [m for name, m in sys.modules.items() if name.partition(".")[0] == "canary_router"]
json.dump({m.__name__: [m.__file__, m.__cached__] for m in ours}, sys.stdout)
"""


@pytest.fixture(scope="module")
def lambda_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages that Lambda's runtime has, and no other."""
    folder = tmp_path_factory.mktemp("lambda-has")
    for name in LAMBDA_HAS:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def write_sources(folder: Path, modules: dict[str, str]) -> Path:
    for name, text in modules.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
    return folder


def import_alone(bundle: Path, packages: Path, entry: str) -> "subprocess.CompletedProcess[str]":
    env = {
        settings.ENV_ENVIRONMENT: "staging",
        settings.ENV_SERVICES: "transformer",
        settings.ENV_STAGE: "staging",
        settings.ENV_TOPIC: "arn:aws:sns:eu-west-1:123456789012:releases",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    command = [sys.executable, "-I", "-S", "-B", "-c", IMPORT, str(bundle), str(packages), entry]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_bundle_can_be_imported_where_there_is_only_what_lambda_has(
    entry: str, lambda_packages: Path, tmp_path: Path
) -> None:
    write_bundle(entry, tmp_path)
    done = import_alone(tmp_path, lambda_packages, entry)
    assert done.returncode == 0, done.stderr


def test_a_module_that_is_missing_from_a_bundle_is_noticed(lambda_packages: Path, tmp_path: Path) -> None:
    write_bundle(ENTRIES[0], tmp_path)
    (tmp_path / "canary_router" / "settings.py").unlink()
    done = import_alone(tmp_path, lambda_packages, ENTRIES[0])
    assert "settings" in done.stderr.splitlines()[-1]


def test_a_package_that_lambda_does_not_have_is_noticed(lambda_packages: Path, tmp_path: Path) -> None:
    (tmp_path / "needs_more.py").write_text("import pytest\n\n\ndef handler():\n    pass\n")
    assert "No module named 'pytest'" in import_alone(tmp_path, lambda_packages, "needs_more").stderr


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_bundle_has_nothing_that_importing_it_does_not_load(
    entry: str, lambda_packages: Path, tmp_path: Path
) -> None:
    modules = write_bundle(entry, tmp_path)
    loaded = import_alone(tmp_path, lambda_packages, entry).stdout
    assert {name for name in modules if f'"{name}"' not in loaded} <= ON_DEMAND
    assert set(modules) >= ON_DEMAND
    assert not [name for name in modules if name.split(".")[1:2] in _NOT_IN_LAMBDA]


def test_python_takes_the_bytecode_of_a_bundle_without_looking_at_the_source(
    lambda_packages: Path, tmp_path: Path
) -> None:
    write_bundle(ENTRIES[0], tmp_path)
    for source in tmp_path.rglob("*.py"):
        source.write_text("raise AssertionError('compiled anew')")
    done = import_alone(tmp_path, lambda_packages, ENTRIES[0])
    assert done.returncode == 0, done.stderr


def test_the_same_source_gives_the_same_bytes_wherever_and_whenever_it_is_bundled(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "another" / "place"
    write_bundle(ENTRIES[1], here)
    program = "import sys, pathlib; from canary_router.cdk.bundle import write_bundle; "
    program += "write_bundle(sys.argv[1], pathlib.Path(sys.argv[2]))"
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    subprocess.run([sys.executable, "-c", program, ENTRIES[1], str(there)], env=environment, check=True)
    assert contents(here) == contents(there)


def test_tracebacks_name_the_place_in_lambda_and_not_the_checkout(tmp_path: Path) -> None:
    write_bundle(ENTRIES[2], tmp_path)
    bytecode = next(tmp_path.rglob("lambdas/__pycache__/release.*.pyc")).read_bytes()
    assert b"/var/task/canary_router/lambdas/release.py" in bytecode
    assert str(tmp_path).encode() not in bytecode


def test_modules_of_the_users_own_are_followed_through_every_kind_of_import(tmp_path: Path) -> None:
    source = write_sources(
        tmp_path / "src",
        {
            "entry.py": """
                import shop.orders
                from shop import prices
                from shop.names import CUSTOMER

                def handler(event, context):
                    from shop import late
                """,
            "shop/__init__.py": "",
            "shop/orders.py": "from . import relative\nfrom .deep.er import thing",
            "shop/prices.py": "import json, boto3",
            "shop/names.py": "CUSTOMER = 1",
            "shop/late.py": "",
            "shop/relative.py": "",
            "shop/deep/er.py": "thing = 1",
            "shop/unused.py": "",
            "unrelated.py": "",
        },
    )
    modules = write_bundle("entry", tmp_path / "bundle", [source])
    names = {"shop", "shop.orders", "shop.prices", "shop.names", "shop.late", "shop.relative", "shop.deep.er"}
    assert set(modules) == {"entry"} | names


def test_the_users_pipeline_takes_only_what_a_pipeline_needs_of_the_router(tmp_path: Path) -> None:
    modules = write_bundle("one_line_pipeline", tmp_path, [Path(__file__).parent])
    assert set(modules) == {"one_line_pipeline", "canary_router", "canary_router.errors", "canary_router.pipeline"}


def test_a_package_that_lambda_would_not_have_is_refused_with_its_name(tmp_path: Path) -> None:
    source = write_sources(tmp_path / "src", {"entry.py": "import pandas"})
    with pytest.raises(ConfigurationError, match="entry imports pandas"):
        write_bundle("entry", tmp_path / "bundle", [source])


def test_an_import_that_the_code_can_do_without_is_left_out(tmp_path: Path) -> None:
    source = write_sources(
        tmp_path / "src",
        {
            "entry.py": """
                from typing import TYPE_CHECKING

                try:
                    import orjson as json
                except ImportError:
                    import json

                if TYPE_CHECKING:
                    from mypy_boto3_ssm import SSMClient
                """
        },
    )
    assert write_bundle("entry", tmp_path / "bundle", [source]) == ("entry",)


def test_an_entry_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no module 'nowhere'"):
        write_bundle("nowhere", tmp_path)


def test_source_that_does_not_compile_is_refused(tmp_path: Path) -> None:
    # It can be parsed, so only the compiler sees it.
    source = write_sources(tmp_path / "src", {"entry.py": "return 1"})
    with pytest.raises(ConfigurationError, match="outside function"):
        write_bundle("entry", tmp_path / "bundle", [source])


def test_the_runtime_is_that_of_the_python_which_compiles(tmp_path: Path) -> None:
    write_bundle("one_line_pipeline", tmp_path, [Path(__file__).parent])
    (bytecode,) = (tmp_path / "__pycache__").iterdir()
    minor = sys.version_info.minor
    assert bytecode.name == f"one_line_pipeline.cpython-3{minor}.pyc"
    assert matching_runtime().name == f"python3.{minor}"
