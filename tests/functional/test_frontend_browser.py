"""The front-end application in a real browser: what a person sees and does."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.functional.frontend_world import World, application

# Every text against what is painted behind it, by the formula of WCAG 2: less than 4.5 is hard to read.
FAINT_TEXTS = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let it = element; it; it = it.parentElement) {
      const colour = getComputedStyle(it).backgroundColor;
      if (!(parts(colour)[3] === 0)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("body *")]
    .filter((it) => it.checkVisibility() && [...it.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
    .map((it) => {
      const style = getComputedStyle(it);
      const one = light(it.closest("svg") ? style.fill : style.color), other = light(ground(it));
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      return [it.textContent.trim().slice(0, 40), ratio];
    })
    .filter(([, ratio]) => ratio < 4.5);
}"""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World()
    monkeypatch.setenv("AWS_ENDPOINT_URL", world.url)
    yield world
    world.end()


Open = Callable[..., Page]


@pytest.fixture
def opened(world: World, browser: Browser) -> Iterator[Open]:
    """Opens the form in a window of its own. At the end no window may have seen a fault of the pages' own."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_form(width: int = 1100, scheme: str = "light", *, script: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
            base_url=server.url,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        # What the server answered is the test's business; a refusal by the Content-Security-Policy is a fault.
        page.on("console", lambda it: None if "Failed to load resource" in it.text else faults.append(it.text))
        page.goto("/")
        return page

    with application(world) as server:
        yield open_form
        for context in contexts:
            context.close()
    assert faults == []


def submit(page: Page, year: str = "2014", metric: str = "Wind") -> None:
    page.get_by_label("Year").fill(year)
    page.get_by_label("Measured").select_option(label=metric)
    page.get_by_role("button", name="Submit the job").click()


def see(page: Page, text: str, seconds: float = 15) -> None:
    """Waits until the line that is read out says this."""
    expect(page.get_by_role("status")).to_have_text(text, timeout=seconds * 1000)


def test_a_person_submits_a_year_and_sees_progress_version_route_and_chart(world: World, opened: Open) -> None:
    world.version, world.route = "v1.1.0", "latest"
    page = opened()
    submit(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Wind in 2014")
    see(page, "Running on v1.1.0: Prepare.")
    (job,) = world.jobs
    job.steps.append("Query")
    see(page, "Running on v1.1.0: Query.")
    expect(page.locator("[aria-current=step]")).to_have_text("Running")
    expect(page.locator("#version")).to_have_text("v1.1.0")
    expect(page.locator("#route")).to_have_text("latest")
    expect(page.get_by_text(job.arn)).to_be_visible()
    expect(page.locator("svg.chart")).to_have_count(0)
    world.succeed(job)
    see(page, "Succeeded on v1.1.0.")
    expect(page.get_by_role("img", name="Chart of 12 months: the lowest value is -5.5 °C in Jan")).to_be_visible()
    expect(page.locator("svg.chart.wide rect.range")).to_have_count(12)
    page.get_by_text("All numbers").click()
    expect(page.get_by_role("row", name="Dec 5.5 13.25 21 28 15.5")).to_be_visible()
    expect(page).to_have_title(re.compile("^Succeeded: Wind in 2014"))
    asked = len(world.router_calls)
    page.wait_for_timeout(2500)
    assert len(world.router_calls) == asked  # a job that has ended is not asked after again


def test_a_job_that_fails_says_why_in_plain_words_whatever_is_in_them(world: World, opened: Open) -> None:
    page = opened()
    submit(page, year="2030")
    see(page, "Running on v1.0.0: Prepare.")
    job = world.jobs[0]
    job.error, job.cause = "InvalidData", "There is nothing <img src=x onerror=document.title='stolen'> for 2030"
    job.status = "FAILED"
    see(page, "Failed on v1.0.0.")
    expect(page.locator(".cause")).to_have_text(f"InvalidData: {job.cause}")
    expect(page.locator(".steps .broken")).to_have_text("Failed")
    expect(page).to_have_title(re.compile("^Failed"))


def test_a_key_rotated_and_a_router_moved_midway_are_got_over_without_a_restart(world: World, opened: Open) -> None:
    page = opened()
    submit(page)
    see(page, "Running on v1.0.0: Prepare.")
    world.rotate_key()
    (job,) = world.jobs
    job.steps.append("Query")
    see(page, "Running on v1.0.0: Query.")
    assert (world.router_calls[-1][1], [status for _, status in world.router_calls].count(403)) == (200, 1)
    port = world.move_router()
    job.steps.append("Publish")
    # The router was looked up a moment ago, for the key, and is so again after ten seconds at the earliest.
    see(page, "Running on v1.0.0: Publish.", seconds=60)
    assert world.router_calls[-1] == (port, 200)
    world.succeed(job)
    see(page, "Succeeded on v1.0.0.")
    page.get_by_role("link", name="A new request").click()
    submit(page, year="2015")
    see(page, "Running on v1.0.0: Prepare.")
    assert len(world.jobs) == 2


def test_a_page_outlasts_a_router_that_is_away_and_says_so(world: World, opened: Open) -> None:
    page = opened()
    submit(page)
    see(page, "Running on v1.0.0: Prepare.")
    world.replies = [(503, {}, b"")] * 3  # as often as one look of the page's asks
    see(page, "The service does not answer at this moment. The job goes on, and this page keeps trying.")
    expect(page.locator("#version")).to_have_text("v1.0.0")
    see(page, "Running on v1.0.0: Prepare.")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_second_click_while_the_first_is_on_its_way_and_a_reload_are_one_job(
    world: World, opened: Open, *, script: bool
) -> None:
    world.seconds = 1.5
    page = opened(script=script)
    box = page.get_by_role("button", name="Submit the job").bounding_box()
    assert box is not None
    for _ in range(2):
        # The mouse, since a click on an element waits for the page that it leads to.
        page.mouse.click(box["x"] + 10, box["y"] + 10)
        for _ in range(500):
            if world.submissions == 0:
                page.wait_for_timeout(20)
    see(page, "Running on v1.0.0: Prepare.")
    assert world.submissions == (1 if script else 2)
    page.reload()
    see(page, "Running on v1.0.0: Prepare.")
    assert len(world.jobs) == 1


def test_back_from_a_job_the_form_is_a_fresh_one(world: World, opened: Open) -> None:
    page = opened()
    submit(page)
    see(page, "Running on v1.0.0: Prepare.")
    page.go_back()
    submit(page, year="2013")
    see(page, "Running on v1.0.0: Prepare.")
    assert [it.document["year"] for it in world.jobs] == [2014, 2013]


def test_a_bad_year_is_said_beside_the_field_and_nothing_is_sent(world: World, opened: Open) -> None:
    page = opened()
    submit(page, year="99")
    year = page.get_by_label("Year")
    expect(page.get_by_role("alert")).to_contain_text("The job was not submitted.")
    expect(page.get_by_text("Give the year as four digits, for example 2014.")).to_be_visible()
    expect(year).to_have_attribute("aria-invalid", "true")
    expect(year).to_have_accessible_description(re.compile("four digits"))
    expect(year).to_be_focused()
    expect(year).to_have_value("99")
    expect(page.get_by_label("Measured")).to_have_value("wind")
    assert world.jobs == []
    submit(page)
    see(page, "Running on v1.0.0: Prepare.")


def test_the_keyboard_is_enough(world: World, opened: Open) -> None:
    page = opened()
    page.keyboard.press("Tab")
    expect(page.get_by_text("To the content")).to_be_focused()
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.get_by_label("Year")).to_be_focused()
    page.keyboard.type("2012")
    page.keyboard.press("Tab")
    page.keyboard.type("Prec")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    see(page, "Running on v1.0.0: Prepare.")
    assert world.jobs[0].document == {"year": 2012, "metric": "precipitation"}


def test_without_script_the_page_comes_again_by_itself_until_the_job_has_ended(world: World, opened: Open) -> None:
    page = opened(script=False)
    submit(page)
    see(page, "Running on v1.0.0: Prepare.")
    world.succeed(world.jobs[0])
    see(page, "Succeeded on v1.0.0.")
    expect(page.locator("svg.chart.wide")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 400, 320])
def test_every_page_fits_its_window_and_is_readable_in_light_and_dark(
    world: World, opened: Open, width: int, scheme: str
) -> None:
    page = opened(width, scheme)

    def looks_right() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(FAINT_TEXTS) == []

    looks_right()
    submit(page, year="99")
    expect(page.get_by_role("alert")).to_be_visible()
    looks_right()
    submit(page)
    see(page, "Running on v1.0.0: Prepare.")
    looks_right()
    world.succeed(world.jobs[0])
    see(page, "Succeeded on v1.0.0.")
    expect(page.locator("svg.chart.narrow")).to_be_visible(visible=width < 544)
    expect(page.locator("svg.chart.wide")).to_be_visible(visible=width >= 544)
    page.get_by_text("All numbers").click()
    looks_right()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 24, 32)"
    assert dark is (scheme == "dark")
