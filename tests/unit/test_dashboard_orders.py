"""Orders from the dashboard: asked about, given once, for what was shown, and told in words."""

import threading
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit import dashboard_states as worlds
from tests.unit.dashboard_visitor import PAGE, Visitor
from tests.unit.retirement_world import stack
from tests.unit.world import SERVICE, arn

from canary_router.adapters.memory import MemoryNudge
from canary_router.core.model import ReleaseState, Status
from canary_router.core.orders import OrderKind
from canary_router.flows.order_history import orders_given

WHO = "arn:aws:iam::123456789012:user/ann"


def test_promote_asks_with_the_counts_of_now_and_makes_the_release_current() -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    asked = visitor.gets(f"{PAGE}/orders/promote")
    assert (
        "Make v1.2.0 of transformer current in test, with 1 of 3 successes (1 succeeded, 0 failed, 2 running)?"
        in asked.words
    )
    assert world.release_state() is ReleaseState.OPEN  # asking does nothing
    seen = visitor.orders("promote", "looked at it")
    assert "v1.2.0 of transformer is current." in seen.words
    assert f"promoted by order of {WHO}: looked at it" in seen.words
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v1.2.0"), "none")


def test_pause_and_resume_say_what_they_mean() -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    assert "is paused: no more jobs are sent to it until you resume it." in visitor.orders("pause").words
    assert world.release_state() is ReleaseState.PAUSED
    assert "v1.2.0 of transformer goes on" in visitor.orders("resume").words
    assert world.release_state() is ReleaseState.OPEN


def test_abort_wants_a_reason_and_puts_it_on_record() -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    seen = visitor.orders("abort", "  ")
    assert (seen.status, world.release_state()) == (422, ReleaseState.OPEN)
    assert 'aria-invalid="true" aria-describedby="why-problem"' in seen.text
    assert f"Abort {world.release.release_id} of transformer?" in seen.words
    seen = visitor.orders("abort", "wrong \n totals")
    assert "v1.2.0 of transformer is turned away; current serves on." in seen.words
    (given, *_) = orders_given(world.ledger, SERVICE)
    assert (given.order.who, given.order.why, given.version) == (WHO, "wrong totals", "v1.2.0")
    assert given.counts == "1 succeeded, 0 failed, 2 running"


def test_rollback_names_the_version_and_what_it_turns_away() -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    asked = visitor.gets(f"{PAGE}/orders/rollback").words
    assert "Make v1.0.0 of transformer current again in test, and turn v1.2.0 away" in asked
    assert "v1.0.0 of transformer is current." in visitor.orders("rollback", "late").words
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v1.0.0"), "none")


def test_rollback_goes_to_the_version_that_was_asked_about_whatever_is_the_previous_one_by_then() -> None:
    world = worlds.asleep()  # v1.2.0, and v1.1.0 before
    visitor = Visitor(world)
    place = f"{PAGE}/orders/rollback"
    fields = visitor.gets(place).fields
    Visitor(world).orders("rollback")
    seen = visitor.sends(place, fields)
    assert (seen.status, seen.trouble.partition(".")[0]) == (409, "v1")
    assert "v1.1.0 is current already" in seen.trouble
    assert world.pointer("current") == arn("v1.1.0")


def test_a_rollback_to_a_version_whose_stack_is_being_deleted_is_not_even_asked_about() -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    going = stack("v1.0.0", status="DELETE_IN_PROGRESS")
    visitor.stacks.there[going.stack_id] = going
    seen = visitor.gets(f"{PAGE}/orders/rollback")
    assert seen.status == 409
    assert "its stack transformer-v1-0-0 is being deleted" in seen.trouble


def test_a_rollback_to_a_version_whose_pipeline_is_gone_is_not_even_asked_about() -> None:
    visitor = Visitor(worlds.asleep())
    visitor.functions.gone.add(arn("v1.1.0"))
    seen = visitor.gets(f"{PAGE}/orders/rollback")
    assert seen.status == 409
    assert "its pipeline function" in seen.trouble
    assert "is gone. Deploy its stack again" in seen.trouble
    assert f'href="{PAGE}">Back' in seen.text


def test_a_form_that_is_sent_twice_is_one_order() -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    place = f"{PAGE}/orders/pause"
    fields = visitor.gets(place).fields
    first = visitor.sends(place, fields)
    world.clock.advance(30)
    second = visitor.sends(place, fields)
    assert first.headers["Location"] == second.headers["Location"]
    assert [it.order.kind for it in orders_given(world.ledger, SERVICE)].count(OrderKind.PAUSE) == 1


def test_a_form_of_another_order_cannot_be_made_of_one() -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    fields = visitor.gets(f"{PAGE}/orders/pause").fields
    visitor.sends(f"{PAGE}/orders/pause", fields)
    seen = visitor.sends(f"{PAGE}/orders/promote", fields)
    assert seen.status == 422
    assert "This form was another one's." in seen.words
    assert world.release_state() is ReleaseState.PAUSED


def test_a_release_that_came_meanwhile_is_not_promoted_in_place_of_the_one_that_was_shown() -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    place = f"{PAGE}/orders/promote"
    fields = visitor.gets(place).fields
    world.write_latest("v1.3.0")
    world.reconcile()
    seen = visitor.sends(place, fields)
    assert seen.status == 409
    assert "(v1.3.0) took the place of" in seen.trouble
    assert world.pointer("current") == arn("v1.1.0")


@pytest.mark.parametrize(("kind", "why"), [("promote", ""), ("abort", "no")])
def test_without_a_release_on_trial_there_is_nothing_to_ask_about(kind: str, why: str) -> None:
    seen = Visitor(worlds.asleep()).orders(kind, why)
    assert seen.status == 409
    assert seen.trouble.startswith("transformer has no open release")


def test_a_reason_that_is_too_long_is_kept_to_be_shortened() -> None:
    world = worlds.holding()
    seen = Visitor(world).orders("abort", "x" * 501)
    assert seen.status == 422
    assert "501 characters, 500 are allowed" in seen.words
    assert seen.fields["why"] == "x" * 501
    assert world.release_state() is ReleaseState.OPEN


def test_an_order_whose_answer_is_lost_finds_its_own_effect() -> None:
    world = worlds.holding()
    world.ledger.lose_answers = [True]
    assert "is paused" in Visitor(world).orders("pause").words


def test_an_order_that_nobody_can_tell_of_is_offered_again_as_the_same_one() -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    world.ledger.lose_answers = [False] * 7 + [True]
    seen = visitor.orders("promote", "by hand")
    assert seen.status == 503
    assert "It is not known whether the order to promote was carried out" in seen.trouble
    assert "The same order can be sent again safely" in seen.words
    done = visitor.sends(f"{PAGE}/orders/promote", seen.fields)
    assert done.status == 303
    assert [it.order.kind for it in orders_given(world.ledger, SERVICE)].count(OrderKind.PROMOTE) == 1
    assert world.pointer("current") == arn("v1.2.0")


def test_a_table_that_is_down_lets_the_order_be_sent_again() -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    place = f"{PAGE}/orders/pause"
    fields = visitor.gets(place).fields
    world.ledger.down = True
    seen = visitor.sends(place, fields)
    assert (seen.status, seen.fields["order"]) == (503, fields["order"])
    assert seen.trouble
    world.ledger.down = False
    assert visitor.sends(place, seen.fields).status == 303
    assert world.release_state() is ReleaseState.PAUSED


def test_a_controller_that_cannot_be_told_is_said_and_what_follows_is_shown_when_it_comes() -> None:
    world = worlds.holding()
    visitor = Visitor(world, nudge=MemoryNudge(None))
    place = f"{PAGE}/orders/promote"
    led = visitor.sends(place, visitor.gets(place).fields).headers["Location"]
    seen = visitor.gets(led)
    assert "v1.2.0 of transformer becomes current: the controller writes the pointers." in seen.words
    assert "The controller could not be told at once; it will notice within a minute." in seen.words
    world.reconcile()
    assert "v1.2.0 of transformer is current." in visitor.gets(led).words


def test_an_order_is_answered_to_programs_as_the_command_line_answers_it() -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    place = f"{PAGE}/orders/abort"
    fields = visitor.gets(place).fields | {"why": "wrong totals"}
    document = visitor.sends(f"{place}.json", fields).document
    assert set(document) == {"environment", "service", "order", "release", "nudged"}
    assert (document["order"]["kind"], document["order"]["who"]) == ("abort", WHO)
    assert (document["release"]["state"], document["nudged"]) == ("ABORTED", True)


def test_a_release_that_is_resumed_with_its_successes_is_shown_as_what_becomes_of_it() -> None:
    world = worlds.paused()
    for execution in world.pipelines.executions():
        world.pipelines.end(execution.execution_arn, Status.SUCCEEDED)
    world.reconcile()
    assert "v1.2.0 of transformer is current." in Visitor(world).orders("resume").words


@pytest.mark.parametrize("kind", list(OrderKind))
def test_a_dashboard_that_only_shows_has_no_buttons_and_takes_no_orders(kind: OrderKind) -> None:
    world = worlds.paused() if kind is OrderKind.RESUME else worlds.holding()
    before, orders = world.release, orders_given(world.ledger, SERVICE)
    shown = Visitor(world, read_only=True)
    page = shown.gets(PAGE)
    assert "read only" in page.words
    assert "/orders/" not in page.text
    assert "<form" not in page.text
    place = f"{PAGE}/orders/{kind}"
    able = Visitor(world)
    fields = able.gets(place).fields | {"mark": shown.application.door.mark, "why": "because"}
    for seen in (shown.gets(place), shown.sends(place, fields)):
        assert (seen.status, seen.trouble) == (403, "This dashboard only shows: it was started with --read-only.")
    assert (world.release, orders_given(world.ledger, SERVICE)) == (before, orders)


def test_what_was_ordered_is_told_on_the_page_of_its_service_only() -> None:
    world = worlds.holding()
    worlds.neighbours(world)
    visitor = Visitor(world)
    place = f"{PAGE}/orders/pause"
    order_id = parse_qs(urlsplit(visitor.sends(place, visitor.gets(place).fields).headers["Location"]).query)["order"][
        0
    ]
    assert 'id="told"' in visitor.gets(f"{PAGE}?order={order_id}").text
    assert 'id="told"' not in visitor.gets(f"/services/billing-export?order={order_id}").text
    assert 'id="told"' not in visitor.gets(f"{PAGE}?order=0123456789abcdef").text


def test_the_process_waits_for_an_order_that_is_being_given_before_it_ends() -> None:
    world = worlds.holding()
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        begun.set()
        assert go_on.wait(20)
        world.reconcile()

    visitor = Visitor(world, nudge=MemoryNudge(slowly))
    ordering = threading.Thread(target=visitor.orders, args=("promote",))
    ordering.start()
    assert begun.wait(20)
    ending = threading.Thread(target=visitor.application.finish)
    ending.start()
    ending.join(0.2)
    assert ending.is_alive()
    go_on.set()
    ending.join(20)
    ordering.join(20)
    assert not ending.is_alive()
    assert world.pointer("current") == arn("v1.2.0")
