"""Installed packages in a bundle: whole, with what Lambda lacks, nothing compiled, the same bytes each time."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.infra.test_bundle import contents, import_alone, lambda_packages, write_sources

from canary_router.cdk.bundle import write_bundle
from canary_router.errors import ConfigurationError

__all__ = ["lambda_packages"]


class Site:
    """A folder with installed packages, made by hand as an installer would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self, name: str, files: dict[str, str], *, requires: tuple[str, ...] = (), version: str = "1.0"
    ) -> None:
        module = name.replace("-", "_")
        described = f"{module}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n"
        metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
        more = {
            f"{described}/METADATA": metadata,
            f"{described}/INSTALLER": f"made in {self.folder}",
            f"{described}/entry_points.txt": "[some.group]\nit = it:run\n",
        }
        every = files | more
        write_sources(self.folder, every)
        listed = [*every, f"{described}/RECORD", f"../../../bin/{module}", f"{module}/__pycache__/it.cpython-311.pyc"]
        (self.folder / described / "RECORD").write_text("".join(f"{file},,\n" for file in listed))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return Site(folder)


def bundle(tmp_path: Path, imports: str, *packages: str) -> set[str]:
    source = write_sources(tmp_path / "src", {"entry.py": f"import {imports}\n\n\ndef handler(event, context): ..."})
    assert write_bundle("entry", tmp_path / "bundle", [source], packages) == ("entry",)
    return {name for name in contents(tmp_path / "bundle") if not name.endswith(".pyc")} - {"entry.py"}


def test_a_package_comes_whole_with_what_it_requires_and_without_what_its_installer_wrote(
    site: Site, tmp_path: Path
) -> None:
    site.install("alpha-one", {"alpha/__init__.py": "", "alpha/data.txt": "d"}, requires=("Beta.Two>=1",))
    site.install("beta-two", {"beta.py": "import gamma"}, requires=("gamma",))
    site.install("gamma", {"gamma/deep/__init__.py": ""}, requires=("alpha-one",))
    site.install("unrelated", {"unrelated.py": ""})
    described = ("METADATA", "entry_points.txt")
    infos = {f"{name}-1.0.dist-info/{file}" for name in ("alpha_one", "beta_two", "gamma") for file in described}
    expected = {"alpha/__init__.py", "alpha/data.txt", "beta.py", "gamma/deep/__init__.py", *infos}
    assert bundle(tmp_path, "alpha, beta, gamma.deep", "alpha-one") == expected
    compiled = {name for name in contents(tmp_path / "bundle") if name.endswith(".pyc")}
    assert {name.partition("/__pycache__")[0] for name in compiled} >= {"alpha", "gamma/deep"}
    assert len(compiled) == 4


def test_what_is_required_is_read_for_lambda_and_not_for_this_machine(site: Site, tmp_path: Path) -> None:
    requires = (
        'windows-only; sys_platform == "win32"',
        'mac-only; platform_system == "Darwin"',
        'old-only; python_version < "3.11"',
        'with-extra; extra == "more"',
        'lambda-only; sys_platform == "linux" and platform_machine == "aarch64"',
        'extended[more]; os_name == "posix"',
    )
    site.install("alpha", {"alpha.py": ""}, requires=requires)
    site.install("lambda-only", {"on_lambda.py": ""})
    site.install("extended", {"extended.py": ""}, requires=('asked-for; extra == "more"', 'not-so; extra == "other"'))
    site.install("asked-for", {"asked_for.py": ""})
    found = {name for name in bundle(tmp_path, "alpha", "alpha") if name.endswith(".py")}
    assert found == {"alpha.py", "on_lambda.py", "extended.py", "asked_for.py"}


def test_what_lambda_ships_is_left_out_unless_it_is_named_itself(site: Site, tmp_path: Path) -> None:
    site.install("alpha", {"alpha.py": ""}, requires=("urllib3", "boto3", "python_dateutil"))
    site.install("boto3", {"boto3/__init__.py": ""}, requires=("botocore",))
    site.install("botocore", {"botocore/__init__.py": ""}, requires=("urllib3",))
    site.install("urllib3", {"urllib3/__init__.py": ""})
    assert {name for name in bundle(tmp_path / "1", "alpha", "alpha") if name.endswith(".py")} == {"alpha.py"}
    named = bundle(tmp_path / "2", "alpha", "alpha", "boto3")
    assert {name for name in named if name.endswith(".py")} == {
        "alpha.py", "boto3/__init__.py", "botocore/__init__.py", "urllib3/__init__.py",
    }  # fmt: skip


@pytest.mark.parametrize("file", ["alpha/fast.cpython-311-x86_64-linux-gnu.so", "alpha.libs/libz.so.1", "alpha/it.pyd"])
def test_a_compiled_package_is_refused_with_its_name_and_the_remedy(file: str, site: Site, tmp_path: Path) -> None:
    site.install("alpha", {"alpha/__init__.py": "", file: "\x7fELF"}, version="2.5")
    site.install("needs-it", {"needs_it.py": ""}, requires=("alpha",))
    with pytest.raises(ConfigurationError, match=rf"alpha 2\.5 is compiled \({file}\)") as refusal:
        bundle(tmp_path, "needs_it", "needs-it")
    assert "does without alpha" in refusal.value.advice


def test_a_compiled_copy_of_a_module_whose_source_is_there_is_left_out(site: Site, tmp_path: Path) -> None:
    fast = "alpha/fast.cpython-311-x86_64-linux-gnu.so"
    site.install("alpha", {"alpha/__init__.py": "", "alpha/fast.py": "", fast: "\x7fELF"})
    found = bundle(tmp_path, "alpha.fast", "alpha")
    assert "alpha/fast.py" in found
    assert fast not in found


def test_a_package_that_is_not_installed_is_named_with_who_requires_it(site: Site, tmp_path: Path) -> None:
    site.install("alpha", {"alpha.py": ""}, requires=("no-such-thing",))
    with pytest.raises(ConfigurationError, match="no-such-thing, which alpha requires in Lambda, is not installed"):
        bundle(tmp_path / "1", "alpha", "alpha")
    with pytest.raises(ConfigurationError, match="package nowhere-at-all is not installed") as refusal:
        bundle(tmp_path / "2", "alpha", "nowhere-at-all")
    assert refusal.value.advice == "Install it where you synthesise: pip install nowhere-at-all."


@pytest.mark.parametrize("name", ["alpha>=1", "alpha[more]", "", "./alpha"])
def test_what_is_no_name_of_a_package_is_refused(name: str, site: Site, tmp_path: Path) -> None:
    site.install("alpha", {"alpha.py": ""})
    with pytest.raises(ConfigurationError, match="not the name of a package"):
        bundle(tmp_path, "alpha", name)


def test_a_package_that_is_installed_for_its_development_is_refused(site: Site, tmp_path: Path) -> None:
    site.install("alpha", {"__editable__.alpha.pth": "/somewhere/else"})
    with pytest.raises(ConfigurationError, match="alpha is not installed as a copy") as refusal:
        bundle(tmp_path, "json", "alpha")
    assert "among the sources" in refusal.value.advice


def test_a_module_of_the_users_own_with_the_name_of_a_packaged_one_is_refused(site: Site, tmp_path: Path) -> None:
    site.install("alpha", {"alpha.py": ""})
    source = write_sources(tmp_path / "src", {"entry.py": "import alpha", "alpha.py": ""})
    with pytest.raises(ConfigurationError, match="would have alpha twice"):
        write_bundle("entry", tmp_path / "bundle", [source], ["alpha"])


def test_only_the_function_that_names_a_package_may_import_it(site: Site, tmp_path: Path) -> None:
    site.install("alpha", {"alpha.py": ""})
    with pytest.raises(ConfigurationError, match="entry imports alpha") as refusal:
        bundle(tmp_path, "alpha")
    assert "packages" in refusal.value.advice


SEARCH_CLIENT = """
    from opensearchpy import OpenSearch, Urllib3AWSV4SignerAuth, Urllib3HttpConnection, helpers

    def handler(event, context):
        return OpenSearch, helpers.bulk
    """


def test_the_client_of_opensearch_can_be_imported_where_there_is_only_what_lambda_has(
    lambda_packages: Path, tmp_path: Path
) -> None:
    source = write_sources(tmp_path / "src", {"entry.py": SEARCH_CLIENT})
    write_bundle("entry", tmp_path / "bundle", [source], ["opensearch-py"])
    done = import_alone(tmp_path / "bundle", lambda_packages, "entry")
    assert done.returncode == 0, done.stderr
    size = sum(len(content) for content in contents(tmp_path / "bundle").values())
    assert size < 8_000_000
    assert not [name for name in contents(tmp_path / "bundle") if name.split("/")[0] in {"urllib3", "botocore", "grpc"}]


def test_packages_give_the_same_bytes_wherever_and_whenever_they_are_bundled(tmp_path: Path) -> None:
    source = write_sources(tmp_path / "src", {"entry.py": SEARCH_CLIENT})
    here, there = tmp_path / "here", tmp_path / "another" / "place"
    write_bundle("entry", here, [source], ["opensearch-py"])
    program = textwrap.dedent(
        """
        import json, sys, pathlib
        from canary_router.cdk.bundle import write_bundle
        source, target, packages = sys.argv[1:]
        write_bundle("entry", pathlib.Path(target), [pathlib.Path(source)], json.loads(packages))
        """
    )
    command = [sys.executable, "-c", program, str(source), str(there), json.dumps(["opensearch-py"])]
    subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": "12345"}, check=True)
    assert contents(here) == contents(there)
