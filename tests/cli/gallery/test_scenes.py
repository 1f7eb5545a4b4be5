"""A person in a scene is searched: in a box, or found by a detector."""

from math import log
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("onnx", reason="the extra `export` is not installed")
from tests.cli.conftest import Answer, Fail, Say
from tests.detection.graphs import write_detector, yolox

TORCH = ["--runtime", "torch", "--top", "1"]
PERSON = (103, (0.875, 0.875, log(1.25), log(2.5)), 0.9)  # 40, 20, 80, 100 in a picture of 192×128
OTHER = (6, (0.5, 2.5, log(2), log(4)), 0.6)
BOX = ["40", "20", "80", "100"]


@pytest.fixture
def scene(pictures: Path, tmp_path: Path) -> Path:
    """One of the gallery's pictures within a larger one."""
    with Image.open(sorted(pictures.iterdir())[0]) as person:
        canvas = Image.new("RGB", (192, 128), (90, 90, 90))
        canvas.paste(person.resize((40, 80)), (40, 20))
    canvas.save(tmp_path / "scene.png")
    return tmp_path / "scene.png"


def test_a_box_and_a_detector_give_the_same(gallery: Path, scene: Path, answer: Answer, tmp_path: Path) -> None:
    one = write_detector(tmp_path / "one.onnx", {"output": yolox([PERSON])})
    with Image.open(scene) as whole:
        whole.crop((40, 20, 80, 100)).save(tmp_path / "person.png")
    expected = answer("gallery", "search", gallery, tmp_path / "person.png", *TORCH)["matches"]
    sheet = ["--picture", tmp_path / "sheet.png"]
    assert answer("gallery", "search", gallery, scene, "--box", *BOX, *TORCH, *sheet)["matches"] == expected
    assert answer("gallery", "search", gallery, scene, "--detector", one, *TORCH)["matches"] == expected
    assert answer("gallery", "search", gallery, scene, *TORCH)["matches"] != expected
    with Image.open(tmp_path / "sheet.png") as drawn:
        colours = [drawn.getpixel((8 + 3 + 40, 24 + 3 + y)) for y in (5, 155)]
    assert (90, 90, 90) not in colours  # the person fills the tile


def test_of_several_people_one_has_to_be_named(gallery: Path, scene: Path, fail: Fail, tmp_path: Path) -> None:
    two = write_detector(tmp_path / "two.onnx", {"output": yolox([PERSON, OTHER])})
    said = fail("gallery", "search", gallery, scene, "--detector", two, *TORCH)
    assert f"{scene} shows 2 people; search one of them, without --detector:\n" in said
    assert "  --box 40 20 80 100   score 0.90\n  --box 88 8 120 72   score 0.60" in said
    assert "the detector finds nobody; name the person's box by --box" in fail(
        "gallery", "search", gallery, scene, "--detector", two, "--least-score", "0.95", *TORCH
    )
    both = fail("gallery", "search", gallery, scene, "--detector", two, "--box", *BOX, *TORCH, code=2)
    assert "--box is of one picture, without --detector" in both
    assert "--box is of one picture" in fail("gallery", "search", gallery, scene, scene, "--box", *BOX, code=2)
    outside = fail("gallery", "search", gallery, scene, "--box", "300", "0", "400", "90", *TORCH)
    assert "has no pixels within the frame of 192×128" in outside


def test_scenes_go_into_a_gallery_by_two_commands(
    gallery: Path, scene: Path, say: Say, answer: Answer, tmp_path: Path
) -> None:
    two = write_detector(tmp_path / "two.onnx", {"output": yolox([PERSON, OTHER])})
    say("detect", scene, "--detector", two, "--out", tmp_path / "boxes.csv")
    added = answer("gallery", "add", gallery, tmp_path / "boxes.csv", "--runtime", "torch")
    assert (added["added"], added["errors"]) == (2, {})
    found = answer("gallery", "search", gallery, scene, "--box", *BOX, *TORCH)["matches"][0]
    assert found["sighting"] == added["first"]
    assert found["similarity"] == pytest.approx(1, abs=1e-3)


def test_a_service_is_not_begun_without_its_detector(gallery: Path, fail: Fail, tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
    none = tmp_path / "none.onnx"
    assert f"No such file: {none}" in fail("gallery", "serve", gallery, "--detector", none)
