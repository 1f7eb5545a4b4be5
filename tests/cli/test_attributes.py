import json
import re
import shutil
from pathlib import Path

import pytest

from scalereid.data.records import ReidDataset
from tests.cli.conftest import SMALL, Answer, Fail, Say

TORCH = ("--runtime", "torch")


def test_likelihoods_of_pictures(attribute_run: Path, people: ReidDataset, tmp_path: Path, answer: Answer) -> None:
    pictures = [str(record.path) for record in people.gallery[:3]]
    table, page = tmp_path / "x.csv", tmp_path / "x.html"
    found = answer("attributes", attribute_run, *pictures, *TORCH, "--out", table, "--page", page)
    assert found["attributes"] == ["hat", "bag"]
    assert [image["path"] for image in found["images"]] == pictures
    assert all(0 < value < 1 for image in found["images"] for value in image["likelihoods"])
    assert table.read_text().splitlines()[0] == "path,attribute.hat,attribute.bag"
    assert page.read_text().count("<section>") == 3
    assert (
        "If these pictures show real people, this page is personal data" in page.read_text()
    )  # of the run's own dataset


def test_pictures_from_elsewhere_may_be_of_any_dataset(
    attribute_run: Path, people: ReidDataset, tmp_path: Path, say: Say
) -> None:
    for source, file in (
        (attribute_run, tmp_path / "x.jpg"),
        (attribute_run / "last.safetensors", people.query[0].path),
    ):
        if not file.exists():
            shutil.copy(people.query[0].path, file)
        say("attributes", source, file, *TORCH, "--page", tmp_path / "x.html")
        assert "If these pictures are of a published dataset" in (tmp_path / "x.html").read_text()


def test_what_a_person_sees(attribute_run: Path, people: ReidDataset, tmp_path: Path, say: Say, fail: Fail) -> None:
    text = say("attributes", attribute_run, people.root, *TORCH)
    assert "100 more pictures: --out and --page show all" in text
    assert re.search(r"0007_c\d_0\.jpg|0001_c1_0\.jpg", text)
    (tmp_path / "x.jpg").write_bytes(b"no picture")
    assert re.search(r"left out: .*x\.jpg", fail("attributes", attribute_run, tmp_path, *TORCH).replace("\n", ""))
    assert "Name pictures" in fail("attributes", attribute_run, code=2)
    assert "--table has no effect with pictures" in fail(
        "attributes", attribute_run, people.root, "--table", "market1501", code=2
    )
    assert "--page has no effect with --data" in fail(
        "attributes", attribute_run, "--data", people.root, "--page", "x.html", code=2
    )
    assert ".csv, .jsonl or .parquet" in fail("attributes", attribute_run, people.root, "--out", "x.npz")


def test_each_picture_has_a_name_and_a_line_of_its_own(
    attribute_run: Path, people: ReidDataset, tmp_path: Path, say: Say
) -> None:
    for name in ("hall/0.jpg", "door/0.jpg", "door/two\nlines.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(people.query[0].path, tmp_path / name)
    text = say("attributes", attribute_run, tmp_path, *TORCH, "--page", tmp_path / "x.html")
    names = ["door/0.jpg", r"door/two\nlines.jpg", "hall/0.jpg"]
    assert re.findall(r"│ (\S+\.jpg) +│", text) == names
    captions = re.findall(r"<figcaption><b>([^<]+)</b>", (tmp_path / "x.html").read_text())
    assert captions == [name.replace(r"\n", "\n") for name in names]


def test_scores(attribute_run: Path, people: ReidDataset, answer: Answer, say: Say) -> None:
    found = answer("attributes", attribute_run, "--data", people.root)
    logged = json.loads((attribute_run / "log.jsonl").read_text().splitlines()[-1])["attribute_scores"]
    assert found["scores"] == logged
    text = say("attributes", attribute_run, "--data", people.root)
    assert re.search(r"│ hat +│ +\d+\.\d\d%", text)
    assert f"mA {found['scores']['mA']:.2%}" in text
    assert "48 images with known attributes" in text


def test_an_attribute_that_all_test_images_have(
    attribute_run: Path, people: ReidDataset, tmp_path: Path, say: Say
) -> None:
    (tmp_path / "all.csv").write_text("pid,hat,bag\n" + "".join(f"{pid},{pid % 2},1\n" for pid in range(1, 11)))
    words = ("--data", people.root, "--table", tmp_path / "all.csv")
    text = say("attributes", attribute_run, *words)
    assert "not in mA, as all test images are alike: bag" in text


def test_a_model_without_attributes(runs: Path, people: ReidDataset, fail: Fail) -> None:
    assert "No such file: none.onnx" in fail("attributes", "none.onnx", people.root)
    for words in (
        ("attributes", runs / "short", people.root),
        ("attributes", runs / "short", "--data", people.root),
    ):
        assert "osnet_one_stream (short) has learned no attributes" in fail(*words, *TORCH)


@pytest.mark.parametrize("weight", ["0", "1"])
def test_a_training_says_what_is_missing(weight: str, people: ReidDataset, tmp_path: Path, fail: Fail) -> None:
    given = ("--objective.attributes", weight, *(() if weight == "1" else ("--data.attributes", "market1501")))
    text = fail("train", "toy", "--data", people.root, "--out", tmp_path / "x", *SMALL, *given)
    assert "objective.attributes is" in text
    assert "--data.attributes" in text
