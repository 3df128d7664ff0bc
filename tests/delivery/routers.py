"""The router of a stage, in an account of its own on the emulator."""

from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.delivery.accounts import Account
from tests.e2e.deployed import Deployed


class StageRouter(Deployed):
    """Its API is called with the key, as on AWS, and signed besides, so that the emulator knows the account."""

    def __init__(self, account: Account, stage: str) -> None:
        super().__init__(account.emulator, Path(account.emulator.state_dir), stage)

    def signed(self, method: str, url: str, body: str | bytes | None, headers: dict[str, str]) -> dict[str, str]:
        request = AWSRequest(method, url, data=body, headers=headers)
        root = Credentials(self.emulator.access_key_id, self.emulator.secret_access_key)
        SigV4Auth(root, "execute-api", self.emulator.region).add_auth(request)
        return dict(request.headers.items())
