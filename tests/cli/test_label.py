import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from scalereid.cli.label import _calibrates, _sample
from scalereid.cli.models import ComputeOptions, PixelOptions
from scalereid.inference.items import Item
from tests.cli.conftest import Answer, Fail, Say


def sheet(page: Path) -> list[list[str]]:
    found = re.search(r'id="sheet">(.*?)</script>', page.read_text())
    assert found
    pairs: list[list[str]] = json.loads(found[1])["pairs"]
    return pairs


def test_a_page_of_a_folder(runs: Path, colours: Path, tmp_path: Path, say: Say, answer: Answer) -> None:
    words = ("label", runs / "short", colours, "--runtime", "torch", "--pairs", "40")
    text = say(*words, "--out", tmp_path / "sheet.html")
    assert f"40 pairs in {tmp_path / 'sheet.html'}, drawn from 435" in text
    assert f"scalereid calibrate {runs / 'short'} --pairs pairs.csv" in text
    assert "where cameras are known, draw with --other-cameras" in text.replace("\n", " ")
    found = answer(*words, "--out", tmp_path / "again.html")
    assert (found["images"], found["pairs"], found["drawn_from"]) == (30, 40, 435)
    assert (tmp_path / "again.html").read_text() == (tmp_path / "sheet.html").read_text()
    say(*words, "--seed", "1", "--out", tmp_path / "other.html")
    assert sheet(tmp_path / "other.html") != sheet(tmp_path / "sheet.html")


def test_the_command_that_follows_can_be_typed(
    runs: Path, colours: Path, tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights have no folder for a calibration, and files of others take options: both are in the command."""
    weights = tmp_path / "its weights.safetensors"
    shutil.copy(runs / "long" / "last.safetensors", weights)
    text = say("label", weights, colours, "--runtime", "torch", "--pairs", "100", "--out", tmp_path / "sheet.html")
    name, *words = shlex.split(text.strip().splitlines()[-1])
    assert (name, words[1]) == ("scalereid", str(weights))
    monkeypatch.chdir(tmp_path)
    lines = ["first,second,answer,distance,weight,model_fingerprint"]
    for _, _, before, after in sheet(tmp_path / "sheet.html"):
        first, second = (Path(each).name.split("_")[0] for each in before.split(","))
        lines.append(f"{before},{'same' if first == second else 'different'},{after}")
    (tmp_path / "pairs.csv").write_text("\n".join(lines))
    assert "It is in calibration/calibration.json" in say(*words)
    pixels = PixelOptions(channels="BGR", scale=255.0, mean=(0.5, 0.25, 0))
    printed = _calibrates("x.onnx", ComputeOptions(pixels=pixels, run_code=True))
    assert printed.endswith(" --out calibration --run-code --channels BGR --scale 255.0 --mean 0.5 0.25 0")


def test_only_pairs_from_two_cameras(runs: Path, colours: Path, tmp_path: Path, say: Say, fail: Fail) -> None:
    words = ("label", runs / "short", "--runtime", "torch", "--other-cameras", "--out", tmp_path / "sheet.html")
    say(*words, colours / "dataset.csv")
    for _, _, before, _ in sheet(tmp_path / "sheet.html"):
        first, second = (re.search(r"_(\d)\.png$", name) for name in before.split(","))
        assert first
        assert second
        assert first[1] != second[1]
    (tmp_path / "sheet.html").unlink()
    refused = fail(*words, colours)
    assert "other_cameras needs images of two cameras" in refused
    assert "(on the command line: --other-cameras, --folders)" in refused


def test_numbers_are_checked_before_anything_is_embedded(colours: Path, tmp_path: Path, fail: Fail) -> None:
    words = ("label", tmp_path / "no-model", colours, "--out", tmp_path / "sheet.html")
    assert "pairs is 0; expected a whole number of at least 1" in fail(*words, "--pairs", "0")
    assert "seed is -1; expected a whole number of at least 0" in fail(*words, "--seed=-1")


def test_where_a_page_cannot_be_written(runs: Path, colours: Path, tmp_path: Path, fail: Fail) -> None:
    assert "expected a file that ends in .html" in fail("label", runs / "short", colours, "--out", tmp_path / "x.csv")
    (tmp_path / "sheet.html").write_text("")
    assert "exists; choose another name" in fail("label", runs / "short", colours, "--out", tmp_path / "sheet.html")


@pytest.mark.parametrize(("number", "kept"), [(10_000, 10_000), (10_500, 10_000)])
def test_of_very_many_images_a_sample(number: int, kept: int) -> None:
    items = [Item(str(i)) for i in range(number)]
    drawn = [int(item.path) for item in _sample(items, 0)]
    assert len({*drawn}) == len(drawn) == kept
    assert drawn == sorted(drawn)
    assert np.mean(drawn) == pytest.approx(number / 2, rel=0.02)


def test_cameras_by_folders(runs: Path, colours: Path, tmp_path: Path, say: Say) -> None:
    for camera, name in (("1", "hall"), ("2", "kitchen")):
        (tmp_path / "crops" / name).mkdir(parents=True)
        for pid in range(1, 11):
            shutil.copy(colours / f"{pid}_{camera}.png", tmp_path / "crops" / name / f"{pid}.png")
    out = tmp_path / "sheet.html"
    words = ("label", runs / "short", tmp_path / "crops", "--out", out, "--runtime", "torch")
    text = say(*words, "--other-cameras", "--folders", "cameras", "--pairs", "20")
    assert f"20 pairs in {out}, drawn from 100" in text
    assert all(("hall" in names) and ("kitchen" in names) for _, _, names, _ in sheet(out))
