"""People who give orders, as with the command line: the same one again while nobody knows what became of it."""

from canary_router import settings
from canary_router.core.orders import Order, OrderKind
from canary_router.errors import CanaryRouterError, NotFound, OrderRefused, Unavailable
from canary_router.flows.orders import give_order, roll_back
from canary_router.sim.actors import Control, Stage
from canary_router.sim.journal import GivenOrder
from canary_router.sim.plans.orders import PlannedOrder
from canary_router.sim.scheduler import START, Task
from canary_router.sim.world import SERVICE

_TRIES = 3


class Operators:
    """Each order is given by a person of its own."""

    def __init__(self, stage: Stage, control: Control) -> None:
        """Args: the stage, and whom to nudge."""
        self._stage = stage
        self._control = control

    def plan(self, planned: PlannedOrder) -> None:
        """Plans an order."""
        self._stage.scheduler.at(START + planned.at * 1000, lambda: self._give(planned, None, 1, 0.0))

    def _give(self, planned: PlannedOrder, order: Order | None, number: int, delay: float) -> None:
        def run(task: Task) -> None:
            clock = self._stage.ports.clock
            given = order or Order(planned.name, planned.kind, SERVICE, planned.name, "", clock.now())
            sent, answer = self._stage.scheduler.now, "unknown"
            try:
                answer = self._answer(planned, given)
            finally:
                self._note(planned, given, sent, answer, task)
                if answer == "unknown" and number < _TRIES:
                    self._give(planned, given, number + 1, 1.0 + 20 * task.chance.random())

        self._stage.begin(f"{planned.name}.{number}", settings.OUTCOME_TIMEOUT, run, after=delay)

    def _answer(self, planned: PlannedOrder, order: Order) -> str:
        ports = self._stage.ports
        try:
            if planned.kind is OrderKind.ROLLBACK:
                release = roll_back(ports, order, planned.to)
            else:
                release = give_order(ports, order)
        except (OrderRefused, NotFound):
            return "refused"
        except Unavailable:
            return "not done"
        except CanaryRouterError:
            return "unknown"
        self._control.nudge(planned.name)
        return f"done {release.release_id}"

    def _note(self, planned: PlannedOrder, order: Order, sent: float, answer: str, task: Task) -> None:
        journal, now = self._stage.journal, self._stage.scheduler.now
        journal.orders.append(GivenOrder(order.order_id, planned.kind, planned.to, sent, now, answer))
        journal.say(now, task.name, f"{planned.kind}: {answer}")
