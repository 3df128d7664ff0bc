"""Every error of the project, under one root.

An error names the thing that is wrong and carries ``advice``: what the reader can do about it.
Ports promise which of these escape from them (see ``ports.py``); nothing else should.
"""


class CanaryRouterError(Exception):
    """Root of all errors that the project raises on purpose.

    Args:
        message: What is wrong, naming the thing.
        advice: What to do about it, as one sentence; empty when there is nothing to do.
    """

    def __init__(self, message: str, *, advice: str = "") -> None:
        # A message may quote what came from outside; a lone surrogate in it could be neither logged nor sent on.
        super().__init__(message.encode("utf-8", "backslashreplace").decode())
        self.advice = advice
        if advice:
            self.add_note(advice)  # so that a traceback, at a synthesis for example, shows it too


class InvalidInput(CanaryRouterError):
    """Something given from outside does not have the form that the contract asks for."""


class InvalidPolicy(InvalidInput):
    """A policy document is refused; the message names the key."""


class NotFound(CanaryRouterError):
    """The service, release or transform that was named does not exist."""


NAMESPACE_STACK = "namespace"
"""Under this name ``PublishFirst`` publishes the namespace that it makes, whichever stack it is in."""


class NotPublished(NotFound):
    """A stack has not published the attribute that another one, or an application, asked for.

    Args:
        environment: Name of the environment.
        stack: Name under which the stack publishes.
        attribute: Name of the attribute; empty when the stack has published nothing at all.
        place: Where it should be and is not.
    """

    def __init__(self, environment: str, stack: str, attribute: str, place: str) -> None:
        self.environment, self.stack, self.attribute = environment, stack, attribute
        super().__init__(
            f"The stack {stack!r} has not published {repr(attribute) if attribute else 'anything'} "
            f"in the environment {environment!r}: it is not in {place}",
            advice=(
                f"Deploy the stack that makes the namespace of {environment!r}, by PublishFirst, first; "
                if stack == NAMESPACE_STACK
                else f"Deploy the stack {stack!r} of {environment!r} first, with this attribute in its Publish; "
            )
            + "or look whether environment, account and region are the ones you mean.",
        )


class KeyReused(CanaryRouterError):
    """An ``Idempotency-Key`` came back with another body."""


class Unavailable(CanaryRouterError):
    """A dependency could not be reached or refused, and nothing was changed by the call."""


class MalformedRecord(Unavailable):
    """An item of the table does not have the form that this version of the project writes and reads."""


class NotVisible(Unavailable):
    """The other side refuses to say whether there is such a thing: it belongs to another account, or region."""


class Throttled(Unavailable):
    """There are more calls than the other side takes at this moment."""


class AccessRefused(CanaryRouterError):
    """The other side knows what was asked for, and refuses it to this caller."""


class OrderRefused(CanaryRouterError):
    """A person's order cannot be carried out on what is there now. Nothing was changed."""


class NotInTime(CanaryRouterError):
    """What was waited for had not happened when the time was over. It may still happen."""


class Uncertain(CanaryRouterError):
    """A write was sent and its answer was lost: it may or may not have happened."""


class ConfigurationError(CanaryRouterError):
    """The program was started with settings that it cannot work with."""


class NoCurrentVersion(CanaryRouterError):
    """There is no version that could serve, or the pointer to it cannot be read."""


class RecordUnavailable(CanaryRouterError):
    """A job asked for once-only, and the record that could promise that does not answer. Nothing was started."""


class _StartError(CanaryRouterError):
    def __init__(self, message: str, *, transform_id: str | None = None, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.transform_id = transform_id


class NotStartedOnCurrent(_StartError):
    """The current version's pipeline did not start the job ``transform_id``, for certain."""


class StartUnknown(_StartError):
    """It is not known whether the job was started; ``transform_id`` is its id, where one was given out."""


class InputTooLarge(InvalidInput):
    """A job's input is larger than Step Functions takes."""
