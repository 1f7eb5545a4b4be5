from dataclasses import replace
from pathlib import Path

import pytest

from scalereid.data.readers.table import read_csv, read_jsonl, write_csv
from scalereid.data.records import ImageRecord, ReidDataset


def write(folder: Path, text: str) -> Path:
    for name in ("a.jpg", "ü b.jpg"):
        (folder / name).touch()
    file = folder / "dataset.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_reads_rows_in_order_columns_in_any(tmp_path: Path) -> None:
    file = write(tmp_path, "pid,camid,split,path\n3,1,train,a.jpg\n4,2,query,ü b.jpg\n")
    dataset = read_csv(file)
    assert dataset.train == (ImageRecord(tmp_path / "a.jpg", 3, 1),)
    assert dataset.query == (ImageRecord(tmp_path / "ü b.jpg", 4, 2),)
    assert dataset.gallery == ()
    assert read_csv(tmp_path) == dataset  # the folder does as well


def test_spreadsheet_byte_order_mark(tmp_path: Path) -> None:
    assert len(read_csv(write(tmp_path, "\ufeffsplit,path,pid,camid\ntrain,a.jpg,1,1\n")).train) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("split,path,pid\n", "no column camid"),
        ("", "no column split, path, pid, camid"),
        ("split,path,pid,camid\ntrain,a.jpg,one,1\n", r"line 2: pid 'one' is wrong; .* whole numbers"),
        ("split,path,pid,camid\ntrain,a.jpg,1,1\ntest,a.jpg,1,1\n", r"line 3: 'test' is wrong; split is one of train"),
        ("split,path,pid,camid\ntrain,a.jpg,1\n", r"line 2"),
    ],
)
def test_bad_tables_name_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_csv(write(tmp_path, text))


def test_other_encodings_are_named(tmp_path: Path) -> None:
    (tmp_path / "dataset.csv").write_bytes("split,path,pid,camid\ntrain,ü.jpg,1,1\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"dataset\.csv is not UTF-8 text"):
        read_csv(tmp_path)


def test_missing_image_and_missing_table(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"lists .*gone\.jpg, which does not exist"):
        read_csv(write(tmp_path, "split,path,pid,camid\ntrain,gone.jpg,1,1\n"))
    (tmp_path / "folder").mkdir()
    rows = "train,folder,1,1\ntrain,gone.jpg,1,1\ntrain,gone2.jpg,1,1\n"
    with pytest.raises(FileNotFoundError, match="lists .*folder, which is a folder, and 2 more that are not there"):
        read_csv(write(tmp_path, "split,path,pid,camid\n" + rows))
    with pytest.raises(FileNotFoundError, match="write one with the keys split,path,pid,camid"):
        read_jsonl(tmp_path / "nowhere.jsonl")
    with pytest.raises(FileNotFoundError, match="write one with the columns split,path,pid,camid"):
        read_csv(tmp_path / "nowhere")


def test_written_tables_read_back(people: ReidDataset) -> None:
    file = people.root / "again.csv"
    write_csv(file, people)
    again = read_csv(file)
    file.unlink()
    assert again.splits == people.splits


def test_json_lines_are_the_same_table(tmp_path: Path) -> None:
    table = read_csv(write(tmp_path, "split,path,pid,camid,tracklet\ntrain,a.jpg,3,1,\nquery,ü b.jpg,4,2,7\n"))
    lines = (
        '{"split": "train", "path": "a.jpg", "pid": 3, "camid": 1}\n\n'
        '{"split": "query", "path": "ü b.jpg", "pid": 4, "camid": "2", "tracklet": 7}\n'
    )
    (tmp_path / "dataset.jsonl").write_text(lines, encoding="utf-8")
    assert read_jsonl(tmp_path) == read_jsonl(tmp_path / "dataset.jsonl") == table
    assert table.query[0].tracklet == 7


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", r"dataset\.jsonl, line 1: no JSON"),
        ("[1, 2]", r"line 1: '\[1, 2\]' is no object with split, path, pid, camid"),
        ('{"split": "train", "path": "a.jpg", "pid": 1.5, "camid": 1}', "line 1: pid 1.5 is wrong"),
        ('{"split": "train", "path": 3, "pid": 1, "camid": 1}', "line 1: path 3 is wrong"),
        ('{"split": "train", "path": "a.jpg", "pid": -2, "camid": 1}', "line 1: pid -2 is wrong; .* pid not below −1"),
        ('{"split": "train", "pid": 1, "camid": 1}', "line 1: no path; split is one of"),
        ('{"split": "train", "path": "a.jpg", "pid": true, "camid": 1}', "line 1: pid True is wrong"),
    ],
)
def test_bad_lines_name_the_place(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "dataset.jsonl").write_text(line)
    with pytest.raises(ValueError, match=message):
        read_jsonl(tmp_path)


def test_what_is_in_no_split_is_counted(tmp_path: Path) -> None:
    table = write(tmp_path, "split,path,pid,camid\ngallery,./a.jpg,-1,1\n")
    dataset = read_csv(table)
    assert dataset.gallery == ()
    assert dataset.left_out == {"junk (pid −1) listed as gallery": 1, "images beside those listed": 1}


def test_written_tracklets_read_back(tmp_path: Path) -> None:
    dataset = read_csv(write(tmp_path, "split,path,pid,camid,tracklet\ntrain,a.jpg,3,1,5\nquery,ü b.jpg,4,2,\n"))
    write_csv(tmp_path / "again.csv", dataset)
    assert read_csv(tmp_path / "again.csv") == dataset


def test_a_protocol_of_its_own_is_kept(tmp_path: Path) -> None:
    dataset = replace(read_csv(write(tmp_path, "split,path,pid,camid\ntrain,a.jpg,3,1\n")), protocol="all-cameras")
    write_csv(tmp_path / "again.csv", dataset)
    assert read_csv(tmp_path / "again.csv").protocol == "all-cameras"
    rows = "train,a.jpg,1,1,all-cameras\ntrain,a.jpg,1,1,market1501\n"
    with pytest.raises(ValueError, match="names several protocols, all-cameras, market1501; a dataset has one"):
        read_csv(write(tmp_path, "split,path,pid,camid,protocol\n" + rows))
    with pytest.raises(ValueError, match="protocol 'x' is wrong"):
        read_csv(write(tmp_path, "split,path,pid,camid,protocol\ntrain,a.jpg,1,1,x\n"))


def test_an_open_quotation_mark_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"dataset\.csv, line 1: .*; is a quotation mark left open\?"):
        read_csv(write(tmp_path, 'split,path,pid,camid\ntrain,"a.jpg,1,1\n' + "x" * 140_000))
