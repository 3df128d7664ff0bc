"""The pointers as SSM parameters."""

from typing import TYPE_CHECKING, Any

from canary_router import settings
from canary_router.adapters.aws.trouble import code_of, read, write
from canary_router.core.pointers import Reading, Readings

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mypy_boto3_ssm import SSMClient

    from canary_router.adapters.aws.wire.calls import ParameterCalls

_LEAVES = ("current", "latest", "policy")


class SsmPointers:
    """Parameters of one environment."""

    def __init__(self, client: "SSMClient | ParameterCalls", environment: str) -> None:
        """Args: a client of Systems Manager and the environment's name."""
        self._client = client
        self._environment = environment

    def read(self, service: str) -> Readings:
        """Reads all three in one GetParameters."""
        names = {self._name(service, leaf): leaf for leaf in _LEAVES}

        def call() -> Readings:
            answer = self._client.get_parameters(Names=list(names))
            found = {
                names[parameter["Name"]]: Reading(
                    parameter["Value"], parameter["Version"], _milliseconds(parameter["LastModifiedDate"])
                )
                for parameter in answer["Parameters"]
            }
            return Readings(current=found.get("current"), latest=found.get("latest"), policy=found.get("policy"))

        return read(f"reading the parameters of {service}", call)

    def put(self, service: str, leaf: str, value: str, note: str) -> int:
        """Writes a parameter; the note becomes its description, which the history keeps for each version.

        A write whose answer was lost is sent again: whoever reads the history knows the same value with the same note
        for the same write.
        """
        name = self._name(service, leaf)

        def call(_: int) -> int:
            return self._client.put_parameter(Name=name, Value=value, Type="String", Overwrite=True, Description=note)[
                "Version"
            ]

        return write(f"writing {name}", call)

    def history(self, service: str, leaf: str, after_version: int) -> tuple[Reading, ...]:
        """Reads the history, which SSM lists from the oldest of its up to 100 versions, page by page."""
        name = self._name(service, leaf)

        def call() -> tuple[Reading, ...]:
            try:
                entries = _all_pages(self._client.get_parameter_history, Name=name)
            except Exception as error:
                if code_of(error) == "ParameterNotFound":
                    return ()
                raise
            found = [
                Reading(
                    entry["Value"],
                    entry["Version"],
                    _milliseconds(entry["LastModifiedDate"]),
                    entry.get("Description", ""),
                    entry.get("LastModifiedUser", ""),
                )
                for entry in entries
                if entry["Version"] > after_version
            ]
            return tuple(sorted(found, key=lambda reading: reading.version))

        return read(f"reading the history of {name}", call)

    def services(self) -> tuple[str, ...]:
        """Lists the parameters under the environment's path, ten a page."""
        path = f"{settings.parameter_name(self._environment, '', '').rstrip('/')}/"

        def call() -> tuple[str, ...]:
            parameters = _all_pages(self._client.get_parameters_by_path, Path=path, Recursive=True)
            names = [parameter["Name"].removeprefix(path) for parameter in parameters]
            parted = [name.partition("/") for name in names]
            return tuple(sorted({service for service, _, leaf in parted if leaf in _LEAVES}))

        return read(f"listing the parameters under {path}", call)

    def _name(self, service: str, leaf: str) -> str:
        return settings.parameter_name(self._environment, service, leaf)


def _all_pages(operation: "Callable[..., Any]", **request: Any) -> list[Any]:
    found: list[Any] = []
    while True:
        page = operation(**request)
        found += page["Parameters"]
        if not page.get("NextToken"):
            return found
        request["NextToken"] = page["NextToken"]


def _milliseconds(moment: "datetime | float") -> int:
    seconds = moment if isinstance(moment, int | float) else moment.timestamp()
    return round(seconds * 1000)
