"""What a build of CodeBuild's finds around it: programs, folders and variables, and nothing of the caller's."""

import os
import sys
from pathlib import Path

from canary_router.local.home import tools_home
from canary_router.local.record import Emulator
from canary_router.local.toolchain import Toolchain, node_environment

_AWS = """#!{python}
# The command line of AWS, as far as the buildspecs need it: aws s3 cp FILE s3://BUCKET/KEY
import sys
import boto3
verb, file, place = " ".join(sys.argv[1:3]), *sys.argv[3:]
assert verb == "s3 cp" and place.startswith("s3://"), sys.argv
bucket, _, key = place.removeprefix("s3://").partition("/")
with open(file, "rb") as body:
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
"""
_CDK = '#!/bin/sh\nexec {command} "$@"\n'


class Image:
    """Programs of a build, made once. Python's packages are those of the tests."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        command = " ".join(f"'{part}'" for part in Toolchain(tools_home()).cdk())
        for name, text in (("aws", _AWS.format(python=sys.executable)), ("cdk", _CDK.format(command=command))):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def variables(self, emulator: Emulator, work: Path) -> dict[str, str]:
        """The environment of one build, which has a home and a folder for what is temporary below ``work``."""
        for name in ("home", "tmp"):
            (work / name).mkdir(parents=True)
        path = os.pathsep.join([str(self._folder), str(Path(sys.executable).parent), os.defpath])
        # Unpacked once for all; what else the CDK and the command line keep goes with the build.
        unpacked = Path("~/.cache/aws/jsii/package-cache").expanduser()
        return {
            **node_environment({"PATH": path}),
            **emulator.client_environment(),
            "HOME": str(work / "home"),
            "TMPDIR": str(work / "tmp"),
            "CANARY_ROUTER_HOME": str(work / "home" / "canary-router"),
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(unpacked),
            "LANG": "C.UTF-8",
        }
