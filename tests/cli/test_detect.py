import json
import os
import shutil
from datetime import UTC, datetime
from math import log
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("onnx", reason="the extra `export` is not installed")
from scalereid.gallery.listing import read_listed_sightings
from scalereid.gallery.sightings import Seen
from tests.cli.conftest import Answer, Fail, Say
from tests.detection.graphs import write_detector, yolox

PEOPLE = yolox([(103, (0.875, 0.875, log(1.25), log(2.5)), 0.9), (6, (0.5, 2.5, log(2), log(4)), 0.35)])
FIRST, SECOND = (40.0, 20.0, 80.0, 100.0), (88.0, 8.0, 120.0, 72.0)


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    """It finds two people in any picture, of one of whom it is not sure."""
    return write_detector(tmp_path / "found.onnx", {"output": PEOPLE})


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    folder = tmp_path / "scenes"
    folder.mkdir()
    for name in ("cam1_20260301.jpg", "cam2_20260302.png"):
        Image.new("RGB", (192, 128), (90, 90, 90)).save(folder / name)
    return folder


def test_people_are_found(scenes: Path, detector: Path, answer: Answer, say: Say, fail: Fail) -> None:
    found = answer("detect", scenes, "--detector", detector)
    first, second = (str(scenes / name) for name in ("cam1_20260301.jpg", "cam2_20260302.png"))
    assert found == {
        "detector": "found.onnx", "layout": "yolox", "pictures": 2, "errors": {}, "out": None, "drawn": None,
        "people": [{"path": path, "box": [*FIRST], "score": 0.9} for path in (first, second)],
    }  # fmt: skip
    assert len(answer("detect", first, second, "--detector", detector, "--least-score", "0.3")["people"]) == 4
    assert answer("detect", scenes, "--detector", detector, "--detector-class", "1")["people"] == []
    assert "--detector-class is -1; expected" in fail(
        "detect", scenes, "--detector", detector, "--detector-class", "-1"
    )
    said = say("detect", first, "--detector", detector, "--detector-layout", "yolox")
    assert "1 picture; found.onnx, layout yolox" in said and "1 person in 1 picture" in said
    assert "0.90" in said and "cam1_20260301.jpg" in said


def test_boxes_are_drawn(scenes: Path, detector: Path, answer: Answer, fail: Fail) -> None:
    drawn = scenes.parent / "drawn"
    assert answer("detect", scenes, "--detector", detector, "--draw", drawn)["drawn"] == str(drawn)
    assert sorted(file.name for file in drawn.iterdir()) == ["cam1_20260301.jpg", "cam2_20260302.png.jpg"]
    with Image.open(drawn / "cam2_20260302.png.jpg") as picture:
        red, green, blue = picture.convert("RGB").getpixel((41, 60))  # type: ignore[misc] # the box's left edge
        assert red > 200 and green > 150 and blue < 80
    assert "exists; choose another name" in fail("detect", scenes, "--detector", detector, "--draw", drawn)


def test_each_picture_has_a_drawing_of_its_own(scenes: Path, detector: Path, answer: Answer) -> None:
    (scenes / "cam1").mkdir()
    shutil.copy(scenes / "cam1_20260301.jpg", scenes / "cam1" / "x.jpg")
    shutil.copy(scenes / "cam1_20260301.jpg", scenes / "cam1-x.jpg")
    drawn = scenes.parent / "drawn"
    drawn.mkdir()  # an empty folder is as good as a new one
    answer("detect", scenes, "--detector", detector, "--draw", drawn)
    assert sorted(file.name for file in drawn.iterdir()) == [
        "cam1-x-2.jpg", "cam1-x.jpg", "cam1_20260301.jpg", "cam2_20260302.png.jpg",
    ]  # fmt: skip


def test_drawings_of_long_paths_have_names_that_fit(scenes: Path, detector: Path, answer: Answer) -> None:
    for camera in ("door", "hall"):
        folder = scenes / camera / ("b" * 240)
        folder.mkdir(parents=True)
        shutil.copy(scenes / "cam1_20260301.jpg", folder / f"{'c' * 240}.jpg")
    shutil.copy(scenes / "cam1_20260301.jpg", scenes / f"x{'人' * 60}.jpg")  # of three bytes each
    drawn = scenes.parent / "drawn"
    answer("detect", scenes, "--detector", detector, "--draw", drawn)
    long = "c" * 150
    assert sorted(file.name for file in drawn.iterdir()) == [
        "cam1_20260301.jpg", "cam2_20260302.png.jpg", f"{long}-2.jpg", f"{long}.jpg", f"{'人' * 50}.jpg",
    ]  # fmt: skip


def test_a_picture_that_is_named_twice_is_looked_at_once(scenes: Path, detector: Path, answer: Answer) -> None:
    out = scenes.parent / "boxes.csv"
    words = ("--detector", detector, "--least-score", "0.3")
    assert answer("detect", scenes, scenes / "*.jpg", *words, "--out", out)["pictures"] == 2
    again = answer("detect", out, *words)  # a table of people has a line for each
    assert (again["pictures"], len(again["people"])) == (2, 4)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_the_table_is_what_a_gallery_reads(
    suffix: str, scenes: Path, detector: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(scenes.parent)
    out = Path("two tables") / f"boxes{suffix}"
    names = ["--camera-from", r"cam(\d)", "--time-from", "%Y%m%d"]
    said = say("detect", "scenes", "--detector", detector, "--least-score", "0.3", "--out", out, *names)
    assert f"4 people in 2 pictures\nwritten: {out}. Next: " in said
    assert f"gallery add GALLERY '{out}'" in said
    path = Path("two tables") / ".." / "scenes"
    day = datetime(2026, 3, 1, tzinfo=UTC)
    assert read_listed_sightings(out) == [
        Seen(str(path / name), camera, day.replace(day=int(camera)), box)
        for name, camera in (("cam1_20260301.jpg", "1"), ("cam2_20260302.png", "2"))
        for box in (FIRST, SECOND)
    ]
    assert say("detect", "scenes", "--detector", detector, "--least-score", "1", "--out", out).endswith(
        f"0 people in 2 pictures\nwritten: {out}\n"
    )


def test_pictures_that_cannot_be_read_are_told(scenes: Path, detector: Path, fail: Fail) -> None:
    bad = scenes / "bad.jpg"
    bad.write_bytes(b"no picture")
    out = scenes / "boxes.csv"
    said = fail("detect", scenes, "--detector", detector, "--out", out, "--camera-from", r"cam(\d)")
    assert f"left out: {bad} cannot be read as an image" in said and "2 people in 2 pictures" in said
    assert len(out.read_text().splitlines()) == 3
    unnamed = fail("detect", scenes / "cam1_20260301.jpg", "--detector", detector, "--camera-from", r"hall(\d)")
    assert f"left out: {scenes / 'cam1_20260301.jpg'}: its path has no camera like hall" in unnamed


def test_names_that_a_table_cannot_hold_are_found_before_people(scenes: Path, detector: Path, fail: Fail) -> None:
    shutil.copy(scenes / "cam1_20260301.jpg", scenes / os.fsdecode(b"cam1_\xff.jpg"))
    for suffix in (".csv", ".jsonl"):
        said = fail("detect", scenes, "--detector", detector, "--out", scenes / f"boxes{suffix}")
        assert "cam1_\\udcff.jpg' is not UTF-8, as a table of people requires; rename it" in said
        assert "finding people" not in said


def test_its_document_has_the_errors(scenes: Path, detector: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from scalereid.cli import main

    (scenes / "bad.jpg").write_bytes(b"no picture")
    with pytest.raises(SystemExit):
        main(["detect", str(scenes), "--detector", str(detector), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert [*document["errors"]] == [str(scenes / "bad.jpg")] and document["pictures"] == 3


def test_what_cannot_be_is_told_before_any_work(scenes: Path, detector: Path, fail: Fail) -> None:
    assert "Name pictures" in fail("detect", "--detector", detector, code=2)
    assert "a table of people is written to a .csv or .jsonl file" in fail(
        "detect", scenes, "--detector", detector, "--out", scenes / "boxes.txt"
    )
    assert "No such file" in fail("detect", scenes, "--detector", scenes / "none.onnx")
    assert "expected of the layout yolov8" in fail(
        "detect", scenes, "--detector", detector, "--detector-layout", "yolov8"
    )
    assert "yolox-decoded" in fail("detect", scenes, "--detector", detector, "--detector-layout", "yolo", code=2)
    assert "least_score is 2.0; expected a number from 0 to 1" in fail(
        "detect", scenes, "--detector", detector, "--least-score", "2"
    )
