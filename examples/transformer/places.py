"""Where one version finds what it did not make itself, and what of it is the version's own: its stack's name tells."""

from aws_cdk import ArnFormat, Stack
from constructs import Construct

from canary_router.cdk import Discover


class Places:
    """What a version discovers, and its own share of that.

    Args:
        scope: A construct in the version's stack.
        environment: Name of the environment.

    Attributes:
        stack: The version's stack.
        shared: What the shared stack publishes.
        search: What the search stack publishes.
    """

    def __init__(self, scope: Construct, environment: str) -> None:
        self.stack = Stack.of(scope)
        self.shared = Discover(scope, "Shared", environment=environment, stack="shared")
        self.search = Discover(scope, "Search", environment=environment, stack="search")

    @property
    def result_prefix(self) -> str:
        """Where the version's results are, so that no version can overwrite another's."""
        return f"{self.shared['result_prefix']}{self.stack.stack_name}/"

    @property
    def days_prefix(self) -> str:
        """Where its Spark jobs write."""
        return f"{self.shared['days_prefix']}{self.stack.stack_name}/"

    @property
    def index(self) -> str:
        """Name of its index, which OpenSearch wants in lower case."""
        return self.stack.stack_name.lower()

    @property
    def bucket_arn(self) -> str:
        """The bucket with the data and all that is made of it."""
        return f"arn:{self.stack.partition}:s3:::{self.shared['bucket']}"

    @property
    def index_arn(self) -> str:
        """The index, as permissions name it; calls to it have their path after that."""
        return f"{self.search['arn']}/{self.index}"

    @property
    def application_arn(self) -> str:
        """The application of EMR Serverless."""
        # Its resources begin with a slash, which no form of the CDK's writes.
        arn = self.stack.format_arn(service="emr-serverless", resource="", arn_format=ArnFormat.NO_RESOURCE_NAME)
        return f"{arn}/applications/{self.shared['spark_application_id']}"
