"""Finding a person on the page, as somebody does it with a mouse."""

from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.service.page.conftest import Served, as_file, drop, of, person, scene, shown, until

pytestmark = pytest.mark.browser

LIKELY = ".band.likely"


def listen(window: Any) -> None:
    """Keep what the page asks with pictures, which Playwright does not show."""
    window.add_init_script(
        """window.asked = [];
        const append = FormData.prototype.append;
        FormData.prototype.append = function (name, value, ...others) {
            if (name === "question") window.asked.push(JSON.parse(value));
            return append.call(this, name, value, ...others);
        };"""
    )


def asked(window: Any, times: int) -> list[float] | None:
    """The box of the latest of so many questions."""
    until(window, f"window.asked.length >= {times}")
    box: list[float] | None = window.evaluate(f"window.asked[{times - 1}].box")
    return box


def test_a_dropped_picture_finds_its_person_in_all_cameras(served: Served, window: Any) -> None:
    window.goto(served.url)
    window.get_by_text("Or start from somebody who was seen").wait_for()
    drop(window, as_file(person(4)))
    window.locator(LIKELY).wait_for()
    assert shown(window, LIKELY) == of(4)
    assert window.locator(".headline h2").inner_text() == "Nobody known, as far as can be told."
    assert window.locator(".timeline .camera h3").all_inner_texts() == ["Camera 1 2", "Camera 2 2", "Camera 3 2"]
    assert window.locator(f"{LIKELY} figcaption b").first.inner_text() == "99 %"
    until(window, f"[...document.querySelectorAll('{LIKELY} img')].every((each) => each.naturalWidth > 0)")


def test_in_a_scene_people_are_found_and_boxes_redrawn(served: Served, window: Any) -> None:
    listen(window)
    window.goto(served.url)
    picture, boxes = scene()
    file = {"name": "street.png", "mimeType": "image/png", "buffer": as_file(picture)}
    window.locator("input[type=file]").set_input_files(file)
    assert asked(window, 1) == list(boxes[0])
    window.locator(LIKELY).wait_for()
    assert shown(window, LIKELY) == of(0)
    window.get_by_role("button", name="Person 2").click()
    assert asked(window, 2) == list(boxes[1])
    until(window, f"document.querySelector('{LIKELY} [data-sighting=\"19\"]')")
    assert shown(window, LIKELY) == of(3)
    # A new box around the third person, drawn with the mouse from outside all others.
    place = window.locator(".scene > img").bounding_box()
    scale = place["width"] / picture.width
    left, top, right, bottom = (edge + shift for edge, shift in zip(boxes[2], (-1, -1, 1, 1), strict=True))
    window.mouse.move(place["x"] + scale * left, place["y"] + scale * top)
    window.mouse.down()
    window.mouse.move(place["x"] + scale * (left + 10), place["y"] + scale * (top + 40))
    window.mouse.move(place["x"] + scale * right, place["y"] + scale * bottom)
    window.mouse.up()
    assert asked(window, 3) == pytest.approx([left, top, right, bottom], abs=2)
    first = "Number(document.querySelector('.results .tile')?.dataset.sighting)"
    until(window, f"{sorted(of(6))}.includes({first})")
    window.get_by_role("button", name="Whole picture").click()
    assert asked(window, 4) is None


def test_a_box_is_moved_and_resized_by_keys(served: Served, window: Any) -> None:
    listen(window)
    window.goto(served.url)
    window.get_by_text("Or start from").wait_for()
    picture, boxes = scene()
    drop(window, as_file(picture))
    window.locator(".chosen").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Shift+ArrowRight"):
        window.keyboard.press(key)
    step = (0.01 * picture.width, 0.01 * picture.height)
    left, top, right, bottom = boxes[0]
    expected = [left + 2 * step[0], top + step[1], right + 3 * step[0], bottom + step[1]]
    assert asked(window, 2) == pytest.approx(expected)


def test_filters_are_in_the_link(served: Served, window: Any) -> None:
    window.goto(f"{served.url}/#/search?sighting=25")
    window.locator(LIKELY).wait_for()
    assert shown(window, LIKELY) == of(4) - {25}
    window.locator(".filters summary").click()
    window.get_by_role("checkbox", name="2 24").click()
    until(window, f"document.querySelectorAll('{LIKELY} .tile').length == 2")
    assert shown(window, LIKELY) == of(4, "2")
    assert (
        window.evaluate("document.activeElement.name") == "camera 2"
    )  # in a new form: the keyboard goes on from there
    link = window.url
    assert parse_qs(link.split("?")[1]) == {"sighting": ["25"], "cameras": ["2"]}
    other = window.context.new_page()
    other.goto(link)
    other.locator(LIKELY).wait_for()
    assert shown(other, LIKELY) == of(4, "2")
    other.goto(f"{served.url}/#/browse?after=2026-03-01T13:00:00Z&attribute=bag:0.8")
    other.locator(".tile").first.wait_for()
    assert shown(other, ".view") == of(10) | of(11)
    other.goto(f"{served.url}/#/browse?tracks=3-1&cameras=1")
    until(other, "document.querySelectorAll('.tile').length == 2")
    assert shown(other, ".view") == of(3, "1")
    other.goto(f"{served.url}/#/browse?tracks=3-1&tracks=3-2&not_cameras=1")
    until(other, "document.querySelectorAll('.tile').length == 2")
    assert shown(other, ".view") == of(3, "2")
    other.get_by_role("checkbox", name="Not by camera 1").click()
    until(other, "document.querySelectorAll('.tile').length == 4")
    assert parse_qs(other.url.split("?")[1]) == {"tracks": ["3-1", "3-2"]}


def test_a_time_is_set_and_the_keyboard_goes_on(served: Served, window: Any) -> None:
    window.goto(f"{served.url}/#/browse")
    window.locator(".tile").first.wait_for()
    window.locator(".filters summary").click()
    window.get_by_label("From").fill("2026-03-01T13:00:00")
    window.get_by_label("Until").focus()
    window.wait_for_url("**after=*")
    until(window, "document.activeElement.name == 'before'")
    assert window.get_by_label("From").input_value().startswith("2026-03-01T13:00")


def test_times_in_the_wrong_order_are_told_and_can_be_mended(served: Served, window: Any) -> None:
    window.goto(f"{served.url}/#/browse?before=2026-03-01T12:30:00Z")
    window.locator(".tile").first.wait_for()
    link, told = window.url, window.locator(".times [role=alert]")
    window.get_by_label("From").fill("2026-03-01T13:40:00")
    window.get_by_label("Until").focus()
    until(window, "document.querySelector('.times [role=alert]')?.textContent")
    assert told.inner_text() == "“From” must be earlier than “Until”."
    assert window.url == link
    window.get_by_label("Until").fill("2026-03-01T13:50:00")
    window.keyboard.press("Enter")
    window.wait_for_url("**before=*after=*")
    window.locator(".tile").first.wait_for()
    assert shown(window, ".view") == of(10)
    assert not told.is_visible()


def test_a_pasted_picture_is_searched_and_text_is_not(served: Served, window: Any) -> None:
    window.goto(served.url)
    window.get_by_text("Or start from").wait_for()
    drop(window, b"words", "notes.txt", "text/plain")
    window.get_by_text("notes.txt is not a picture.").wait_for()
    window.evaluate(
        """(bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        list(as_file(person(8))),
    )
    window.locator(LIKELY).wait_for()
    assert shown(window, LIKELY) == of(8)


def test_a_picture_that_cannot_be_read_is_named(served: Served, window: Any) -> None:
    window.goto(served.url)
    window.get_by_text("Or start from").wait_for()
    drop(window, b"\xff\xd8 no picture", "broken.jpg", "image/jpeg")
    assert "broken.jpg cannot be shown" in window.get_by_role("alert").inner_text()


def test_the_picture_can_be_kept(served: Served, window: Any) -> None:
    window.goto(served.url)
    drop(window, as_file(person(4, shade=40)), "door.png")
    window.get_by_role("button", name="Keep the picture").click()
    window.locator("dialog input").fill("door")
    window.get_by_role("button", name="Keep", exact=True).click()
    window.wait_for_url("**/#/search?sighting=73")
    window.locator(LIKELY).wait_for()
    assert shown(window, LIKELY) == of(4)
    seen = served.gallery.sightings([73])[73].seen
    assert (seen.source, seen.camera) == ("door.png", "door")


def test_a_sighting_is_shown_with_all_that_is_known(served: Served, window: Any) -> None:
    window.goto(f"{served.url}/#/browse")
    window.get_by_role("button", name="Sighting 72,").click()
    dialog = window.get_by_role("dialog")
    assert "Track\n11-3" in dialog.inner_text()
    assert "bag 91 %" in dialog.inner_text()
    window.keyboard.press("ArrowRight")
    assert window.get_by_role("dialog").get_by_role("heading").inner_text() == "Sighting 71"
    window.get_by_role("button", name="Copy link").click()
    assert window.evaluate("navigator.clipboard.readText()") == f"{served.url}/#/search?sighting=71"
    window.get_by_role("button", name="Find this person").click()
    window.locator(LIKELY).wait_for()
    assert shown(window, LIKELY) == of(11) - {71}


def test_another_picture_is_taken_after_one_that_cannot_be_read(served: Served, window: Any) -> None:
    window.goto(served.url)
    window.get_by_text("Or start from").wait_for()
    drop(window, b"no picture", "IMG_1.heic", "image/heic")
    window.get_by_text("Save it as JPEG or PNG").wait_for()
    file = {"name": "good.png", "mimeType": "image/png", "buffer": as_file(person(2))}
    window.locator("input[type=file]").set_input_files(file)
    window.locator(LIKELY).wait_for()
    assert shown(window, LIKELY) == of(2)


def test_a_failed_search_can_be_tried_again(served: Served, window: Any) -> None:
    window.goto(served.url)
    window.get_by_text("Or start from").wait_for()
    refusal = {"status": 400, "json": {"error": "not now"}}
    window.route("**/api/search", lambda route: route.fulfill(**refusal))
    drop(window, as_file(person(2)))
    window.get_by_text("not now").wait_for()
    window.unroute("**/api/search")
    window.get_by_role("button", name="Try again").click()
    window.locator(LIKELY).wait_for()


def test_the_whole_picture_and_filters_stay_with_another_link(served: Served, window: Any) -> None:
    listen(window)
    window.goto(f"{served.url}/#/search?cameras=2")
    window.get_by_text("Or start from").wait_for()
    drop(window, as_file(scene()[0]))
    assert asked(window, 1) == list(scene()[1][0])
    assert window.url.endswith("#/search?cameras=2")
    window.get_by_role("button", name="Whole picture").click()
    assert asked(window, 2) is None
    window.evaluate("location.hash = '#/search?cameras=3'")
    assert asked(window, 3) is None
