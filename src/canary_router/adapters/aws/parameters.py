"""The pointers as SSM parameters."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from canary_router import settings
from canary_router.adapters.aws.trouble import code_of, of_write, unavailable
from canary_router.core.pointers import Reading, Readings

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_ssm import SSMClient

_LEAVES = ("current", "latest", "policy")


class SsmPointers:
    """Parameters of one environment."""

    def __init__(self, client: "SSMClient", environment: str) -> None:
        """Args: a boto3 ``ssm`` client and the environment's name."""
        self._client = client
        self._environment = environment

    def read(self, service: str) -> Readings:
        """Reads all three in one GetParameters."""
        names = {self._name(service, leaf): leaf for leaf in _LEAVES}
        try:
            answer = self._client.get_parameters(Names=list(names))
        except (ClientError, BotoCoreError) as error:
            raise unavailable(f"reading the parameters of {service}", error) from error
        found = {
            names[parameter["Name"]]: Reading(
                parameter["Value"], parameter["Version"], _milliseconds(parameter["LastModifiedDate"])
            )
            for parameter in answer["Parameters"]
        }
        return Readings(current=found.get("current"), latest=found.get("latest"), policy=found.get("policy"))

    def put(self, service: str, leaf: str, value: str, note: str) -> int:
        """Writes a parameter; the note becomes its description, which the history keeps for each version."""
        name = self._name(service, leaf)
        try:
            answer = self._client.put_parameter(Name=name, Value=value, Type="String", Overwrite=True, Description=note)
        except (ClientError, BotoCoreError) as error:
            raise of_write(f"writing {name}", error) from error
        return answer["Version"]

    def history(self, service: str, leaf: str, after_version: int) -> tuple[Reading, ...]:
        """Reads the history, which SSM lists from the oldest of its up to 100 versions, page by page."""
        name = self._name(service, leaf)
        found: list[Reading] = []
        try:
            for page in self._client.get_paginator("get_parameter_history").paginate(Name=name):
                found += [
                    Reading(
                        entry["Value"],
                        entry["Version"],
                        _milliseconds(entry["LastModifiedDate"]),
                        entry.get("Description", ""),
                    )
                    for entry in page["Parameters"]
                    if entry["Version"] > after_version
                ]
        except ClientError as error:
            if code_of(error) == "ParameterNotFound":
                return ()
            raise unavailable(f"reading the history of {name}", error) from error
        except BotoCoreError as error:
            raise unavailable(f"reading the history of {name}", error) from error
        return tuple(sorted(found, key=lambda reading: reading.version))

    def services(self) -> tuple[str, ...]:
        """Lists the parameters under the environment's path, ten a page."""
        path = f"{settings.parameter_name(self._environment, '', '').rstrip('/')}/"
        found: set[str] = set()
        try:
            for page in self._client.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True):
                for parameter in page["Parameters"]:
                    service, _, leaf = parameter["Name"].removeprefix(path).partition("/")
                    if leaf in _LEAVES:
                        found.add(service)
        except (ClientError, BotoCoreError) as error:
            raise unavailable(f"listing the parameters under {path}", error) from error
        return tuple(sorted(found))

    def _name(self, service: str, leaf: str) -> str:
        return settings.parameter_name(self._environment, service, leaf)


def _milliseconds(moment: "datetime") -> int:
    return round(moment.timestamp() * 1000)
