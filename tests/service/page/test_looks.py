"""Every view: at the width of a phone and of a desk, light and dark, accessible, and under its policy."""

from typing import Any

import pytest

from tests.service.page.conftest import Served, as_file, browser_window, drop, of, scene, serving

pytestmark = pytest.mark.browser

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
VIEWS = {
    "search": ("", ".tile img[src]"),
    "sighting": ("#/search?sighting=25", ".band img[src]"),
    "browse": ("#/browse", ".tile img[src]"),
    "people": ("#/people", ".card img[src]"),
    "person": ("#/people/1", ".alike, .tile .tile-actions"),
    "review": ("#/review", ".group img[src]"),
    "history": ("#/history", ".history li"),
}


@pytest.fixture(scope="module")
def busy(plain: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A service whose gallery has people and a history. Not to be changed."""
    import shutil

    folder = tmp_path_factory.mktemp("busy") / "people.gallery"
    shutil.copytree(plain, folder)
    with serving(folder) as served:
        served.gallery.enrol(sorted(of(4, "12")), "Anna")
        served.gallery.enrol(sorted(of(7)), "Ben with a name that is much longer than most, andwithoutanyspaceinit")
        served.gallery.reject(1, [1, 2])
        yield served


def problems(page: Any) -> list[str]:
    """What axe finds."""
    page.evaluate("document.getAnimations().forEach((each) => each.finish())")
    found = axe.Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_view_fits_and_is_accessible(busy: Served, browser: Any, width: int, scheme: str) -> None:
    # axe reads every element of a view, for which the page's policy is put aside.
    options = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme, "bypass_csp": True}
    with browser_window(browser, **options) as page:
        for name, (link, sign) in VIEWS.items():
            page.goto(f"{busy.url}/{link}")
            page.locator(sign).first.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            assert problems(page) == [], name
        page.goto(f"{busy.url}/#/search")
        page.get_by_text("Or start from").wait_for()
        drop(page, as_file(scene()[0]))
        page.locator(".chosen").wait_for()
        page.locator(".headline").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert problems(page) == []
        page.locator(".picture").first.click()
        page.get_by_role("dialog").wait_for()
        assert problems(page) == []


def test_all_is_reached_by_tab_and_seen(busy: Served, window: Any) -> None:
    window.goto(f"{busy.url}/#/search?sighting=25")
    window.locator(".band img[src]").first.wait_for()
    reached = set()
    for _ in range(30):
        window.keyboard.press("Tab")
        reached.add(window.evaluate("document.activeElement.textContent.trim().slice(0, 20)"))
        assert window.evaluate(
            "document.activeElement === document.body || document.activeElement.matches(':focus-visible')"
        )
    assert {"Skip to content", "Search", "Review", "Undo", "Another picture", "Change", "✗"} <= reached


def test_keys_change_the_view(busy: Served, window: Any) -> None:
    window.goto(busy.url)
    window.get_by_text("Or start from").wait_for()
    for key, title in (("2", "Sightings"), ("3", "People"), ("4", "Review"), ("5", "History"), ("1", "Find a person")):
        window.keyboard.press(key)
        window.get_by_role("heading", name=title, level=1).wait_for()
    window.keyboard.press("?")
    assert "take back what was said last" in window.get_by_role("dialog").inner_text()


def test_a_token_is_asked_for_and_kept(plain: Any, browser: Any) -> None:
    with (
        serving(plain, tokens={"anna": "a token of sixteen"}, hosts=frozenset()) as served,
        browser_window(browser) as page,
    ):
        page.goto(served.url)
        page.locator("dialog input").fill("a wrong token of 20")
        page.get_by_role("button", name="Go on").click()
        page.get_by_text("That token is not valid").wait_for()
        page.locator("dialog input").fill("a token of\N{ZERO WIDTH SPACE} sixteen")  # as copied from a mail
        page.get_by_role("button", name="Go on").click()
        page.locator(".tile img[src]").first.wait_for()
        page.reload()
        page.locator(".tile img[src]").first.wait_for()
        assert page.locator("dialog").count() == 0


def test_a_service_that_has_gone_is_named(plain: Any, browser: Any) -> None:
    with serving(plain) as served:
        context = browser.new_context()
        page = context.new_page()
        page.goto(served.url)
        page.locator(".tile img[src]").first.wait_for()
    page.evaluate("location.hash = '#/people'")
    page.get_by_text("The service does not answer. Is it still running?").wait_for()
    context.close()
