"""One of the contract's events becomes a message to people."""

from canary_router.core.messages import message_of
from canary_router.errors import InvalidInput
from canary_router.ports.operation import Messenger
from canary_router.settings import EVENT_SOURCE


def send_notice(event: object, way: Messenger) -> dict[str, str]:
    """Sends the message of one of the contract's events.

    Args:
        event: What EventBridge gave.
        way: Where to.

    Raises:
        InvalidInput: It is no event of ours.
        Unavailable: It cannot be sent now.
        ConfigurationError: It cannot be sent as things are set up.
    """
    if not isinstance(event, dict) or event.get("source") != EVENT_SOURCE:
        raise InvalidInput("This is no event of the router's")
    message = message_of(event.get("detail-type"), event.get("detail"))
    way.send(message)
    return {"told": message.subject}
