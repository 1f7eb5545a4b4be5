import json
import re
import shutil
from pathlib import Path

from scalereid.data.records import ReidDataset
from tests.cli.conftest import Answer, Fail, Say


def test_classes_of_pictures(class_run: Path, class_images: Path, answer: Answer, say: Say) -> None:
    pictures = [str(class_images / "val" / "red" / f"{number}.png") for number in range(2)]
    found = answer("classify", class_run, *pictures)
    assert [image["path"] for image in found["images"]] == pictures
    for image in found["images"]:
        assert sorted(one["name"] for one in image["classes"]) == ["blue", "green", "red"]
        likeliest = [one["probability"] for one in image["classes"]]
        assert likeliest == sorted(likeliest, reverse=True)
    text = say("classify", class_run, class_images / "train")
    assert "16 more pictures: --json has all" in text
    assert re.search(r"│ blue/\d+\.png +│ \w+ \d+%, \w+ \d+%, \w+ \d+% │", text)


def test_each_picture_has_a_name_and_a_line_of_its_own(
    class_run: Path, class_images: Path, tmp_path: Path, say: Say
) -> None:
    for name in ("red/0.png", "blue/0.png", "blue/two\nlines.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(class_images / "val" / "red" / "0.png", tmp_path / name)
    found = re.findall(r"│ (\S+) +│ \w+ \d+%", say("classify", class_run, tmp_path))
    assert found == ["blue/0.png", r"blue/two\nlines.png", "red/0.png"]


def test_scores(class_run: Path, class_images: Path, answer: Answer, say: Say) -> None:
    found = answer("classify", class_run, "--data", class_images)
    logged = json.loads((class_run / "log.jsonl").read_text().splitlines()[-1])["class_scores"]
    assert found["scores"] == logged
    text = say("classify", class_run, "--data", class_images)
    assert f"top-1 error {1 - logged['top1']:.2%}" in text
    assert "12 images of 3 classes" in text


def test_what_is_refused(class_run: Path, class_images: Path, people: ReidDataset, fail: Fail) -> None:
    assert "Name pictures" in fail("classify", class_run, code=2)
    both = ("classify", class_run, class_images, "--data", class_images)
    assert "--data and --dataset have no effect with pictures" in fail(*both, code=2)
    assert "score it by the command classify" in fail("evaluate", class_run, "--data", class_images).replace("\n", " ")
    assert "No such file: none.onnx" in fail("classify", "none.onnx", class_images)
    assert "3 classes" in fail("classify", class_run, "--data", people.root, "--dataset", "csv")
