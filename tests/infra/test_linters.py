"""What cdk-nag and cfn-lint say about the stacks: nothing. Beside them, each judges a stack that is at fault."""

import json
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks
from tests.infra import stacks

ACCEPTED = {
    # The CDK lets a function depend on its role twice: by reference and by name.
    "W3005",
}


def test_cdk_nag_finds_fault_only_with_the_stack_that_is_at_fault(tmp_path: Path) -> None:
    app = stacks.build(tmp_path)
    sqs.Queue(cdk.Stack(app, "at-fault"), "Queue")
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    (report,) = json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"]
    found = {
        (construct["constructPath"], violation["ruleName"])
        for violation in report["violations"]
        for construct in violation["violatingConstructs"]
    }
    at_fault = {rule for path, rule in found if path.startswith("at-fault/")}
    assert at_fault == {"AwsSolutions-SQS3", "AwsSolutions-SQS4"}
    assert {finding for finding in found if not finding[0].startswith("at-fault/")} == set()


def test_cfn_lint_finds_fault_only_with_the_template_that_is_at_fault(
    assembled: Path, sample: Path, tmp_path: Path
) -> None:
    at_fault = tmp_path / "at-fault.template.json"
    at_fault.write_text(json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Nme": "q"}}}}))
    names = (stacks.DEFAULT, stacks.CHOSEN, stacks.VERSION, stacks.DELIVERY, *stacks.STAGES.values())
    templates = [assembled / f"{name}.template.json" for name in names]
    templates += sorted(sample.glob("transformer-*.template.json"))
    assert len(templates) > 10
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "json", *map(str, [*templates, at_fault])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = {(finding["Filename"], finding["Rule"]["Id"]) for finding in json.loads(done.stdout)}
    assert {rule for file, rule in found if file == str(at_fault)} == {"E3002"}
    assert {(file, rule) for file, rule in found if file != str(at_fault) and rule not in ACCEPTED} == set()
