import warnings
from pathlib import Path

import pytest

from scalereid.data import DATASETS
from scalereid.data.check.findings import Finding
from scalereid.data.check.layout import explain, find_datasets
from scalereid.data.readers import OF_CLASSES, dukemtmc_reid
from tests.data.readers.files import touch


def said(root: Path) -> dict[str, Finding]:
    return {finding.kind: finding for finding in explain(root, find_datasets(root))}


@pytest.fixture
def viper(tmp_path: Path) -> Path:
    for folder in ("cam_a", "cam_b"):
        touch(tmp_path / "sets" / "VIPeR" / folder, [f"{pid:03d}_0.bmp" for pid in range(632)])
    return tmp_path / "sets"


def test_what_is_there_is_found_from_above_too(viper: Path) -> None:
    layout = find_datasets(viper)
    assert list(layout.readable) == ["viper"]
    assert layout.readable["viper"].name == "viper#1"
    assert explain(viper, layout) == []


def test_a_level_too_high_or_too_low_is_said(viper: Path) -> None:
    for folder in (viper.parent, viper / "VIPeR" / "cam_a"):
        finding = said(folder)["wrong-level"]
        assert finding.severity == "error"
        assert f"viper is not here but in {viper}" in finding.message


def test_almost_a_published_dataset(viper: Path) -> None:
    (viper / "VIPeR" / "cam_b" / "631_0.bmp").unlink()
    finding = said(viper)["refused"]
    assert "this looks like viper, but: viper#1" in finding.message


def test_ones_own_data_a_level_down_or_up(tmp_path: Path) -> None:
    for folder, pid in (("train", 1), ("query", 2), ("gallery", 2)):
        touch(tmp_path / "mine" / "data" / folder, [f"{pid:04d}_c1_0.jpg"])
    for root in (tmp_path, tmp_path / "mine" / "data" / "query"):
        assert f"market-names is not here but in {tmp_path / 'mine' / 'data'}" in said(root)["wrong-level"].message


def test_a_table_that_cannot_be_read_keeps_other_readers_out(tmp_path: Path) -> None:
    touch(tmp_path / "train", ["0001_c1_0.jpg", "0002_c1_0.jpg"])
    (tmp_path / "dataset.csv").write_text("split,path,pid\n")
    layout = find_datasets(tmp_path)
    assert layout.readable == {}
    [finding] = explain(tmp_path, layout)
    assert finding.severity == "error"
    assert "not readable as csv" in finding.message
    assert "no column camid" in finding.message


def test_a_table_of_another_name_is_mentioned(tmp_path: Path) -> None:
    touch(tmp_path / "crops", ["a.jpg"])
    (tmp_path / "labels.csv").write_text("split,path,pid,camid\n")
    finding = said(tmp_path)["other-tables"]
    assert "name the file itself, or rename it to dataset.csv" in finding.message
    assert finding.examples == (str(tmp_path / "labels.csv"),)


def test_folders_of_people_further_down(tmp_path: Path) -> None:
    for person in ("anna", "ben"):
        touch(tmp_path / "data" / "people" / person, ["1.jpg", "2.jpg"])
    assert f"folders is not here but in {tmp_path / 'data' / 'people'}" in said(tmp_path)["wrong-level"].message


def test_numbers_of_images_before_the_camera_may_look_like_people(tmp_path: Path) -> None:
    for person in ("anna", "ben"):
        touch(tmp_path / person, ["0001_c1.jpg", "0002_c2.jpg"])
    findings = said(tmp_path)
    assert findings.keys() == {"wrong-level", "unreadable"}
    assert findings["unreadable"].message.endswith("and such numbers count images, name the dataset person-folders")


def test_cuhk03_still_packed(tmp_path: Path) -> None:
    touch(tmp_path / "cuhk03" / "cuhk03_release", ["cuhk-03.mat"])
    finding = said(tmp_path)["packed"]
    assert "packed into cuhk-03.mat; unpack it first" in finding.message
    assert finding.examples == (str(tmp_path / "cuhk03" / "cuhk03_release"),)


def test_what_a_published_reader_says_is_a_note_where_another_reads_it(tmp_path: Path) -> None:
    for folder, pid in (("bounding_box_train", 1), ("query", 2), ("bounding_box_test", 2)):
        touch(tmp_path / folder, [f"{pid:04d}_c1s1_000001_00.jpg"])
    layout = find_datasets(tmp_path)
    assert list(layout.readable) == ["market-names"]
    refused = [finding for finding in explain(tmp_path, layout) if finding.kind == "refused"]
    assert {finding.severity for finding in refused} == {"note"}
    assert len({finding.message for finding in refused}) == len(refused)


def test_no_folder_and_no_images(tmp_path: Path) -> None:
    assert said(tmp_path / "nowhere").keys() == {"no-folder"}
    assert said(tmp_path).keys() == {"no-images"}


def test_mixed_and_nameless_names(tmp_path: Path) -> None:
    touch(tmp_path, ["0001_c1_0.jpg", "0002_c1_0.jpg", "holiday.jpg"])
    finding = said(tmp_path)["mixed-names"]
    assert "cannot be read from the names of 1 of 3 images" in finding.message
    assert finding.examples == (str(tmp_path / "holiday.jpg"),)
    for name in ("0001_c1_0.jpg", "0002_c1_0.jpg"):
        (tmp_path / name).unlink()
    assert "from the names of the 1 image here" in said(tmp_path)["nameless"].message


def test_good_names_in_folders_no_reader_knows(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "b" / "c" / "images", ["0001_c1_0.jpg", "0002_c1_0.jpg"])
    finding = said(tmp_path)["unknown-folders"]
    assert "rename the folders to train, query and gallery" in finding.message
    assert finding.examples == (str(tmp_path / "a" / "b" / "c" / "images"),)


def test_hidden_files_and_folders_are_not_looked_at(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "b" / "c" / "images", ["0001_c1_0.jpg", "0002_c1_0.jpg", "._0001_c1_0.jpg"])
    touch(tmp_path / ".trash", ["0003_c1_0.jpg", "0004_c1_0.jpg"])
    assert said(tmp_path).keys() == {"unknown-folders"}
    touch(tmp_path / "macos", ["._a.jpg"])
    assert said(tmp_path / "macos").keys() == {"no-images"}


def test_readers_warnings_are_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dukemtmc_reid, "_PUBLISHED", {})
    for folder in ("bounding_box_train", "query", "bounding_box_test"):
        touch(tmp_path / folder, ["0001_c2_f0046182.jpg"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "withdrawn by its authors" in said(tmp_path)["reader"].message


def test_a_file_is_a_table_or_nothing(tmp_path: Path) -> None:
    for name in ("x.jpg", "x.zip", "x.csv"):
        (tmp_path / name).write_bytes(b"PK\x03\x04\xff")
    [finding] = explain(tmp_path / "x.jpg", find_datasets(tmp_path / "x.jpg"))
    assert (finding.kind, finding.message) == (
        "not-a-folder",
        f"{tmp_path / 'x.jpg'} is a file; name the folder that holds the dataset, or its table, a .csv or .jsonl file",
    )
    assert (
        "only where it holds classes: name the dataset class-folders"
        in said(tmp_path / "x.zip")["not-a-folder"].message
    )
    assert "not UTF-8 text" in said(tmp_path / "x.csv")["unreadable"].message


def test_all_readers_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    for name in DATASETS:

        def ask(root: Path, name: str = name) -> object:
            asked.append(name)
            raise FileNotFoundError(root)

        monkeypatch.setitem(DATASETS, name, ask)
    find_datasets(tmp_path)
    of_people = [name for name in DATASETS if name not in OF_CLASSES]
    assert asked == [name for name in of_people if name not in ("person-folders", "camera-folders")]
    (tmp_path / "cam1").mkdir()
    asked.clear()
    find_datasets(tmp_path)
    assert asked == [name for name in of_people if name != "person-folders"]


def test_half_a_dataset_is_not_nothing(tmp_path: Path) -> None:
    """Its lists are there and its images are not; and a table names an image that is gone."""
    touch(tmp_path / "a", ["list_train.txt", "list_val.txt", "list_query.txt", "list_gallery.txt"])
    assert "this looks like msmt17, but" in said(tmp_path / "a")["refused"].message
    touch(tmp_path / "b" / "crops", ["a.jpg"])
    (tmp_path / "b" / "dataset.csv").write_text("split,path,pid,camid\ntrain,crops/gone.jpg,1,1\n")
    assert "gone.jpg, which does not exist" in said(tmp_path / "b")["unreadable"].message
    assert "other-tables" not in said(tmp_path / "b")


def test_a_neighbour_is_not_a_concern(tmp_path: Path) -> None:
    for folder in ("cam_a", "cam_b"):
        touch(tmp_path / "VIPeR" / folder, [f"{pid:03d}_0.bmp" for pid in range(632)])
    touch(tmp_path / "mine" / "train", ["0001_c1_0.jpg", "0002_c1_0.jpg"])
    assert said(tmp_path / "mine") == {}


def test_people_or_cameras_is_asked_and_nothing_else(tmp_path: Path) -> None:
    for place in ("hall", "kitchen"):
        touch(tmp_path / place, ["a.jpg", "b.jpg"])
    [finding] = explain(tmp_path, find_datasets(tmp_path))
    assert (finding.severity, finding.kind) == ("error", "people-or-cameras")
    assert finding.message.startswith(
        f"{tmp_path} contains 2 folders named like places, hall, kitchen: people or cameras?"
    )


@pytest.mark.parametrize("split", ["", "train"])
def test_people_within_places_are_taken_for_people_within_cameras(tmp_path: Path, split: str) -> None:
    for place in ("hall", "kitchen"):
        for person in ("anna", "ben"):
            touch(tmp_path / split / place / person, ["1.jpg", "2.jpg"])
    layout = find_datasets(tmp_path)
    assert [*layout.readable] == ["camera-folders"]
    assert layout.readable["camera-folders"].cameras == {"hall": 1, "kitchen": 2}


def test_a_place_with_a_dataset_within_is_not_a_camera(tmp_path: Path) -> None:
    for split, pid in (("train", 1), ("query", 2), ("gallery", 2)):
        touch(tmp_path / "office" / split, [f"{pid:04d}_c1_0.jpg"])
    assert f"market-names is not here but in {tmp_path / 'office'}" in said(tmp_path)["wrong-level"].message
