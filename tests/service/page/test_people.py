"""Saying who is who on the page, and taking it back."""

from typing import Any

import pytest

from tests.service.page.conftest import Served, as_file, drop, of, person, until

pytestmark = pytest.mark.browser

LIKELY = ".band.likely"


def names(served: Served) -> dict[str, set[int]]:
    """Who is known, by name."""
    return {each.name: each.sightings for each in served.gallery.identities.by_number.values()}


def number_of(served: Served, name: str) -> int:
    return next(number for number, each in served.gallery.identities.by_number.items() if each.name == name)


def test_a_person_is_enrolled_corrected_and_undone(served: Served, window: Any) -> None:
    window.goto(served.url)
    window.get_by_text("Or start from").wait_for()
    drop(window, as_file(person(4)))
    window.locator(LIKELY).wait_for()
    # One that is somebody else is set aside until there is an identity, and recorded with it.
    window.get_by_role("button", name="Sighting 30: not this person").click()
    window.get_by_text("Not this person: 1, recorded once").wait_for()
    assert names(served) == {}
    window.get_by_role("button", name="Change").click()
    window.locator("dialog input").fill("Anna")
    window.get_by_role("button", name="Choose").click()
    window.locator(LIKELY).get_by_role("button", name="Select all").click()
    window.get_by_role("button", name="Same person", exact=True).click()
    window.get_by_text("This is likely Anna").wait_for()
    assert names(served) == {"Anna": of(4) - {30}}
    assert served.gallery.identities.rejected == {30: {number_of(served, "Anna")}}
    # Now "not this person" is recorded at once.
    window.get_by_role("button", name="Sighting 29: not this person").click()
    window.get_by_text("Not this person: 2").wait_for()
    assert names(served) == {"Anna": of(4) - {29, 30}}
    window.get_by_role("button", name="Undo", exact=True).first.click()
    window.get_by_text("Not this person: 1").wait_for()
    assert names(served) == {"Anna": of(4) - {30}}
    window.keyboard.press("u")
    window.get_by_text("undo event").nth(1).wait_for()
    window.keyboard.press("u")
    window.get_by_text("Nobody known").wait_for()
    assert names(served) == {}
    assert {event.by for event in served.gallery.history.events()} == {""}


def test_some_are_selected_and_confirmed(served: Served, window: Any) -> None:
    served.gallery.enrol(sorted(of(4, "1")), "Anna")
    window.goto(f"{served.url}/#/search?sighting=28")
    window.get_by_text("This is likely Anna").wait_for()
    window.get_by_role("button", name="Yes, it is").click()
    window.get_by_text("as was said").wait_for()
    for number in (29, 30):
        window.get_by_label(f"Select sighting {number}").first.check()
    window.get_by_role("button", name="Same person", exact=True).click()
    until(window, "document.querySelectorAll('.band.likely .known').length == 4")
    assert names(served) == {"Anna": of(4) - {27}}


def test_two_are_merged_split_and_renamed(served: Served, window: Any) -> None:
    served.gallery.enrol(sorted(of(4, "1")), "Anna")
    served.gallery.enrol(sorted(of(4, "23")), "A stranger")
    served.gallery.enrol(sorted(of(7)), "Ben")
    window.goto(f"{served.url}/#/people")
    window.get_by_role("searchbox").fill("ann")
    until(window, "document.querySelectorAll('.card').length == 1")
    window.locator(".card").click()
    window.get_by_role("heading", name="Anna 2 sightings").wait_for()
    # The stranger is alike; Ben is not.
    alike = window.locator(".alike li")
    alike.first.wait_for()
    assert alike.first.inner_text().startswith("A stranger\n99 %")
    alike.first.get_by_role("button").click()
    window.get_by_role("heading", name="Anna 6 sightings").wait_for()
    assert names(served) == {"Anna": of(4), "Ben": of(7)}
    window.get_by_label("Select sighting 29").check()
    window.get_by_label("Select sighting 30").check()
    window.get_by_role("button", name="Somebody else").click()
    window.locator("dialog input").fill("Cleo")
    window.get_by_role("button", name="Split off").click()
    window.get_by_role("heading", name="Anna 4 sightings").wait_for()
    assert names(served) == {"Anna": of(4, "12"), "Ben": of(7), "Cleo": {29, 30}}
    window.get_by_role("button", name="Merge").first.click()
    window.locator("dialog input").fill("Cleo")
    window.get_by_role("dialog").get_by_role("button", name="Merge").click()
    # That contradicts what was just said.
    window.get_by_text("cannot be merged: sighting 29").wait_for()
    assert names(served) == {"Anna": of(4, "12"), "Ben": of(7), "Cleo": {29, 30}}
    window.get_by_role("button", name="Rename").click()
    window.locator("dialog input").fill("<img src=x onerror=alert(1)>")
    window.get_by_role("button", name="Save").click()
    window.get_by_role("heading", name="<img src=x onerror=alert(1)> 4 sightings").wait_for()
    window.goto(f"{served.url}/#/history")
    until(window, "document.querySelectorAll('.history li').length == 6")
    window.get_by_role("button", name="Undo rename").click()
    window.locator(".undone").wait_for()
    assert set(names(served)) == {"Anna", "Ben", "Cleo"}


def test_one_is_forgotten_after_a_question(served: Served, window: Any) -> None:
    ben = served.gallery.enrol(sorted(of(7)), "Ben")
    window.goto(f"{served.url}/#/people/{ben}")
    window.get_by_role("button", name="Forget").click()
    window.get_by_role("button", name="Cancel").click()
    assert names(served) == {"Ben": of(7)}
    window.get_by_role("button", name="Forget").click()
    window.get_by_role("button", name="Forget for good").click()
    window.get_by_text("Nobody is known yet.").wait_for()
    assert served.gallery.ledger.count() == 66
    window.goto(f"{served.url}/#/people/{ben}")
    window.get_by_text(f"No such identity: {ben}").wait_for()


def test_a_contradiction_is_told(served: Served, window: Any) -> None:
    window.goto(f"{served.url}/#/history")
    window.get_by_text("Nothing was said").wait_for()
    window.keyboard.press("u")
    window.locator(".message.error").wait_for()


def test_a_double_click_says_it_once_and_undo_means_its_own(served: Served, window: Any) -> None:
    window.goto(f"{served.url}/#/search?sighting=25")
    window.locator(LIKELY).wait_for()
    window.get_by_role("button", name="Sighting 26: same person").dblclick()
    window.get_by_text("as was said").wait_for()
    assert [each.sightings for each in served.gallery.identities.by_number.values()] == [{25, 26}]
    ben = served.gallery.enrol([43], "Ben")  # somebody else, meanwhile
    window.locator(".message").get_by_role("button", name="Undo").click()
    window.get_by_text("Nobody known").wait_for()
    assert list(served.gallery.identities.by_number) == [ben]


def test_somebody_without_sightings_is_shown_with_none(served: Served, window: Any) -> None:
    empty = served.gallery.enrol([1, 2], "Empty")
    served.gallery.enrol([1, 2], "Full")
    window.goto(f"{served.url}/#/people")
    window.get_by_text("no sightings left").wait_for()
    window.goto(f"{served.url}/#/people/{empty}")
    window.get_by_role("heading", name="Empty 0 sightings").wait_for()
    assert window.locator(".tile").count() == 0
    assert "null" not in window.locator("main").inner_text()
