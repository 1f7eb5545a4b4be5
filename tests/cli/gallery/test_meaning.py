from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Answer, Fail, Say


def test_settings_are_shown_and_changed(gallery: Path, answer: Answer, say: Say, fail: Fail) -> None:
    first = answer("gallery", "settings", gallery)
    assert (first["likely"], first["possible"], first["overlap"], first["apart"]) == (0.9, 0.5, [], 1.0)
    changed = answer("gallery", "settings", gallery, "--possible", "0.3", "--overlap", "1,2", "--apart", "5")
    assert (changed["likely"], changed["possible"]) == (0.9, 0.3)
    assert (changed["overlap"], changed["apart"]) == ([["1", "2"]], 5.0)
    assert "cameras that see the same place: 1 and 2; nobody is seen by two others within 5 s" in say(
        "gallery", "settings", gallery
    )
    assert answer("gallery", "settings", gallery, "--overlap")["overlap"] == []
    assert "expected two cameras with a comma" in fail("gallery", "settings", gallery, "--overlap", "1", code=2)


def test_proposals_are_shown_accepted_and_taken_back(
    gallery: Path, answer: Answer, say: Say, fail: Fail, tmp_path: Path
) -> None:
    pytest.importorskip("sklearn")
    assert "has no calibration" in fail("gallery", "group", gallery)
    number = answer("gallery", "stats", gallery)["sightings"]
    found = answer("gallery", "group", gallery, "--similarity", "-0.99", "--picture", tmp_path / "groups.png")
    (everybody,) = found["proposals"]
    assert (everybody["sightings"], everybody["identity"]) == ([*range(1, number + 1)], None)
    assert (found["all_proposals"], found["alone"], found["events"]) == (1, 0, [])
    with Image.open(tmp_path / "groups.png") as image:
        assert image.width > 10 * 80
    assert "top is -1; expected a whole number of at least 1" in fail(
        "gallery", "group", gallery, "--similarity", "-0.99", "--top", "-1", "--accept"
    )
    assert answer("gallery", "show", gallery)["identities"] == []
    say("gallery", "enrol", gallery, "1", "--name", "Anna")
    said = say("gallery", "group", gallery, "--similarity", "-0.99", "--accept")
    assert "1 Anna" in said and "recorded: events 2 to 2" in said
    assert len(answer("gallery", "show", gallery)["identities"][0]["sightings"]) == number
    say("gallery", "undo", gallery)
    assert len(answer("gallery", "show", gallery)["identities"][0]["sightings"]) == 1
    alone = answer("gallery", "group", gallery, "--similarity", "1")
    assert (alone["proposals"], alone["alone"]) == ([], number - 1)
    assert f"gallery confirm {gallery} 1 2" in say("gallery", "group", gallery, "--similarity", "-0.99")
    say("gallery", "undo", gallery)
    assert f"gallery enrol {gallery} 1 2" in say("gallery", "group", gallery, "--similarity", "-0.99")


def test_few_people_are_too_few_to_calibrate_on(gallery: Path, fail: Fail) -> None:
    pytest.importorskip("sklearn")
    assert "expected at least 20 people. Enrol or confirm more" in fail("gallery", "calibrate", gallery)
