"""The explorer in a real browser: clicks, keys, no complaint on the console, and no other host asked."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from browsing import Visitor, chromium, explorer

from fokkerplanck.explore.presets import PRESETS

pytest.importorskip("marimo", reason="needs the extra `app` (marimo)")
pytest.importorskip("playwright", reason="needs the extra `browser` (playwright)")
pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs Chromium on the path"),
    pytest.mark.timeout(240),
]


@pytest.fixture(scope="module")
def visited(tmp_path_factory):
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("browser")
    with explorer() as (address, server), sync_playwright() as playwright:
        visitor = Visitor(playwright, folder / "profile", chromium())
        visitor.folder, visitor.server, visitor.address = folder, server, address
        visitor.open(address)
        yield visitor
        visitor.close()


def code_has(visitor, text):
    """The code comes after the picture: wait for it."""
    visitor.page.locator(".codehilite", has_text=text).wait_for()


def said(visitor):
    return visitor.page.locator(".verdict .said").inner_text()


def test_the_first_page_has_a_plot_and_the_theorem(visited):
    assert visited.page.locator(".theorem").inner_text().startswith("Two stationary states")
    assert "2 stationary states" in said(visited)
    image = visited.stage.locator("#still")
    assert image.get_attribute("href").startswith("data:image/png;base64,")
    assert image.bounding_box()["width"] > 600
    assert visited.stage.locator("#moving path").count() >= 4  # the density and three cursors


def test_a_preset_and_a_slider_by_keyboard(visited):
    page = visited.page
    visited.drawn(lambda: page.get_by_label("Theorem").select_option(label="Blow-up by concentration"))
    assert said(visited).startswith("Blow-up at t* = 0.0401")
    assert "Certificate: the theorem promises" in page.locator(".verdict").inner_text()
    slider = page.get_by_role("slider", name="b: connectivity")
    slider.focus()
    visited.drawn(lambda: page.keyboard.press("ArrowRight"))
    assert slider.get_attribute("aria-valuenow") == "1.55"
    code_has(visited, "b=1.55")
    assert page.get_by_role("button", name="Copy to clipboard").count() == 1
    visited.page.screenshot(path=visited.folder / "blow-up.png")
    assert (visited.folder / "blow-up.png").stat().st_size > 20_000


def test_what_is_refused_is_said_without_a_traceback(visited):
    page = visited.page
    slider = page.get_by_role("slider", name="VF: firing potential")
    slider.focus()
    page.keyboard.press("Home")
    page.get_by_text("must lie below the threshold").wait_for()
    assert "Traceback" not in page.content()
    visited.drawn(lambda: page.get_by_label("Theorem").select_option(label="Weakly excitatory: the start is forgotten"))
    assert said(visited).startswith("No blow-up")


def test_time_is_played_without_asking_the_solver(visited):
    play, time, now = (visited.stage.locator(name) for name in ("#play", "#time", "#now"))
    before, asked = visited.version(), []
    visited.page.on("request", lambda request: asked.append(request.url))
    time.focus()
    visited.page.keyboard.press("Home")
    assert now.inner_text() == "t = 0"
    visited.page.keyboard.press("ArrowRight")
    first = visited.stage.locator("#moving path").first.get_attribute("d")
    visited.page.keyboard.press("ArrowRight")
    assert visited.stage.locator("#moving path").first.get_attribute("d") != first
    play.focus()
    visited.page.keyboard.press("Space")
    assert play.inner_text() == "Pause"
    visited.stage.locator("#play", has_text="Play").wait_for(timeout=30_000)
    assert now.inner_text() == "t = 8"
    assert visited.version() == before
    assert [url for url in asked if "/api/kernel" in url] == []


def test_neurons_are_laid_over(visited):
    visited.drawn(lambda: visited.page.get_by_label("Lay 10 000 neurons over it").click())
    code_has(visited, "fp.simulate(")
    visited.drawn(lambda: visited.page.get_by_label("Model").select_option(label="cell-polarization"))
    box = visited.page.get_by_label("Lay 10 000 neurons over it")
    assert box.is_disabled()
    assert "only over one population" in visited.page.locator("[data-cell-name=controls]").inner_text()
    assert "Your own model" in visited.page.locator("[data-cell-name=theorem]").inner_text()


def test_an_address_and_a_reload_keep_the_preset(visited):
    page, name = visited.page, "blow-up-by-b"
    page.get_by_label("Theorem").select_option(label=PRESETS[name].title)
    page.wait_for_url(f"**/?preset={name}")
    page.reload()
    page.locator(".theorem", has_text=PRESETS[name].title).wait_for()
    visited.stage.locator("#moving path").first.wait_for(timeout=60_000)


def test_a_decimal_comma_is_a_decimal_point(visited):
    page = visited.page
    visited.drawn(lambda: page.get_by_label("Theorem").select_option(label="Two stationary states"))
    field = page.get_by_role("textbox", name="b: connectivity")
    field.click(click_count=3)
    page.keyboard.type("1,6")
    visited.drawn(lambda: page.keyboard.press("Enter"))
    assert field.input_value() == "1.6"
    code_has(visited, "b=1.6")


def test_no_control_is_named_by_its_source(visited):
    names = visited.page.evaluate(NAMES)
    assert {"End of the run", "Increase End of the run"} <= set(names)
    assert not [name for name in names if "<span" in name]


NAMES = """() => [...document.querySelectorAll("marimo-slider, marimo-number")].flatMap(
  it => [...it.shadowRoot.querySelectorAll("[aria-label]")].map(part => part.getAttribute("aria-label")))"""


def test_an_unknown_preset_in_the_address_is_said(visited):
    visited.open(f"{visited.address}/?preset=nothing")
    assert "There is no preset nothing; they are inhibitory" in visited.page.get_by_role("alert").first.inner_text()


def test_every_control_is_reached_by_the_tabulator(visited):
    page = visited.page
    visited.drawn(lambda: page.get_by_label("Theorem").select_option(label="Learning: one connectivity remains"))
    page.get_by_label("Theorem").focus()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(FOCUSED))
    sliders = {s.get_attribute("aria-label") for s in page.get_by_role("slider").all()}
    assert len(sliders) >= 9
    assert None not in sliders
    assert sliders <= reached
    assert {"SELECT", "IFRAME", "Copy to clipboard"} <= reached


FOCUSED = """() => {
  let it = document.activeElement;
  while (it.shadowRoot && it.shadowRoot.activeElement) it = it.shadowRoot.activeElement;
  return it.getAttribute("aria-label") || it.tagName;
}"""


def test_it_fits_a_narrow_page(visited):
    visited.page.set_viewport_size({"width": 800, "height": 1000})
    assert visited.page.locator("#App").evaluate("it => it.scrollWidth <= it.clientWidth")
    assert visited.stage.locator("#still").bounding_box()["width"] > 600
    visited.page.screenshot(path=visited.folder / "narrow.png")


def test_nothing_was_complained_of_and_nobody_else_was_asked(visited):
    assert visited.complaints == []
    assert visited.hosts == {"127.0.0.1"}


def test_ctrl_c_ends_it_quietly(visited):
    import signal

    visited.server.send_signal(signal.SIGINT)
    assert visited.server.wait(30) in (0, 130)
    assert "Traceback" not in visited.server.stderr.read()
    visited.stage.locator("#gone", has_text="The explorer has been ended").wait_for(timeout=30_000)
