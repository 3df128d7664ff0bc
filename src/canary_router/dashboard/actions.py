"""Orders from the pages: asked about first, given once however often the button is pressed, told in words.

A form names what it is about, so what was agreed to is what is done, and carries its order's id: sent twice, it is one
order, which finds its own effect.
"""

import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from canary_router import documents
from canary_router.core.model import Release
from canary_router.core.order_words import became, on_trial, question, rollback_question
from canary_router.core.orders import Order, OrderKind
from canary_router.dashboard.controls import Controls
from canary_router.dashboard.pages import Page
from canary_router.errors import InvalidInput, OrderRefused, Unavailable, Uncertain
from canary_router.flows.inspect import release_now, service_view
from canary_router.flows.orders import give_order, roll_back, rollback_target, surely

_ORDER_ID = re.compile(r"[0-9a-f]{16}")
_MEANT = re.compile(r"[A-Za-z0-9.:$_-]{1,210}")
"""A release's id, or a version's tag: which for a pipeline with a name of its own is its name and qualifier."""
_KEPT_AT_MOST = 500
_LABELS = {
    OrderKind.PROMOTE: ("Promote", "It becomes current now, without more successes."),
    OrderKind.ABORT: (
        "Abort",
        "It is not tried again unless it is released anew. Its jobs that run go on to their end.",
    ),
    OrderKind.PAUSE: ("Pause", "Its jobs that run still count, and a failure or its deadline still aborts it."),
    OrderKind.RESUME: ("Resume", "If it has its successes already, it becomes current with it."),
    OrderKind.ROLLBACK: (
        "Roll back",
        "Nothing is deployed: its stack is still there. Jobs that run go on to their end.",
    ),
}


@dataclass(frozen=True)
class _Given:
    order: Order
    release: Release
    nudged: bool


class Actions:
    """Gives orders for whoever sits at the browser.

    Args:
        controls: The world.
        mark: What every form carries.
    """

    def __init__(self, controls: Controls, mark: str) -> None:
        self._controls = controls
        self._mark = mark
        self._orders: OrderedDict[str, Order] = OrderedDict()
        self._given: OrderedDict[str, _Given] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, service: str, kind: OrderKind) -> Page:
        """The page that asks before an order is given.

        Raises:
            NotFound, OrderRefused, Unavailable: There is nothing to ask about.
        """
        ports, environment = self._controls.ports, self._controls.environment
        if kind is OrderKind.ROLLBACK:
            target = rollback_target(ports, service, None, self._controls.functions, self._controls.stacks)
            asked = rollback_question(environment, service, target, service_view(ports, service).release)
            return self._form(service, kind, target.tag, {"question": asked})
        view = service_view(ports, service)
        trial = on_trial(view.pointers, view.release)
        if trial is None:
            raise OrderRefused(
                f"{service} has no open release", advice="There is nothing to order until a version is released."
            )
        return self._form(service, kind, trial.release_id, {"question": question(kind, environment, service, trial)})

    def give(self, service: str, kind: OrderKind, form: Mapping[str, str]) -> "Page | str":
        """Gives the order that a form stands for: its id, or the form again when it has to be sent again.

        Raises:
            InvalidInput: It is none of our forms.
            NotFound, OrderRefused: It cannot be carried out; nothing was done.
        """
        order_id, meant = form.get("order", ""), form.get("meant", "")
        why = " ".join(form.get("why", "").split())
        if not _ORDER_ID.fullmatch(order_id) or not _MEANT.fullmatch(meant):
            raise InvalidInput("This is none of the dashboard's forms", advice="Begin at the service's page.")
        to = " to" if kind is OrderKind.ROLLBACK else ""
        sent = {"order_id": order_id, "why": why, "question": f"{_LABELS[kind][0]}{to} {meant} of {service}?"}
        if kind is OrderKind.ABORT and not why:
            problem = {"why_problem": "Say why: it is for the record, and for those who are told."}
            return self._form(service, kind, meant, sent | problem, HTTPStatus.UNPROCESSABLE_ENTITY)
        # One at a time: two clicks are one order, and neither has to find the other's traces.
        with self._lock:
            try:
                order = self._order(order_id, kind, service, why)
                release = surely(lambda: self._carry_out(order, meant), order)
            except InvalidInput as error:
                problem = {"why_problem": f"{error}. {error.advice}"}
                return self._form(service, kind, meant, sent | problem, HTTPStatus.UNPROCESSABLE_ENTITY)
            except (Unavailable, Uncertain) as error:
                again = {"trouble": self._controls.advise(error), "is_again": True}
                return self._form(service, kind, meant, sent | again, HTTPStatus.SERVICE_UNAVAILABLE)
            _keep(self._given, order_id, _Given(order, release, self._nudged()))
        return order_id

    def told(self, service: str, order_id: str) -> dict[str, Any] | None:
        """What became of an order by now; None for one that was not given here.

        Raises:
            Unavailable: The table does not answer.
        """
        given = self._given.get(order_id)
        if given is None or given.order.service != service:
            return None
        release = release_now(self._controls.ports.ledger, given.release)
        return {"sentence": became(release), "release": release, "order": given.order, "nudged": given.nudged}

    def document(self, order_id: str) -> dict[str, Any]:
        """An order that was given, as the command line answers it."""
        given = self._given[order_id]
        release = release_now(self._controls.ports.ledger, given.release)
        return documents.order_document(self._controls.environment, given.order, release, nudged=given.nudged)

    def finish(self, seconds: float = 10.0) -> None:
        """Waits for an order that is being given, since the process is about to end."""
        if self._lock.acquire(timeout=seconds):
            self._lock.release()

    def _order(self, order_id: str, kind: OrderKind, service: str, why: str) -> Order:
        """The order of a form; sent again, the same one: its time is part of its place on record."""
        known = self._orders.get(order_id)
        if known is None:
            known = Order(order_id, kind, service, self._controls.caller.who(), why, self._controls.ports.clock.now())
            _keep(self._orders, order_id, known)
        if (known.kind, known.service) != (kind, service):
            raise InvalidInput("This form was another one's", advice="Begin at the service's page.")
        return known

    def _carry_out(self, order: Order, meant: str) -> Release:
        if order.kind is OrderKind.ROLLBACK:
            controls = self._controls
            return roll_back(controls.ports, order, meant, controls.functions, controls.stacks)
        return give_order(self._controls.ports, order, meant)

    def _nudged(self) -> bool:
        try:
            self._controls.nudge.nudge()
        except Unavailable:
            return False  # its schedule comes to it within a minute, and the page says so
        return True

    def _form(
        self,
        service: str,
        kind: OrderKind,
        meant: str,
        said: Mapping[str, Any],
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Page:
        label, consequence = _LABELS[kind]
        facts = {
            "service": service,
            "kind": kind.value,
            "label": label,
            "consequence": consequence,
            "meant": meant,
            "mark": self._mark,
            "order_id": secrets.token_hex(8),
            "why": "",
            "why_problem": "",
            "is_again": False,
            **said,
        }
        document = {
            "environment": self._controls.environment,
            "service": service,
            "kind": kind.value,
            "question": facts["question"],
            "meant": meant,
            "problem": facts["why_problem"] or facts.get("trouble", "") or None,
        }
        return Page("order.html", facts, document, status)


def _keep(kept: OrderedDict[str, Any], order_id: str, value: object) -> None:
    kept[order_id] = value
    while len(kept) > _KEPT_AT_MOST:
        kept.popitem(last=False)
