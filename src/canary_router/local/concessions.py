"""What the emulator needs beside the permissions that AWS needs. Only apps that deploy to it use this.

The constructs state what AWS asks for, as narrow as it allows. Where the emulator names a resource differently, the
difference is granted here, in one visible place, so that everything else is still refused there as it is on AWS.
"""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from canary_router.cdk import CanaryRouter


def concede(router: CanaryRouter) -> None:
    """Grants a router's functions what the emulator asks for in another form.

    GetParameters names several parameters, and DescribeStacks all stacks: the emulator authorises both on no resource
    in particular. Nor does it know the tags of a stack when it authorises a call.

    Args:
        router: The router, in an app that is deployed to the emulator.
    """
    functions = router.functions
    pruning = () if functions.prune is None else (functions.prune,)
    for function in (functions.request, functions.outcome, functions.release, *pruning):
        function.function.add_to_role_policy(iam.PolicyStatement(actions=["ssm:GetParameters"], resources=["*"]))
    for function in pruning:
        function.function.add_to_role_policy(
            iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=["*"])
        )
        versions = Stack.of(router).format_arn(service="cloudformation", resource="stack", resource_name="*-v*/*")
        actions = ["cloudformation:DeleteStack", "cloudformation:DescribeStackEvents"]
        function.function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[versions]))
