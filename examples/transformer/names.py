"""Where the shared data is, by convention: immutable stacks find it without asking the stack that made it.

An immutable stack must be deployable and deletable on its own, beside others. A CloudFormation export would tie the
shared stack to every version that ever read it; a name ties nobody.
"""

from dataclasses import dataclass

from transformer.job.queries import TABLE

__all__ = ["DATA_FILE", "TABLE", "SharedData"]

DATA_FILE = "seattle-weather.csv"


@dataclass(frozen=True)
class SharedData:
    """The names of an environment's shared data in one account and region.

    Attributes:
        environment: Name of the environment, for example ``staging``.
        account: Account number, or the token that stands for it in a template.
        region: Region, or the token that stands for it in a template.
    """

    environment: str
    account: str
    region: str

    @property
    def stack(self) -> str:
        """The stack that owns the data."""
        return f"transformer-shared-{self.environment}"

    @property
    def bucket(self) -> str:
        """The bucket. Such names are unique in the whole world, hence account and region."""
        return f"transformer-{self.environment}-{self.account}-{self.region}"

    @property
    def database(self) -> str:
        """The Glue database, in which ``TABLE`` is."""
        return f"transformer_{self.environment.replace('-', '_')}"

    @property
    def work_group(self) -> str:
        """The Athena work group, which says where the results of queries go."""
        return f"transformer-{self.environment}"

    data_prefix = "daily-weather/"
    """The table's files: everything under this prefix is read as rows."""

    query_prefix = "queries/"
    """Athena's results, which expire after a week."""

    @staticmethod
    def result_prefix(version_stack: str) -> str:
        """Where one version writes its results, so that no version can overwrite another's."""
        return f"results/{version_stack}/"
