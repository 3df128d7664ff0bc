"""What a person is told when something goes wrong: never the cause, which is the log's, always what to do."""

from http import HTTPStatus

from canary_router.errors import (
    AccessRefused,
    CanaryRouterError,
    ConfigurationError,
    InvalidInput,
    KeyReused,
    NotFound,
    NotStartedOnCurrent,
    StartUnknown,
    Throttled,
)

Told = tuple[HTTPStatus, str, str]
"""The status, what is wrong, what to do."""

_AGAIN = "Nothing was started. Submit again in a moment; it cannot become two jobs."


def when_submitted(error: CanaryRouterError) -> Told:
    """After a form was sent."""
    match error:
        case StartUnknown():
            return (
                HTTPStatus.GATEWAY_TIMEOUT,
                "It is not known whether the job was started.",
                "Submit this form again: the answer will be the one job, started now or then.",
            )
        case KeyReused():
            return (
                HTTPStatus.CONFLICT,
                "This form was sent before, with other values.",
                "Nothing was started this time. Submit again to start a new job with the values below.",
            )
        case InvalidInput():
            return HTTPStatus.BAD_REQUEST, "The service refuses this request.", "Check the values below."
        case NotStartedOnCurrent():
            return HTTPStatus.BAD_GATEWAY, "The job could not be started.", "Nothing runs. Submit again in a moment."
        case Throttled():
            return HTTPStatus.SERVICE_UNAVAILABLE, "There is more to do than the service takes at this moment.", _AGAIN
        case AccessRefused() | ConfigurationError() | NotFound():
            return HTTPStatus.INTERNAL_SERVER_ERROR, "This page cannot hand in jobs.", _SET_UP
        case _:
            return HTTPStatus.SERVICE_UNAVAILABLE, "The service does not take jobs at this moment.", _AGAIN


def when_asked(error: CanaryRouterError) -> Told:
    """When a job was asked after. Nothing happens to the job by this."""
    match error:
        case NotFound() | InvalidInput():
            return NO_SUCH_JOB
        case AccessRefused() | ConfigurationError():
            return HTTPStatus.INTERNAL_SERVER_ERROR, "This page cannot ask after jobs.", _SET_UP
        case _:
            return (
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The service does not answer at this moment.",
                "The job goes on without this page. Reload in a moment.",
            )


_SET_UP = "Nothing was started. Trying again will not help: tell those who run this page; its log has the cause."
NO_SUCH_JOB: Told = (
    HTTPStatus.NOT_FOUND,
    "There is no such job.",
    "Check the address; a job's page is where its form led to.",
)
NO_SUCH_PAGE: Told = (HTTPStatus.NOT_FOUND, "There is no such page.", "Begin at the form.")
NOT_THIS_WAY: Told = (HTTPStatus.METHOD_NOT_ALLOWED, "This cannot be done that way.", "Begin at the form.")
TOO_LARGE: Told = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The form is too large.", "Begin at the form.")
NOT_A_FORM: Told = (HTTPStatus.BAD_REQUEST, "The form could not be read.", "Begin at the form again.")
FROM_ELSEWHERE: Told = (
    HTTPStatus.FORBIDDEN,
    "This request came from another site.",
    "Nothing was started. Use the form of this page.",
)
OURS: Told = (
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "Something went wrong here.",
    "If you had submitted a job, go back and submit the same form again: it cannot become two jobs.",
)
