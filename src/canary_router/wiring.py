"""The composition root: where ports and adapters meet, for everything but the request function.

That one has a root of its own (``request_wiring.py``), since this one imports boto3 and the controller.
"""

import os

import boto3
from botocore.config import Config

from canary_router import settings
from canary_router.adapters.aws.codepipeline import PipelineApprovals
from canary_router.adapters.aws.deployed import LambdaFunctions, LambdaNudge, StsCaller
from canary_router.adapters.aws.dynamodb import DynamoLedger
from canary_router.adapters.aws.events import EventBridgeNotifier
from canary_router.adapters.aws.functions import LambdaInvoker
from canary_router.adapters.aws.limits import AwsLimits
from canary_router.adapters.aws.metrics import EmbeddedMeter
from canary_router.adapters.aws.outbox import HeardOutbox
from canary_router.adapters.aws.parameters import SsmPointers
from canary_router.adapters.aws.rights import ProbedRights, RightsClients
from canary_router.adapters.aws.stacks import CloudFormationStacks, StepFunctionsActivities
from canary_router.adapters.aws.stepfunctions import StepFunctionsExecutions
from canary_router.adapters.clock import SystemClock
from canary_router.flows.outcome import Controller
from canary_router.flows.reconcile import Reconciler
from canary_router.ports import Ports
from canary_router.ports.delivery import Approvals
from canary_router.ports.operation import Activities, Caller, Functions, Limits, Nudge, Rights, Stacks
from canary_router.request_wiring import INVOKING, ORDINARY, new_id, print_line, router

__all__ = [
    "aws_approvals",
    "aws_controls",
    "aws_instruments",
    "aws_ports",
    "aws_stacks",
    "lambda_environment",
    "new_id",
    "reconciler",
    "retiring_environment",
    "router",
]


def aws_ports(session: boto3.Session, environment: str) -> Ports:
    """Ports over AWS, with the session's credentials and endpoints.

    Args:
        session: A boto3 session; clients are made from it once.
        environment: Name of the environment.
    """
    # No client repeats a call by itself. The adapters do, since they remember what an earlier attempt may have done;
    # and a second invocation may mean a second job, so about that the flow decides.
    once, invoking = (
        Config(connect_timeout=limits.connect, read_timeout=limits.answer, retries={"total_max_attempts": 1})
        for limits in (ORDINARY, INVOKING)
    )
    clock = SystemClock()
    ledger = DynamoLedger(session.client("dynamodb", config=once), settings.table_name(environment))
    return Ports(
        pointers=SsmPointers(session.client("ssm", config=once), environment),
        ledger=ledger,
        outbox=HeardOutbox(ledger),
        invoker=LambdaInvoker(session.client("lambda", config=invoking)),
        executions=StepFunctionsExecutions(session.client("stepfunctions", config=once)),
        notifier=EventBridgeNotifier(session.client("events", config=once)),
        meter=EmbeddedMeter(environment, clock, print_line),
        clock=clock,
    )


def aws_controls(session: boto3.Session, environment: str) -> tuple[Functions, Caller, Nudge]:
    """What a person at the controls needs besides the ports of the flows.

    Args:
        session: A boto3 session.
        environment: Name of the environment.
    """
    once = Config(connect_timeout=ORDINARY.connect, read_timeout=ORDINARY.answer, retries={"total_max_attempts": 1})
    functions = session.client("lambda", config=once)
    return (
        LambdaFunctions(functions),
        StsCaller(session.client("sts", config=once)),
        LambdaNudge(functions, environment),
    )


def aws_instruments(session: boto3.Session, environment: str) -> tuple[Rights, Limits]:
    """What a check-up needs besides.

    Args:
        session: A boto3 session.
        environment: Name of the environment.
    """
    once = Config(connect_timeout=ORDINARY.connect, read_timeout=ORDINARY.answer, retries={"total_max_attempts": 1})
    functions = session.client("lambda", config=once)
    clients = RightsClients(
        session.client("ssm", config=once),
        session.client("dynamodb", config=once),
        functions,
        session.client("stepfunctions", config=once),
    )
    limits = AwsLimits(session.client("apigateway", config=once), functions, environment)
    return ProbedRights(clients, environment), limits


def aws_approvals(service: str, stage: str) -> Approvals:
    """The question of a stage's pipeline, with the credentials and the endpoints of this process.

    Args:
        service: What the pipeline deploys.
        stage: Where it deploys.
    """
    once = Config(connect_timeout=ORDINARY.connect, read_timeout=ORDINARY.answer, retries={"total_max_attempts": 1})
    pipeline = settings.stage_pipeline_name(service, stage)
    return PipelineApprovals(boto3.client("codepipeline", config=once), pipeline)


def aws_stacks(session: boto3.Session, role_arn: str = "") -> tuple[Stacks, Activities]:
    """What is needed to retire stacks.

    Args:
        session: A boto3 session.
        role_arn: The role with which CloudFormation deletes them; empty for the session's own rights.
    """
    once = Config(connect_timeout=ORDINARY.connect, read_timeout=ORDINARY.answer, retries={"total_max_attempts": 1})
    return (
        CloudFormationStacks(session.client("cloudformation", config=once), role_arn),
        StepFunctionsActivities(session.client("stepfunctions", config=once)),
    )


def lambda_environment() -> tuple[Ports, settings.Settings]:
    """Ports and settings of a Lambda function, from its environment variables.

    Raises:
        ConfigurationError: A variable is missing or malformed.
    """
    config = settings.Settings.from_env(os.environ)
    return aws_ports(boto3.Session(), config.environment), config


def retiring_environment() -> tuple[tuple[Ports, Stacks, Activities], settings.Settings]:
    """What the function needs that retires old versions, from its environment variables.

    Raises:
        ConfigurationError: A variable is missing or malformed.
    """
    ports, config = lambda_environment()
    stacks, activities = aws_stacks(boto3.Session(), os.environ.get(settings.ENV_DELETION_ROLE, ""))
    return (ports, stacks, activities), config


def reconciler(ports: Ports, config: settings.Settings) -> tuple[Controller, Reconciler]:
    """The outcome flow of one run of the controller: the lease is taken under a name of its own."""
    controller = Controller(ports, config, owner=new_id())
    return controller, Reconciler(controller, config)
