from pathlib import Path

from PIL import Image

from tests.cli.conftest import Answer, Fail, Say


def test_what_is_said_can_be_taken_back(gallery: Path, answer: Answer, say: Say) -> None:
    anna = answer("gallery", "enrol", gallery, "1", "2", "--name", "Anna", "--by", "me")
    assert (anna["identity"], anna["name"], anna["sightings"]) == (1, "Anna", [1, 2])
    assert answer("gallery", "confirm", gallery, "1", "3", "4")["sightings"] == [1, 2, 3, 4]
    assert answer("gallery", "reject", gallery, "1", "2")["sightings"] == [1, 3, 4]
    ben = answer("gallery", "split", gallery, "1", "4", "--name", "Ben")
    assert (ben["identity"], ben["sightings"]) == (ben["event"], [4])
    assert answer("gallery", "rename", gallery, "1", "Anne")["name"] == "Anne"
    other = answer("gallery", "enrol", gallery, "7")["identity"]
    before = answer("gallery", "show", gallery)
    assert answer("gallery", "merge", gallery, "1", str(other))["sightings"] == [1, 3, 7]
    undone = answer("gallery", "undo", gallery)
    assert (undone["said"], undone["identity"]) == (f"undo event 7 (merge {other} into identity 1)", None)
    assert answer("gallery", "show", gallery) == before
    events = answer("gallery", "history", gallery)["events"]
    assert [event["undone"] for event in events] == [False] * 6 + [True, False]
    assert events[0]["by"] == "me"
    assert answer("gallery", "history", gallery, "--last", "1")["events"][0]["said"] == undone["said"]
    assert f"merge {other} into" in say("gallery", "history", gallery, "--last", "1")
    assert "rename identity 1 to 'Anne'" in say("gallery", "history", gallery)
    assert "gallery undo" in say("gallery", "enrol", gallery, "9")


def test_contradictions_are_told(gallery: Path, fail: Fail, say: Say) -> None:
    for last in ("0", "-1"):
        assert f"last is {last}; expected a whole number of at least 1" in fail(
            "gallery", "history", gallery, "--last", last
        )
    say("gallery", "enrol", gallery, "1")
    assert "identity 9 does not exist" in fail("gallery", "confirm", gallery, "9", "1")
    assert "No such sighting: 999" in fail("gallery", "enrol", gallery, "999")
    assert "Name at least one sighting" in fail("gallery", "enrol", gallery, code=2)
    assert "Name at least one other identity" in fail("gallery", "merge", gallery, "1", code=2)
    assert "nothing was said" not in say("gallery", "undo", gallery)
    assert "nothing was said that can be undone" in fail("gallery", "undo", gallery)
    said = fail("gallery", "show", gallery.parent / "nowhere")
    assert "create one first" in said and "gallery create GALLERY --model MODEL" in said


def test_a_person_is_shown_written_and_forgotten(
    gallery: Path, answer: Answer, say: Say, fail: Fail, tmp_path: Path
) -> None:
    say("gallery", "enrol", gallery, "1", "2", "3", "--name", "Anna")
    say("gallery", "enrol", gallery, "5", "--name", "Ben")
    shown = answer("gallery", "show", gallery, "--identity", "1", "--picture", tmp_path / "anna.png")
    assert [one["sighting"] for one in shown["identities"][0]["sightings"]] == [1, 2, 3]
    with Image.open(tmp_path / "anna.png") as image:
        assert image.width > 3 * 80
    assert "Ben" in say("gallery", "show", gallery)
    (tmp_path / "anna").mkdir()  # an empty folder is as good as a new one
    assert answer("gallery", "export", gallery, "1", "--out", tmp_path / "anna")["sightings"] == 3
    assert "Name what to forget" in fail("gallery", "forget", gallery, code=2)
    assert "Name what to forget" in fail("gallery", "forget", gallery, "--identity", "1", "--overwrite", code=2)
    assert answer("gallery", "forget", gallery, "--overwrite") == {"identity": None, "forgotten": []}
    assert "overwritten: all that was deleted" in say("gallery", "forget", gallery, "--overwrite")
    assert answer("gallery", "forget", gallery, "--identity", "1") == {"identity": 1, "forgotten": [1, 2, 3]}
    assert "forgotten: 1 sighting" in say("gallery", "forget", gallery, "--sightings", "5")
    assert "cannot be undone" in fail("gallery", "undo", gallery, "--event", "3")
    assert answer("gallery", "check", gallery)["problems"] == []
