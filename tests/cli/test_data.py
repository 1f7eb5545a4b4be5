import json
import os
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from scalereid.cli import main
from scalereid.data.records import ReidDataset
from tests.cli.conftest import Answer
from tests.data.readers.test_cuhk03_mat import PEOPLE, write_mat


@pytest.fixture
def mine(people: ReidDataset, tmp_path: Path) -> Path:
    """The drawn people as a dataset of one's own: folders train, query and gallery, names like Market-1501's."""
    for split, records in people.splits.items():
        (tmp_path / "mine" / split).mkdir(parents=True)
        for record in records:
            shutil.copy(record.path, tmp_path / "mine" / split / record.path.name)
    return tmp_path / "mine"


def check(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str]:
    """The exit code, and what is printed."""
    code = 0
    try:
        main(["data", "check", *map(str, words)])
    except SystemExit as ended:
        code = int(ended.code or 0)
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_nothing_wrong(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = check(capsys, mine)
    assert code == 0
    assert f"{mine} holds market-names, scored by the market1501 protocol" in text
    assert re.search(r"train +│ +6 │ +4 │ +72 │", text)
    assert re.search(r"gallery +│ +4 │ +4 │ +32 │", text)
    assert text.endswith("nothing wrong (of images only the headers were read; --decode decodes every image)\n")
    assert check(capsys, mine, "--decode")[1].endswith("nothing wrong\n")


def test_errors_end_with_1_and_warnings_do_not(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = min((mine / "query").iterdir())
    shutil.copy(image, mine / "train" / "0099_c1_0.jpg")
    code, text = check(capsys, mine)
    assert code == 0
    assert "both in training and in query or gallery: the score says nothing about unseen people" in text
    image.write_bytes(image.read_bytes()[:400])
    code, text = check(capsys, mine, "--decode")
    assert code == 1
    assert (
        f"error: 1 of 121 files cannot be used; replace such files, or take them out of the dataset\n    {image} cannot"
        in text
    )
    assert re.search(r"1 error, \d warnings?\n$", text)


def test_a_program_gets_counts_and_findings(mine: Path, answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(min((mine / "query").iterdir()), mine / "train" / "0099_c1_0.jpg")
    found = answer("data", "check", mine)
    assert (found["dataset"], found["protocol"], found["written"]) == ("market-names", "market1501", None)
    assert found["counts"]["query"] == {"people": 4, "images": 16, "cameras": 4, "tracklets": 0}
    assert {finding["severity"] for finding in found["findings"]} == {"warning", "note"}
    code, text = check(capsys, mine / "nowhere", "--json")
    found = json.loads(text[: text.rindex("}") + 1])
    assert (code, found["dataset"], found["counts"]) == (1, None, {})
    assert [finding["kind"] for finding in found["findings"]] == ["no-folder"]
    code, text = check(capsys, mine, "--dataset", "viper", "--json")
    found = json.loads(text[: text.rindex("}") + 1])
    assert code == 1
    assert "VIPeR was not found" in found["findings"][0]["message"]


def test_a_split_is_written_once_and_read_back(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = check(capsys, mine / "train", "--write-split", "--train-share", "0.67")
    assert code == 0  # readable, but only the training side of what lies one level above, and it says so
    assert f"market-names is not here but in {mine}" in text
    shutil.rmtree(mine / "query")
    shutil.rmtree(mine / "gallery")
    (mine / "train" / "dataset.csv").unlink()
    code, text = check(capsys, mine, "--write-split", "--train-share", "0.67")
    assert code == 0
    assert f"written: {mine / 'dataset.csv'}" in text
    assert re.search(r"train +│ +4 │ +4 │ +48 │", text)
    assert re.search(r"query +│ +2 │ +4 │ +8 │", text)
    code, text = check(capsys, mine)
    assert code == 0
    assert "holds csv (also readable as market-names)" in text
    code, text = check(capsys, mine, "--write-split", "--protocol", "all-cameras")
    file = mine / "dataset-split.csv"
    assert f"written: {file}, to be named --data {file} --dataset csv" in text
    assert "scored by the all-cameras protocol" in check(capsys, file)[1]
    code, text = check(capsys, mine, "--write-split")
    assert code == 1
    assert "has a dataset.csv and a dataset-split.csv; move them away first" in text


def test_the_protocol_and_the_dataset_can_be_named(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in [*(mine / "query").iterdir(), *(mine / "gallery").iterdir()]:
        path.rename(path.with_name(re.sub("_c[0-9]", "_c1", path.stem) + f"{path.stem[-3:]}{path.parent.name}.jpg"))
    code, text = check(capsys, mine, "--dataset", "market-names")
    assert code == 1
    assert "all images have one camera: choose the protocol all-cameras" in text
    code, text = check(capsys, mine, "--dataset", "market-names", "--protocol", "all-cameras")
    assert code == 0
    assert "scored by the all-cameras protocol" in text
    code, text = check(capsys, mine, "--dataset", "viper")
    assert code == 1
    assert "VIPeR was not found" in text


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mine / "query").chmod(0)
    try:
        code, text = check(capsys, mine)
    finally:
        (mine / "query").chmod(0o755)
    assert code == 1
    assert f"Permission denied: '{mine / 'query'}'" in text


def test_a_refusal_of_the_system_names_the_folder(
    mine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For those who test as root, the refusal is staged."""

    def refuse(folder: Path) -> object:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("os.scandir", refuse)
    code, text = check(capsys, mine, "--dataset", "market-names")
    assert code == 1
    assert f"error: [Errno 13] Permission denied: '{mine}'" in text


def test_unpacking(tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: Answer) -> None:
    write_mat(tmp_path / "cuhk-03.mat")
    code, text = check(capsys, tmp_path)
    assert code == 1
    assert re.search(rf"Unpack it:  \S+ data unpack {tmp_path}\n", text)
    assert answer("data", "unpack", tmp_path) == {"folder": str(tmp_path)}
    with Image.open(tmp_path / "images_detected" / "5_001_1_01.png") as image:
        assert image.size == (3, 6)
    assert len(list((tmp_path / "images_labeled").iterdir())) == 10 * sum(PEOPLE) - len(PEOPLE)


def test_people_or_cameras_is_asked_and_the_answer_is_written(
    people: ReidDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "rooms"
    for record in people.train:
        folder = root / ("hall", "kitchen")[record.camid > 2] / f"person {record.pid}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(record.path, folder / f"20260101_{record.path.name[5:].replace('c', '')}")
    code, text = check(capsys, root, "--write-split")
    assert code == 0
    assert f"{root} holds camera-folders, scored by the market1501 protocol" in text
    assert "note: the cameras have these numbers: hall 1, kitchen 2" in text
    table = (root / "dataset.csv").read_text()
    assert re.search(r"^query,kitchen/person \d/20260101_3_0\.jpg,\d,2$", table, re.MULTILINE)
    code, text = check(capsys, root / "hall", "--folders", "people")
    assert code == 0
    assert "holds person-folders, scored by the all-cameras protocol" in text

    for place in ("hall", "kitchen"):
        (tmp_path / "flat" / place).mkdir(parents=True)
        shutil.copy(people.train[0].path, tmp_path / "flat" / place / "a.jpg")
    for words in ((), ("--dataset", "folders")):
        code, text = check(capsys, tmp_path / "flat", *words)
        assert code == 1
        assert "named like places, hall, kitchen: people or cameras?" in text
        for answer in ("people", "cameras"):
            assert f"{answer.capitalize()}:  " in text
            assert f"data check {tmp_path / 'flat'} --folders {answer}" in text
    code, text = check(capsys, tmp_path / "flat", "--folders", "cameras")
    assert code == 1
    assert "in folders of cameras (hall 1, kitchen 2) without folders of people within: no people are known" in text
    code, text = check(capsys, root, "--folders", "people", "--dataset", "folders")
    assert code == 2
    assert "--dataset and --folders both name the dataset" in text
