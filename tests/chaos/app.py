"""A CDK app: a router and the versions of several services, all of whose functions reach AWS through the proxy."""

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from tests.chaos.proxy import OUTCOME, PIPELINE, REQUEST
from tests.chaos.versions import BAD, ENVIRONMENT, GOOD, GRACE, STUCK

from canary_router import settings
from canary_router.cdk import BundledFunction, CanaryRouter, FunctionOptions, RouterOptions
from canary_router.core.policy import Policy
from canary_router.local.concessions import concede

_CALLED = ("SSM", "DYNAMODB", "LAMBDA", "SFN", "EVENTBRIDGE")
_ENDS = {
    BAD: {"Type": "Fail", "Error": "Broken", "Cause": "Every job of this version fails."},
    STUCK: {"Type": "Wait", "Seconds": 86_400, "End": True},
}


def definition(tag: str) -> str:
    end = _ENDS.get(tag, {"Type": "Succeed"})
    states = {"Work": {"Type": "Wait", "Seconds": 1, "Next": "End"}, "End": end}
    return json.dumps({"StartAt": "Work", "States": states})


def add_version(stack: cdk.Stack, service: str, tag: str) -> BundledFunction:
    name = settings.stack_name(service, tag)
    machine = sfn.StateMachine(
        stack,
        f"Machine-{name}",
        state_machine_name=name,
        definition_body=sfn.DefinitionBody.from_string(definition(tag)),
        role=iam.Role(stack, f"Role-{name}", assumed_by=iam.ServicePrincipal("states.amazonaws.com")),
    )
    pipeline = BundledFunction(
        stack,
        f"Pipeline-{name}",
        FunctionOptions(
            function_name=settings.pipeline_function_name(service, tag),
            handler="batch_pipeline.handler",
            sources=[Path(__file__).parents[1] / "e2e"],
            variables={"STATE_MACHINE_ARN": machine.state_machine_arn},
        ),
    )
    pipeline.allow("states:StartExecution", on=[machine.state_machine_arn])
    return pipeline


def build() -> None:
    app = cdk.App(default_stack_synthesizer=cdk.CliCredentialsStackSynthesizer())
    services = app.node.get_context("services")
    endpoint, endpoints = app.node.get_context("emulator"), app.node.get_context("endpoints")
    stack = cdk.Stack(app, "chaos")
    options = RouterOptions(
        pointer_ttl=1,
        grace=GRACE,
        policies=dict.fromkeys(services, Policy(share=0.5, deadline=app.node.get_context("deadline"))),
        requests_per_second=10_000,
        burst=10_000,
        removal_policy=cdk.RemovalPolicy.DESTROY,
        endpoint=lambda api_id: f"{endpoint}/restapis/{api_id}/v1/_user_request_",
    )
    router = CanaryRouter(stack, "Router", environment=ENVIRONMENT, services=services, options=options)
    concede(router)
    for function, kind in ((router.functions.request, REQUEST), (router.functions.outcome, OUTCOME)):
        for called in _CALLED:
            function.function.add_environment(f"AWS_ENDPOINT_URL_{called}", endpoints[kind])
    for service in services:
        for tag in (*GOOD, BAD, STUCK):
            pipeline = add_version(stack, service, tag)
            pipeline.function.add_environment("AWS_ENDPOINT_URL_SFN", endpoints[PIPELINE])
    app.synth()


if __name__ == "__main__":
    build()
