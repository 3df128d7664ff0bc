"""How a call to AWS fails when boto3 does not make it. ``trouble.py`` understands these and botocore's alike."""

from typing import Any


class CallFailed(Exception):
    """Root of what a call over the wire raises."""


class ServiceError(CallFailed):
    """The service answered with an error. ``response`` has the form that botocore's ``ClientError`` gives it."""

    def __init__(self, operation: str, response: dict[str, Any]) -> None:
        error = response["Error"]
        super().__init__(f"An error occurred ({error['Code']}) when calling {operation}: {error['Message']}")
        self.response = response


class NotSent(CallFailed):
    """The request did not leave as a whole, so the service cannot have carried it out."""


class NotSendable(NotSent):
    """The request cannot be made. Another attempt changes nothing about it."""


class NoCredentials(NotSendable):
    """There is nothing to sign with."""


class NoAnswer(CallFailed):
    """The request left, and no whole answer came back."""

    def __init__(self, message: str, *, closed: bool) -> None:
        super().__init__(message)
        self.closed = closed
        """Whether the other side closed the connection without one byte of an answer. One that was kept idle it had
        most likely closed before the request arrived."""
