"""What deployments and people order. Only ``release`` and ``withdraw`` touch a pointer, and only ``latest``."""

from dataclasses import dataclass

from canary_router import settings
from canary_router.core.model import Version
from canary_router.core.pointers import version_of
from canary_router.core.writes import attributed, release_note, stands, withdrawal_note
from canary_router.errors import InvalidInput, Unavailable
from canary_router.flows.blanking import blank_latest
from canary_router.flows.latest import writes_from
from canary_router.ports import Pointers


@dataclass(frozen=True)
class Released:
    """A write of ``latest``. ``order`` says which order it was made for."""

    pipeline_arn: str
    version: int


def release(pointers: Pointers, service: str, pipeline_arn: str, order: str, commit: str = "") -> Released:
    """Writes ``latest``, once for each order: a deployment that repeats its last step does not release twice.

    Args:
        pointers: The parameters.
        service: The service's name.
        pipeline_arn: ARN of the new version's pipeline function.
        order: An id of this order; the same id is the same order.
        commit: The commit that the version was built from, for the record; empty when it is not known.

    Raises:
        InvalidInput: The ARN is not one of a Lambda function, or the service's name could be a version's.
        Unavailable: Nothing was written.
        Uncertain: It may have been written; the same order may be given again.
    """
    version_named(service, pipeline_arn)
    note = release_note(order, commit)
    latest = pointers.read(service).latest
    if latest is not None:
        for written in reversed(attributed(pointers.history(service, "latest", max(0, latest.version - 10)))):
            if written.note == note:
                return Released(pipeline_arn, written.version)
    return Released(pipeline_arn, pointers.put(service, "latest", pipeline_arn, note))


def version_named(service: str, pipeline_arn: str) -> Version:
    """The version whose release an ARN asks for.

    Raises:
        InvalidInput: The ARN is not one of a Lambda function, or the service's name could be a version's.
    """
    if settings.has_slug(service):
        raise InvalidInput(
            f"{service!r} is no name for a service: it has the form of a version in it",
            advice="Its stacks would be named like another service's. Name it without -v1-2-3.",
        )
    version = version_of(service, pipeline_arn)
    if version is None:
        raise InvalidInput(
            f"{pipeline_arn!r} is not the ARN of a Lambda function",
            advice="Give the pipeline function's ARN, for example "
            f"arn:aws:lambda:eu-west-1:123456789012:function:{service}-v1-2-0-pipeline.",
        )
    return version


def withdraw(pointers: Pointers, service: str, released: Released, *, is_patient: bool = True) -> bool:
    """Blanks ``latest``, if it should still hold that write, or a copy of it that we have put back. True when it did.

    Args:
        pointers: The parameters.
        service: The service's name.
        released: The write.
        is_patient: Whether there is time to look again where latest seems to be older than the write: a read lags for
            seconds. Later on, the parameter was deleted since.

    Raises:
        Unavailable: Nothing was written; withdraw again.
        Uncertain: It may have been; withdrawing again is safe.
    """
    latest = pointers.read(service).latest
    if latest is None or latest.version < released.version:
        if is_patient:
            raise Unavailable(f"latest of {service} was read as it was before it was written; a later look will tell")
        return False
    history = writes_from(pointers, service, released.version, latest.mark)
    write = history[0]
    if write.version != released.version or write.value.strip() != released.pipeline_arn:
        return False
    if not stands(history, write.mark):
        return False
    blank_latest(pointers, service, write.mark, latest, withdrawal_note(write.mark.release_id))
    return True
