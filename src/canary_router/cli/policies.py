"""``policy check``: is a policy one, and what does it mean."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from canary_router.cli.invocation import Invocation
from canary_router.cli.trouble import NO
from canary_router.errors import InvalidInput, InvalidPolicy

if TYPE_CHECKING:
    from canary_router.core.policy import Policy

policy = typer.Typer(
    name="policy",
    help="What a release has to show before it becomes current.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_FILE_AT_MOST = 64 * 1024


@policy.callback()
def _group() -> None:
    """What a release has to show before it becomes current."""


@policy.command()
def check(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The policy, in YAML or JSON; - reads stdin.")],
) -> None:
    """Check a policy, and say in words what it means.

    With how likely good and bad versions are to pass it. It asks nobody, so it needs no environment. Exit code 1 when
    the policy is refused; so is a sequential gate that cannot keep what it promises within its jobs.

    \b
    Examples:
      canary-router policy check policy.yaml
      echo '{"requests": 5, "successes": 4, "max_failures": 1}' | canary-router policy check -
      echo '{"gate": {"sequential": {"baseline": 0.02, "harm": 0.2}}}' | canary-router policy check -
    """
    from canary_router import documents
    from canary_router.core.gate_words import planned
    from canary_router.core.policy import policy_from

    call: Invocation = context.obj
    document = _document(file)
    try:
        checked: Policy = policy_from(document)
        planned(checked)
    except InvalidPolicy as error:
        if call.is_json:
            call.print_json({"file": file, "valid": False, "problem": str(error), "advice": error.advice})
        else:
            print(f"{file}: {error}. {error.advice}", file=sys.stderr)
        raise typer.Exit(NO) from error
    call.answer(
        {"file": file, "valid": True, **documents.policy_document(checked)},
        lambda render: render.policy_block(checked),
    )


def _document(file: str) -> Any:
    """What a file holds. A key that is there twice is refused, in either notation.

    Raises:
        InvalidInput: It cannot be read, or is neither YAML nor JSON.
    """
    import yaml

    try:
        raw = sys.stdin.buffer.read(_FILE_AT_MOST + 1) if file == "-" else Path(file).read_bytes()
        text = raw.decode("utf-8")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}", advice="Give a file, or - for stdin.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not text in UTF-8", advice="Give a policy in YAML or JSON.") from error
    if len(raw) > _FILE_AT_MOST:
        raise InvalidInput(f"{file} has more than {_FILE_AT_MOST} bytes", advice="A policy has a few keys.")
    try:
        return yaml.load(text, Loader=_each_once())  # noqa: S506 - derived from SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise InvalidInput(f"{file} is neither YAML nor JSON: {said}", advice="For example: requests: 2") from error


def _each_once() -> Any:
    """YAML's safe loader, but that it refuses a key that is there twice, as YAML itself does."""
    import yaml

    class EachOnce(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            names = [self.construct_object(key, deep=True) for key, _ in node.value]
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{twice!r} is there more than once", node.start_mark
                )
            return dict(super().construct_mapping(node, deep))

    return EachOnce
