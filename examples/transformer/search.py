"""The search stack: where the versions' indexes are, deployed once per environment. It knows nothing of versions."""

from typing import Any

from aws_cdk import Acknowledgment, RemovalPolicy, Stack, Validations
from aws_cdk import aws_opensearchservice as opensearch
from constructs import Construct

from canary_router.cdk import Publish

_ONE_SMALL_NODE = "A sample's index is one small node; it can be written anew from the jobs' results"
ACCEPTED = {
    "OS1": "Functions outside of a VPC reach it, over TLS and with signed calls only",
    "OS3": "Functions have no addresses of their own; who may call is said by their roles",
    "OS4": _ONE_SMALL_NODE,
    "OS5": "It has no policy that would let anybody in: only signed calls of this account's roles are taken",
    "OS7": _ONE_SMALL_NODE,
    "OS9[LogExport::SEARCH_SLOW_LOGS]": "A search finds the days of one job by its id",
    "OS9[LogExport::INDEX_SLOW_LOGS]": "A job indexes at most 366 small documents",
}
"""What cdk-nag finds about the domain, and why that is accepted here; for data that matters more, it should not be."""

ENGINE = "OpenSearch_2.19"
GIGABYTES = 10


class SearchStack(Stack):
    """A small domain of Amazon OpenSearch Service; or, where an endpoint is given, that server instead.

    Args:
        scope: The app.
        environment: Name of the environment.
        endpoint: URL of a server that is there already; None makes a domain.
        **stack_options: What ``Stack`` takes, such as ``env`` and ``synthesizer``.
    """

    def __init__(
        self, scope: Construct, *, environment: str, endpoint: str | None = None, **stack_options: Any
    ) -> None:
        stack_name = f"transformer-search-{environment}"
        super().__init__(scope, stack_name, stack_name=stack_name, **stack_options)
        if endpoint is None:
            domain = self._domain()
            attributes = {"endpoint": f"https://{domain.attr_domain_endpoint}", "arn": domain.attr_arn}
        else:
            # What the versions' roles name must be an ARN, though nobody there asks for it.
            nowhere = self.format_arn(service="es", resource="domain", resource_name="elsewhere")
            attributes = {"endpoint": endpoint.rstrip("/"), "arn": nowhere}
        Publish(self, "Published", environment=environment, stack="search", attributes=attributes)

    def _domain(self) -> opensearch.CfnDomain:
        domain = opensearch.CfnDomain(
            self,
            "Domain",
            engine_version=ENGINE,
            cluster_config=opensearch.CfnDomain.ClusterConfigProperty(
                instance_type="t3.small.search", instance_count=1
            ),
            ebs_options=opensearch.CfnDomain.EBSOptionsProperty(
                ebs_enabled=True, volume_type="gp3", volume_size=GIGABYTES
            ),
            encryption_at_rest_options=opensearch.CfnDomain.EncryptionAtRestOptionsProperty(enabled=True),
            node_to_node_encryption_options=opensearch.CfnDomain.NodeToNodeEncryptionOptionsProperty(enabled=True),
            domain_endpoint_options=opensearch.CfnDomain.DomainEndpointOptionsProperty(
                enforce_https=True, tls_security_policy="Policy-Min-TLS-1-2-PFS-2023-10"
            ),
        )
        domain.apply_removal_policy(RemovalPolicy.DESTROY)
        Validations.of(domain).acknowledge(
            *(Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason) for rule, reason in ACCEPTED.items())
        )
        return domain
