"""Ten proposed groups, reviewed with the keyboard alone."""

from typing import Any

import pytest

from scalereid.gallery.events import Confirm, Enrol
from scalereid.gallery.sightings import NewSighting, Seen
from tests.service.page.conftest import Served, of, until

pytestmark = pytest.mark.browser

pytest.importorskip("sklearn")


def heading(window: Any, text: str) -> None:
    until(window, f"document.querySelector('h2')?.textContent.includes({text!r})")


def test_ten_proposals_are_reviewed_by_keys(served: Served, window: Any) -> None:
    known = served.gallery.enrol(sorted(of(0, "12")), "Anna")
    window.goto(f"{served.url}/#/review")
    heading(window, "sightings one person?")
    done: dict[str, set[int]] = {}
    for i in range(10):
        window.locator(".progress", has_text=f"{i + 1} of 12").wait_for()
        numbers = {int(each.get_attribute("data-sighting")) for each in window.locator(".group .tile").all()}
        assert numbers == of((min(numbers) - 1) // 6)
        assert window.evaluate("document.activeElement.className") == "picture"
        if i == 3:  # the second picture is left out
            window.keyboard.press("ArrowRight")
            window.keyboard.press("x")
            window.locator(".out").wait_for()
            window.keyboard.press("y")
        elif i == 5:
            window.keyboard.press("s")
        elif i == 7:
            window.keyboard.press("e")
            window.keyboard.type("Gwen")
            window.keyboard.press("Enter")
            done["Gwen"] = numbers
        else:
            window.keyboard.press("y")
        done[f"{i}"] = numbers
    window.locator(".progress", has_text="11 of 12").wait_for()
    identities = served.gallery.identities
    found = {frozenset(each.sightings) for number, each in identities.by_number.items() if number != known}
    left_out = sorted(done["3"])[1]
    expected = [numbers - {left_out} for key, numbers in done.items() if key not in ("5", "Gwen")]
    assert found == set(map(frozenset, expected))
    assert "Gwen" in {each.name for each in identities.by_number.values()}
    assert list(identities.rejected) == [left_out]
    # What was said last is taken back, and the one before is shown again.
    window.keyboard.press("u")
    window.get_by_text("undo event").wait_for()
    window.keyboard.press("b")
    window.locator(".progress", has_text="10 of 12").wait_for()
    assert len(served.gallery.identities.by_number) == 9


def test_more_of_a_known_person_are_confirmed_or_refused(served: Served, window: Any) -> None:
    anna = served.gallery.enrol(sorted(of(0, "12")), "Anna")
    for index in range(1, 12):
        served.gallery.enrol(sorted(of(index)))
    window.goto(f"{served.url}/#/review")
    heading(window, "Are these Anna?")
    assert window.locator(".known-pictures .tile").count() == 4
    window.keyboard.press("n")
    window.get_by_text("0 confirmed, 1 refused, 0 skipped").wait_for()
    assert served.gallery.identities.rejected == {number: {anna} for number in of(0, "3")}
    window.get_by_role("button", name="Propose again").click()
    heading(window, "Are these 2 sightings one person?")


def test_without_a_calibration_a_similarity_is_asked_for(served: Served, window: Any) -> None:
    calibration = served.gallery.calibration
    assert calibration
    near = calibration.knots[1][0]
    served.gallery.ledger.calibrate(served.gallery.model.number, "")
    window.goto(f"{served.url}/#/review")
    window.get_by_text("has no calibration").wait_for()
    window.get_by_label("Least similarity").fill(f"{1 - 1.1 * near:.4f}")
    window.keyboard.press("Enter")
    heading(window, "one person?")


def test_only_what_is_on_the_screen_is_said(served: Served, window: Any) -> None:
    window.goto(f"{served.url}/#/review")
    heading(window, "sightings one person?")
    shown = {int(each.get_attribute("data-sighting")) for each in window.locator(".group .tile").all()}

    def slowly(route: Any) -> None:
        window.wait_for_timeout(300)
        route.continue_()

    window.route("**/api/sightings/list", slowly)
    window.keyboard.press("s")  # the next group is on its way, and this one still there
    window.keyboard.press("y")
    window.locator(".progress", has_text="2 of 12").wait_for()
    assert [each.sightings for each in served.gallery.identities.by_number.values()] == [shown]
    window.evaluate(  # a key that is held says nothing again
        """() => { for (let i = 0; i < 5; i += 1) {
            document.dispatchEvent(new KeyboardEvent("keydown", { key: "y", bubbles: true, repeat: true }));
        } }"""
    )
    window.wait_for_timeout(500)
    assert len(served.gallery.identities.by_number) == 1


def test_more_sightings_than_a_request_may_name_are_said_and_taken_back_together(served: Served, window: Any) -> None:
    ledger, model = served.gallery.ledger, served.gallery.model.number
    vector = ledger.vector(model, 1)
    assert vector is not None
    ledger.add(model, [NewSighting(Seen("crowd.mp4", track="1"), f"crowd {i}", vector) for i in range(2_100)])
    window.goto(f"{served.url}/#/review")
    heading(window, "Are these 2,106 sightings one person?")
    window.keyboard.press("y")
    window.locator(".progress", has_text="2 of 12").wait_for()
    (person,) = served.gallery.identities.by_number.values()
    assert person.sightings == {*of(0), *range(73, 2_173)}
    said = [each.body for each in served.gallery.history.events()]
    assert [len(each.sightings) for each in said if isinstance(each, Enrol | Confirm)] == [1_000, 1_000, 106]
    window.keyboard.press("u")
    window.get_by_text("undo event 1").wait_for()
    assert not served.gallery.identities.by_number


def test_somebody_who_is_not_known_any_more_is_stepped_over(served: Served, window: Any) -> None:
    for index in range(2, 12):
        served.gallery.enrol(sorted(of(index)))
    anna = served.gallery.enrol(sorted(of(0, "12")), "Anna")
    window.goto(f"{served.url}/#/review")
    heading(window, "Are these 6 sightings one person?")
    served.gallery.undo(anna)
    window.keyboard.press("s")
    window.get_by_text("Anna was merged, undone or forgotten meanwhile").wait_for()
    window.get_by_text("That was the last of 1 proposal: 0 confirmed, 0 refused, 1 skipped.").wait_for()
    window.keyboard.press("b")
    heading(window, "Are these 6 sightings one person?")
