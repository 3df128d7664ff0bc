"""A synthesised template, made ready for the emulator, which has neither CodePipeline nor policies of event buses.

Both are taken out and played by the tests. What their properties come to, references and all, the emulator tells as an
output of the very stack that they belong to.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from canary_router import settings

PLAYED = ("AWS::CodePipeline::Pipeline", "AWS::Events::EventBusPolicy")
OUTPUT = "Played"


def prepare(assembly: Path, stack: str, pipelines_at: str) -> None:
    """Changes the template of a stack in an assembly.

    Args:
        assembly: Where it was synthesised to.
        stack: Its name.
        pipelines_at: URL of the CodePipeline that is played.
    """
    file = assembly / f"{stack}.template.json"
    template: dict[str, Any] = json.loads(file.read_text())
    resources = template["Resources"]
    played = {name: it for name, it in resources.items() if it["Type"] in PLAYED}
    assert sorted(it["Type"] for it in played.values()) == sorted(PLAYED)
    for name in played:
        del resources[name]
    for it in resources.values():
        after = it.pop("DependsOn", [])
        if kept := [name for name in ([after] if isinstance(after, str) else after) if name not in played]:
            it["DependsOn"] = kept
        if it["Type"] == "AWS::Lambda::Function" and it["Properties"]["Handler"] == settings.VERDICT_HANDLER:
            it["Properties"]["Environment"]["Variables"]["AWS_ENDPOINT_URL_CODEPIPELINE"] = pipelines_at
    template["Transform"] = "AWS::LanguageExtensions"
    told = {it["Type"]: it["Properties"] for it in played.values()}
    template["Outputs"][OUTPUT] = {"Value": {"Fn::ToJsonString": told}}
    file.write_text(json.dumps(template))


def played_in(outputs: Mapping[str, str]) -> dict[str, Any]:
    """Properties of what is played, by type."""
    told: dict[str, Any] = json.loads(outputs[OUTPUT])
    return told
