from pathlib import Path

import pytest
from PIL import Image

from scalereid.data.records import ReidDataset
from scalereid.retrieval.calibration import Calibration
from tests.cli.conftest import Answer, Fail, Say
from tests.cli.gallery.conftest import ADD

TORCH = ["--runtime", "torch"]


def test_a_gallery_is_made_and_filled(
    runs: Path, pictures: Path, people: ReidDataset, tmp_path: Path, answer: Answer, fail: Fail
) -> None:
    folder, number = tmp_path / "people.gallery", len(people.gallery)
    made = answer("gallery", "create", folder, "--model", runs / "long")
    assert (made["calibration"], made["index"]) == (None, "exact")
    added = answer("gallery", "add", folder, pictures, *ADD)
    assert (added["added"], added["there"], added["sightings"]) == (number, 0, number)
    assert (added["first"], added["last"], added["errors"]) == (1, number, {})
    again = answer("gallery", "add", folder, pictures, *ADD)
    assert (again["added"], again["there"], again["first"]) == (0, number, None)
    for name in ("x_c1_.jpg", "hall.jpg"):
        (tmp_path / name).write_bytes(b"no picture")
    said = fail("gallery", "add", folder, tmp_path / "x_c1_.jpg", *ADD)
    assert f"not added: {tmp_path / 'x_c1_.jpg'} cannot be read as an image" in said
    assert f"not added: {tmp_path / 'hall.jpg'}: its path has no camera like" in fail(
        "gallery", "add", folder, tmp_path / "hall.jpg", *ADD
    )
    assert f"0 sightings added, 0 were there already, 1 could not be added; the gallery has {number}" in said
    assert "exists" in fail("gallery", "create", folder, "--model", runs / "long")


def test_who_is_on_a_picture(gallery: Path, people: ReidDataset, answer: Answer, say: Say, tmp_path: Path) -> None:
    query = people.query[0].path
    found = answer("gallery", "search", gallery, query, "--top", "4", "--purpose", "a test", "--by", "me", *TORCH)
    assert (found["verdict"], found["candidates"], found["calibration"]) == ("unknown", [], None)
    assert len(found["matches"]) == 4
    similarities = [match["similarity"] for match in found["matches"]]
    assert similarities == sorted(similarities, reverse=True)
    said = say("gallery", "search", gallery, query, "--top", "4", *TORCH)
    assert "Nobody known: none of these has an identity." in said
    assert "Say who they are:" in said and "gallery enrol" in said
    best = found["matches"][0]["sighting"]
    say("gallery", "enrol", gallery, str(best), "--name", "Anna")
    picture = tmp_path / "found.png"
    known = answer("gallery", "search", gallery, query, "--top", "4", "--picture", picture, *TORCH)
    assert known["candidates"][0]["name"] == known["matches"][0]["name"] == "Anna"
    with Image.open(picture) as image:
        assert image.width > 4 * 80 and image.height > 160
    assert "Identity 1 Anna, similarity" in say("gallery", "search", gallery, query, *TORCH)
    searches = answer("gallery", "history", gallery, "--searches")["searches"]
    assert (searches[0]["by"], searches[0]["purpose"], searches[0]["what"]["top"]) == ("me", "a test", 4)


def test_only_what_meets_the_conditions_is_found(
    gallery: Path, people: ReidDataset, answer: Answer, fail: Fail
) -> None:
    query = people.query[0].path

    def cameras(*words: str) -> set[str]:
        return {
            match["camera"]
            for match in answer("gallery", "search", gallery, query, "--top", "99", *words, *TORCH)["matches"]
        }

    every = cameras()
    one, *others = sorted(every)
    assert others
    assert cameras("--camera", one) == {one}
    assert cameras("--not-camera", one) == {*others}
    assert cameras("--after", "2026-01-01") == cameras("--before", "2026-01-01") == set()  # no time is known
    assert cameras("--attribute", "bag=0.5") == set()
    assert cameras("--among", "known") == set()
    assert cameras("--among", "unknown") == every
    assert "--after is 'soon'; expected a date" in fail("gallery", "search", gallery, query, "--after", "soon", code=2)
    assert "--attribute is 'bag'; expected" in fail("gallery", "search", gallery, query, "--attribute", "bag", code=2)
    assert "Name pictures" in fail("gallery", "search", gallery, code=2)


def test_a_sighting_is_searched_as_a_picture_is(gallery: Path, answer: Answer, fail: Fail, tmp_path: Path) -> None:
    found = answer("gallery", "similar", gallery, "1", "--top", "3", "--picture", tmp_path / "out.png")
    assert 1 not in [match["sighting"] for match in found["matches"]]
    assert (tmp_path / "out.png").is_file()
    assert "No such sighting: 999" in fail("gallery", "similar", gallery, "999")


def test_answers_are_probabilities_once_the_model_is_calibrated(
    gallery: Path, people: ReidDataset, answer: Answer, say: Say, fail: Fail, tmp_path: Path
) -> None:
    stats = answer("gallery", "stats", gallery)
    calibration = Calibration(
        "cosine", "net", stats["fingerprint"], "toy", "logistic", ((0.0, 9.0), (2.0, 9.0)), 0.5, same_pairs=9,
        different_pairs=9, points=(),
    )  # fmt: skip
    calibration.save(tmp_path / "calibration.json")
    assert (
        answer("gallery", "settings", gallery, "--calibration", tmp_path / "calibration.json")["calibration"] == "toy"
    )
    say("gallery", "enrol", gallery, "1", "--name", "Anna")
    found = answer("gallery", "search", gallery, people.query[0].path, "--top", "99", *TORCH)
    assert found["verdict"] == "likely"
    assert found["matches"][0]["probability"] == pytest.approx(1 / (1 + 2.718281828**-9))
    assert "Likely: identity 1 Anna, 100.0%" in say(
        "gallery", "search", gallery, people.query[0].path, "--top", "99", *TORCH
    )
    assert answer("gallery", "settings", gallery, "--likely", "0.99999")["likely"] == 0.99999
    assert "Possible: identity 1" in say("gallery", "search", gallery, people.query[0].path, "--top", "99", *TORCH)
    assert "expected 0 < possible" in fail("gallery", "settings", gallery, "--likely", "0.1")


def test_a_gallery_takes_another_model(gallery: Path, runs: Path, answer: Answer, fail: Fail) -> None:
    before = answer("gallery", "stats", gallery)
    assert "reembed" in fail("gallery", "settings", gallery, "--model", runs / "short")
    done = answer("gallery", "reembed", gallery, "--model", runs / "short", *TORCH)
    assert (done["embedded"], done["without_picture"]) == (before["sightings"], [])
    assert done["model_fingerprint"] != before["fingerprint"]
    assert answer("gallery", "check", gallery)["problems"] == []


def test_attributes_are_added(
    runs: Path, attribute_run: Path, pictures: Path, tmp_path: Path, answer: Answer, fail: Fail
) -> None:
    folder = tmp_path / "people.gallery"
    answer("gallery", "create", folder, "--model", runs / "long")
    added = answer("gallery", "add", folder, pictures, *ADD, "--attributes", attribute_run)
    query = next(pictures.iterdir())
    words = ("gallery", "search", folder, query, "--top", "100", *TORCH)
    found = answer(*words, "--attribute", "hat=0.01")
    assert len(found["matches"]) == added["added"]
    assert answer(*words, "--attribute", "hat=0.999")["matches"] == []
    text = fail("gallery", "add", folder, pictures, *ADD, "--attributes", runs / "long")
    assert "has learned no attributes" in text
