"""The dashboard in a real browser: what a person sees and does. Screenshots stay in ``build/screenshots``."""

import re
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.functional.dashboard_world import Served, served
from tests.unit import dashboard_states as worlds
from tests.unit.world import SERVICE, World, arn

from canary_router.core.model import ReleaseState, Status
from canary_router.core.orders import OrderKind
from canary_router.local.home import tools_home
from canary_router.local.toolchain import Toolchain

SHOTS = Path(__file__).parents[2] / "build" / "screenshots" / "dashboard"
AXE = Path(__file__).with_name("axe")
WIDTHS = {"desktop": 1100, "phone": 390}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIOLATIONS = """async (rules) => {
  const found = await axe.run(document, { runOnly: { type: "tag", values: rules } });
  return found.violations.flatMap((it) => it.nodes.map((node) => `${it.id}: ${node.html.slice(0, 200)}`));
}"""
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def axe() -> str:
    """The program that looks for what keeps people from using a page; npm fetches it at the first time."""
    return (Toolchain(tools_home()).node_modules("axe", AXE) / "axe-core" / "axe.min.js").read_text()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Opens windows. At the end none of them may have seen a fault of the pages' own."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_window(
        dashboard: Served, path: str = f"/services/{SERVICE}", *, width: int = 1100, scheme: str = "light", **more: Any
    ) -> Page:
        options: dict[str, Any] = {"reduced_motion": "reduce", "java_script_enabled": True} | more
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
            base_url=dashboard.server.url,
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        # What the server answered is the test's business; a refusal by the Content-Security-Policy is a fault.
        page.on("console", lambda it: None if "Failed to load resource" in it.text else faults.append(it.text))
        page.goto(dashboard.entrance)
        if path != "/services":
            page.goto(path)
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert faults == []


def see(page: Page, text: str, seconds: float = 30) -> None:
    """Waits until the line that is read out says this."""
    expect(page.locator("#news")).to_contain_text(text, timeout=seconds * 1000)


def end_one(world: World, status: Status = Status.SUCCEEDED) -> None:
    """One of the jobs that run ends, and the controller is told."""
    job = next(it for it in worlds.jobs_of(world, world.release) if it.settled_at is None)
    world.end(job, status)


def looks_right(page: Page, axe: str, name: str) -> None:
    """Keeps a screenshot, and holds the page to its width and to WCAG's level AA."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
    size = page.viewport_size
    assert size is not None
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.evaluate(axe)
    assert page.evaluate(VIOLATIONS, RULES) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", WIDTHS)
@pytest.mark.parametrize("state", worlds.STATES)
def test_each_state_fits_its_window_and_can_be_used_by_everybody(
    state: str, size: str, scheme: str, opened: Open, axe: str
) -> None:
    with served(worlds.STATES[state]()) as dashboard:
        page = opened(dashboard, width=WIDTHS[size], scheme=scheme)
        looks_right(page, axe, f"{state}-{size}-{scheme}")
        is_dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 21, 29)"
        assert is_dark is (scheme == "dark")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [*WIDTHS, "narrow"])
def test_every_other_page_does_too(size: str, scheme: str, opened: Open, axe: str) -> None:
    world = worlds.holding()
    worlds.neighbours(world)
    with served(world) as dashboard:
        page = opened(dashboard, "/services", width=WIDTHS.get(size, 320), scheme=scheme)
        looks_right(page, axe, f"services-{size}-{scheme}")
        for name, path in (
            ("service", ""),
            ("release", f"/releases/{world.release.release_id}"),
            ("job", f"/jobs/{worlds.jobs_of(world, world.release)[0].transform_id}"),
            ("missing", "/releases/nothing"),
            ("abort", "/orders/abort"),
        ):
            page.goto(f"/services/{SERVICE}{path}")
            looks_right(page, axe, f"{name}-{size}-{scheme}")
        page.locator("#why").evaluate("(it) => it.form.noValidate = true")
        page.get_by_role("button", name="Abort").click()
        expect(page.get_by_label("Why")).to_be_focused()
        looks_right(page, axe, f"abort-refused-{size}-{scheme}")
        page.get_by_label("Why").fill("wrong totals in the report")
        page.get_by_role("button", name="Abort").click()
        expect(page.locator("#told")).to_contain_text("v1.2.0 of transformer is turned away")
        looks_right(page, axe, f"ordered-{size}-{scheme}")


def test_a_page_follows_a_release_without_a_reload_and_leaves_the_focus_where_it_is(opened: Open) -> None:
    world = worlds.holding()
    with served(world) as dashboard:
        page = opened(dashboard)
        expect(page).to_have_title(re.compile("^On trial 1/3: transformer"))
        page.evaluate("window.stayed = true")
        page.get_by_role("link", name="Pause…").focus()
        end_one(world)
        see(page, "v1.2.0 waits for 1 job to end.")
        expect(page).to_have_title(re.compile("^On trial 2/3"))
        expect(page.get_by_role("img", name="Of 3 jobs 2 succeeded")).to_be_visible()
        expect(page.get_by_role("link", name="Pause…")).to_be_focused()
        end_one(world)
        see(page, "v1.2.0 has passed its canary. v1.2.0 serves every request")
        expect(page.locator("section.pointers .tag")).to_have_text(["v1.2.0", "none"])
        expect(page.locator("#history li").first).to_contain_text("3 of 3 required jobs succeeded")
        expect(page.get_by_role("link", name="Pause…")).to_have_count(0)
        expect(page.get_by_role("main")).to_be_focused()  # what had the focus is gone
        assert page.evaluate("window.stayed") is True


def test_a_tab_that_was_asleep_shows_what_is_true_as_soon_as_it_wakes(opened: Open) -> None:
    world = worlds.holding()
    with served(world) as dashboard:
        page = opened(dashboard, "/services")
        page.clock.install()
        page.goto(f"/services/{SERVICE}")
        page.clock.pause_at("2099-01-01")
        page.wait_for_timeout(300)
        end_one(world, Status.FAILED)
        page.wait_for_timeout(3000)
        assert "waits for 2 jobs" in page.locator("#news").inner_text()  # no timer runs in a machine that sleeps
        page.clock.fast_forward(8 * 3_600_000)
        see(page, "v1.2.0 was turned away.")
        world.write_latest("v1.3.0")
        world.reconcile()
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when its tab is chosen again
        see(page, "v1.3.0 waits for 3 jobs to be sent to it.")


def test_a_page_outlasts_an_aws_that_does_not_answer_and_says_what_to_do(opened: Open) -> None:
    world = worlds.holding()
    with served(world) as dashboard:
        page = opened(dashboard)
        world.ledger.down = True
        expect(page.get_by_role("alert")).to_contain_text("the table is down", timeout=20_000)
        expect(page.locator("#seen")).to_have_class(re.compile("late"))
        expect(page.get_by_role("heading", name="Release of v1.2.0")).to_be_visible()
        world.ledger.down = False
        end_one(world)
        see(page, "v1.2.0 waits for 1 job to end.", seconds=60)
        expect(page.get_by_role("alert")).to_be_hidden()


def test_a_page_that_met_an_error_first_comes_by_itself_when_it_is_over(opened: Open) -> None:
    world = worlds.holding()
    world.ledger.down = True
    with served(world) as dashboard:
        page = opened(dashboard)
        expect(page.get_by_role("alert")).to_contain_text("the table is down")
        world.ledger.down = False
        see(page, "v1.2.0 waits for 2 jobs to end.")
        expect(page.get_by_role("alert")).to_be_hidden()


def test_a_dashboard_that_ended_is_said_and_one_that_was_started_anew_asks_for_its_key(opened: Open) -> None:
    world = worlds.holding()
    with served(world) as dashboard:
        page = opened(dashboard)
        port = dashboard.server.server_port
    expect(page.get_by_role("alert")).to_contain_text("The dashboard does not answer. Was it ended?", timeout=20_000)
    expect(page.get_by_role("heading", name="Release of v1.2.0")).to_be_visible()
    with served(world, port=port):
        expect(page.get_by_role("alert")).to_contain_text("Open the address that", timeout=60_000)
        expect(page.get_by_role("heading", name="Release of v1.2.0")).to_be_visible()


def test_the_keyboard_is_enough(opened: Open) -> None:
    world = worlds.holding()
    with served(world) as dashboard:
        page = opened(dashboard)
        page.keyboard.press("Tab")
        expect(page.get_by_text("To the content")).to_be_focused()
        abort = page.get_by_role("link", name="Abort…")
        for _ in range(30):
            page.keyboard.press("Tab")
            if abort.evaluate("(it) => it === document.activeElement"):
                break
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Abort")
        why = page.get_by_label("Why")
        for _ in range(10):
            page.keyboard.press("Tab")
            if why.evaluate("(it) => it === document.activeElement"):
                break
        page.keyboard.type("wrong totals")
        page.keyboard.press("Enter")
        expect(page.locator("#told")).to_contain_text("v1.2.0 of transformer is turned away; current serves on.")
    assert world.release_state() is ReleaseState.ABORTED


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_an_order_is_given_once_however_often_the_button_is_pressed(opened: Open, *, script: bool) -> None:
    world = worlds.holding()

    def slowly() -> None:
        time.sleep(1)
        world.reconcile()

    with served(world, controller=slowly) as dashboard:
        page = opened(dashboard, java_script_enabled=script)
        page.get_by_role("link", name="Promote…").click()
        box = page.get_by_role("button", name="Promote").bounding_box()
        assert box is not None
        for _ in range(2):
            # The mouse, since a click on an element waits for the page that it leads to.
            page.mouse.click(box["x"] + 10, box["y"] + 10)
            page.wait_for_timeout(300)
        expect(page.locator("#told")).to_contain_text("v1.2.0 of transformer is current.")
        page.reload()
        expect(page.locator("#told")).to_contain_text("v1.2.0 of transformer is current.")
    kinds = [it.order.kind for it in worlds.orders_of(world)]
    assert kinds.count(OrderKind.PROMOTE) == 1
    assert world.pointer("current") == arn("v1.2.0")


def test_what_follows_from_an_order_is_shown_when_it_has_happened(opened: Open) -> None:
    world = worlds.holding()
    with served(world, controller=lambda: None) as dashboard:
        page = opened(dashboard)
        page.get_by_role("link", name="Promote…").click()
        page.get_by_role("button", name="Promote").click()
        told = page.locator("#told")
        expect(told).to_contain_text("v1.2.0 of transformer becomes current: the controller writes the pointers.")
        world.reconcile()
        expect(told).to_contain_text("v1.2.0 of transformer is current.", timeout=15_000)


def test_without_script_the_page_comes_again_by_itself(opened: Open) -> None:
    world = worlds.holding()
    with served(world) as dashboard:
        page = opened(dashboard, java_script_enabled=False)
        end_one(world)
        see(page, "v1.2.0 waits for 1 job to end.")


def test_only_who_does_not_mind_motion_sees_any(opened: Open) -> None:
    with served(worlds.holding()) as dashboard:
        assert opened(dashboard).evaluate("document.getAnimations().length") == 0
        assert opened(dashboard, reduced_motion="no-preference").evaluate("document.getAnimations().length") > 0


def test_the_key_leaves_no_trace_in_the_browser(opened: Open) -> None:
    with served(worlds.holding()) as dashboard:
        page = opened(dashboard, "/services")
        key = dashboard.application.door.key
        assert page.url == f"{dashboard.server.url}/services"
        assert key not in page.evaluate(
            "document.referrer + document.cookie + JSON.stringify(performance.getEntries())"
        )
        assert page.evaluate("document.cookie") == ""
        page.get_by_role("link", name=SERVICE, exact=True).click()
        assert key not in page.evaluate("document.referrer")
        page.go_back()
        page.go_back()
        assert key not in page.url


class Evil(BaseHTTPRequestHandler):
    """Another site in the same browser; by its address even the same site, since ports do not count."""

    target: ClassVar = ""

    def do_GET(self) -> None:
        page = f"""<!doctype html><title>evil</title><iframe name="frame" src="{self.target}"></iframe>
<form method="post" action="{self.target}/orders/pause"><input name="order" value="0123456789abcdef">
<input name="meant" value="r5-1700341242"><button>Win a prize</button></form>""".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Silence."""


def test_another_site_in_the_same_browser_can_neither_order_nor_look(browser: Browser) -> None:
    world = worlds.holding()
    with served(world) as dashboard:
        Evil.target = f"{dashboard.server.url}/services/{SERVICE}"
        evil = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
        thread = Thread(target=evil.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        context = browser.new_context()
        try:
            page = context.new_page()
            page.goto(dashboard.entrance)
            page.goto(f"http://127.0.0.1:{evil.server_port}/")
            frame = page.frame("frame")
            assert frame is not None
            assert SERVICE not in frame.content()  # frame-ancestors
            reading = f"fetch('{Evil.target}.json', {{credentials: 'include'}}).then((it) => it.text())"
            assert page.evaluate(f"{reading}.catch(() => 'refused')") == "refused"
            page.get_by_role("button").click()
            expect(page.get_by_role("alert")).to_contain_text("This form was not sent by a page of this dashboard.")
            page.goto(f"http://localhost:{evil.server_port}/")  # and by this name another site
            page.get_by_role("button").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Locked")
        finally:
            context.close()
            evil.shutdown()
            thread.join()
            evil.server_close()
    assert world.release_state() is ReleaseState.OPEN
