"""Asks the offline evaluator, one process for thousands of questions."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canary_router.local.home import tools_home
from canary_router.local.toolchain import Toolchain, node, node_environment

HERE = Path(__file__).parent
ANONYMOUS = "anonymous"
Documents = dict[str, dict[str, Any]]
Mutant = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Question:
    """May this principal do this?

    Attributes:
        principal: ARN of a role, name of a service, ARN of an identity provider, or ``ANONYMOUS``.
        action: For example ``s3:GetObject``.
        resource: ARN.
        account: Id of the account that the resource is in.
        context: The condition keys that the request carries.
        identity: Names of the principal's own policies.
        policy: Name of the resource's policy, or none.
    """

    principal: str
    action: str
    resource: str
    account: str
    context: Mapping[str, str | list[str]] = field(default_factory=dict)
    identity: tuple[str, ...] = ()
    policy: str | None = None


@dataclass(frozen=True)
class Answers:
    """What was found.

    Attributes:
        allowed: Whether each question is answered with yes.
        noticed: For each mutant the place of a question that it answers otherwise, or none.
    """

    allowed: list[bool]
    noticed: list[int | None]


def ask(documents: Documents, questions: Sequence[Question], mutants: Sequence[Mutant] = ()) -> Answers:
    """Asks all at once. A policy or a question that is faulty fails the test.

    Args:
        documents: The policies, by name.
        questions: What is asked.
        mutants: Names of policies, each with what might stand in the policy's place.
    """
    at = {name: place for place, name in enumerate(documents)}
    given = {
        "documents": [{"kind": _kind(name), "document": document} for name, document in documents.items()],
        "questions": [
            {
                "principal": it.principal,
                "action": it.action,
                "resource": it.resource,
                "account": it.account,
                "context": it.context,
                "identity": [at[name] for name in it.identity],
                "policy": None if it.policy is None else at[it.policy],
            }
            for it in questions
        ],
        "mutants": [{"at": at[name], "kind": _kind(name), "document": document} for name, document in mutants],
    }
    modules = Toolchain(tools_home()).node_modules("iam-simulate", HERE)
    done = subprocess.run(
        [node(), HERE / "evaluate.mjs", modules],
        input=json.dumps(given),
        env=os.environ | node_environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    answers = Answers(json.loads(done.stdout)["answers"], json.loads(done.stdout)["noticed"])
    assert (len(answers.allowed), len(answers.noticed)) == (len(questions), len(mutants))
    return answers


def _kind(name: str) -> str:
    return {"identity": "identity", "trust": "trust", "policy": "resource"}[name.split(maxsplit=1)[0]]
