"""Looks for what keeps a router from doing its work, or people from looking after it. Reads only.

- A check is a name and a function from the patient to findings; ``CHECKS`` is all of them, in their order.
- A check that cannot be made is told as that, and hides none of the others.
- Each finding says what is wrong, with which service, and what to do about it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from canary_router import settings
from canary_router.core import records
from canary_router.core.model import Version
from canary_router.errors import AccessRefused, CanaryRouterError, NotFound, NotVisible
from canary_router.flows.doctor_releases import Trouble, stuck
from canary_router.flows.inspect import ServiceView, service_view
from canary_router.ports import Ports
from canary_router.ports.operation import Caller, Door, Functions, Limits, Rights

_CLOCK_SECONDS = 30
"""AWS refuses requests that are five minutes off; the dates of orders and deadlines are wrong long before."""
_DEPLOY = "Deploy the router's stack again. Are environment, account and region the ones you mean?"


@dataclass(frozen=True)
class Instruments:
    """What only a check-up needs."""

    rights: Rights
    limits: Limits
    door: Door


@dataclass(frozen=True)
class Patient:
    """A router, and whoever looks after it."""

    environment: str
    ports: Ports
    functions: Functions
    caller: Caller
    instruments: Instruments

    def served(self) -> tuple[str, ...]:
        """Services that the router says it serves; none where it does not say, or may not be asked."""
        try:
            router = self.functions.find(settings.function_name(self.environment, "request"))
        except NotVisible:
            return ()
        names = "" if router is None else router.variables.get(settings.ENV_SERVICES, "")
        return tuple(name for name in names.split(",") if name)

    def services(self) -> tuple[str, ...]:
        """Those that are served, and those that have parameters."""
        return tuple(sorted({*self.served(), *self.ports.pointers.services()}))

    def views(self) -> Iterator[ServiceView]:
        """The services that were ever released."""
        for service in self.services():
            try:
                yield service_view(self.ports, service)
            except NotFound:
                continue


class State(StrEnum):
    """What a check came to."""

    OK = "ok"
    TROUBLE = "trouble"
    UNCHECKED = "unchecked"
    """The caller may not look there."""


@dataclass(frozen=True)
class Finding:
    """Something to be mended.

    Attributes:
        subject: The service that it is about; empty for the router as a whole.
    """

    subject: str
    text: str
    remedy: str


@dataclass(frozen=True)
class Checked:
    """A check with what it found."""

    name: str
    state: State
    findings: tuple[Finding, ...] = ()


Check = Callable[[Patient], Iterator[Finding]]


def examine(patient: Patient) -> Iterator[Checked]:
    """Makes every check, one after the other."""
    for name, check in CHECKS:
        yield _made(name, check, patient)


def _made(name: str, check: Check, patient: Patient) -> Checked:
    found: list[Finding] = []
    try:
        found.extend(check(patient))
    except NotVisible as error:
        if not found:
            return Checked(name, State.UNCHECKED, (Finding("", str(error), "Ask for the right to look, or skip it."),))
    except CanaryRouterError as error:
        found.append(Finding("", str(error), error.advice or "Look into the cause that is named, and ask again."))
    return Checked(name, State.TROUBLE if found else State.OK, tuple(found))


def _clock(patient: Patient) -> Iterator[Finding]:
    ahead = patient.caller.seconds_ahead()
    if abs(ahead) > _CLOCK_SECONDS:
        way = "ahead of" if ahead > 0 else "behind"
        yield Finding(
            "",
            f"This machine's clock is {abs(ahead):.0f} s {way} AWS's; AWS refuses requests that are 300 s off",
            "Set it by NTP: timedatectl set-ntp true.",
        )


def _router(patient: Patient) -> Iterator[Finding]:
    for role in ("request", "outcome", "release"):
        name = settings.function_name(patient.environment, role)
        function = patient.functions.find(name)
        if function is None:
            yield Finding("", f"The router's function {name} is not there", _DEPLOY)
        elif function.state != "Active":
            yield Finding("", f"The router's function {name} is {function.state}, not Active", _DEPLOY)


def _record(patient: Patient) -> Iterator[Finding]:
    try:
        patient.ports.ledger.get(records.state_key("canary-router-doctor"))
    except CanaryRouterError as error:
        table = settings.table_name(patient.environment)
        yield Finding("", f"The table {table} cannot be read: {error}", f"Does it exist here? {_DEPLOY}")


def _parameters(patient: Patient) -> Iterator[Finding]:
    served = patient.served()
    for service in patient.services():
        current, latest = (
            settings.parameter_name(patient.environment, service, leaf) for leaf in ("current", "latest")
        )
        readings = patient.ports.pointers.read(service)
        if served and service not in served:
            yield Finding(
                service,
                f"It has parameters, but the router serves {', '.join(served)}",
                "Add it to the router's construct and deploy that, or delete its parameters.",
            )
        elif readings.current is None or readings.current.is_blank:
            how = "missing" if readings.current is None else "blank"
            yield Finding(
                service,
                f"{current} is {how}: its requests are answered with 503",
                f"Release a first version: deploy its stack, or canary-router release {service} ARN.",
            )
        elif readings.latest is None:
            yield Finding(
                service,
                f"{latest} is missing: nothing can be tried out",
                "The next deployment of a version makes it, as does canary-router release.",
            )
    for view in patient.views():
        for problem in view.pointers.problems:
            yield Finding(
                view.pointers.service,
                problem,
                f"Correct it: aws ssm put-parameter --overwrite --name /canary-router/{patient.environment}/"
                f"{view.pointers.service}/... --value ...",
            )


def _pipelines(patient: Patient) -> Iterator[Finding]:
    for view in patient.views():
        service = view.pointers.service
        targets = {
            "current": (
                view.pointers.current,
                f"Go back: canary-router rollback {service}; or deploy its stack again.",
            ),
            "latest": (
                view.pointers.latest,
                f"Turn it away: canary-router abort {service} --reason 'its stack is gone'.",
            ),
            "previous": (
                view.state.previous,
                "Nothing can be rolled back to it; deploy its stack again if that matters.",
            ),
        }
        for pointer, (target, remedy) in targets.items():
            if not isinstance(target, Version):
                continue
            function = patient.functions.find(target.arn)
            if function is None:
                yield Finding(service, f"{pointer} is {target.tag}, whose function {target.arn} is gone", remedy)
            elif function.state != "Active":
                yield Finding(
                    service,
                    f"{pointer} is {target.tag}, whose function is {function.state}, not Active",
                    f"See why: aws lambda get-function-configuration --function-name {target.arn}",
                )


def _releases(patient: Patient) -> Iterator[Finding]:
    for view in patient.views():
        found: Trouble | None = stuck(patient.ports, patient.environment, view)
        if found is not None:
            yield Finding(view.pointers.service, found.text, found.remedy)


def _key(patient: Patient) -> Iterator[Finding]:
    name = next(iter(patient.services()), "canary-router-doctor")
    try:
        patient.instruments.door.knock(name)
    except AccessRefused as error:
        yield Finding(
            "",
            f"The router was asked as a front-end asks it, and: {error}",
            error.advice or "The secret that Cloud Map names must hold the key of the API's usage plan.",
        )


def _limits(patient: Patient) -> Iterator[Finding]:
    limits = patient.instruments.limits
    api, account = limits.api(), limits.account()
    if api is None:
        yield Finding("", f"There is no API canary-router-{patient.environment} in this account and region", _DEPLOY)
        return
    if (api.rate is not None and api.rate < 1) or (api.burst is not None and api.burst < 1):
        yield Finding("", "The router's API lets no request through", "Raise requests_per_second and burst.")
    for name, ours, theirs in (("a second", api.rate, account.rate), ("at once", api.burst, account.burst)):
        if ours is not None and theirs is not None and theirs < ours:
            yield Finding(
                "",
                f"The router lets {ours:g} requests {name} through, but all APIs of the account together {theirs:g}",
                "Ask AWS for a higher quota of API Gateway, or lower the router's own throttle to what there is.",
            )
    at_once = limits.concurrency()
    if api.burst is not None and at_once < 2 * api.burst:
        yield Finding(
            "",
            f"{at_once} functions may run at once, but {api.burst} requests at once need {2 * api.burst}: "
            "the router's and a pipeline's each",
            "Ask AWS for more concurrent executions of Lambda (L-B99A9384), or lower the router's burst.",
        )


def _rights(patient: Patient) -> Iterator[Finding]:
    who = patient.caller.who()
    told: set[tuple[str, str]] = set()
    for service in patient.services():
        for right in patient.instruments.rights.missing(service):
            if (right.action, right.resource) in told:  # the table and the functions are every service's
                continue
            told.add((right.action, right.resource))
            yield Finding(
                service,
                f"You ({who}) may not {right.action} on {right.resource}, which is for: {right.needed_for}",
                "Ask for it, or give --profile with one that has it.",
            )


CHECKS: tuple[tuple[str, Check], ...] = (
    ("clock", _clock),
    ("router", _router),
    ("table", _record),
    ("parameters", _parameters),
    ("pipelines", _pipelines),
    ("releases", _releases),
    ("key", _key),
    ("limits", _limits),
    ("rights", _rights),
)
