from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scalereid.data.readers.class_folders import read_class_folders
from scalereid.data.readers.table import read_csv, read_jsonl, read_listed, write_csv
from scalereid.data.records import ImageRecord, ReidDataset
from tests.conftest import NOT_FILES


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
        ("split,path,pid,camid\ntrain,a.jpg,one,1\n", r"line 2: pid is 'one'; it must be a whole number"),
        ("split,path,pid,camid\ntrain,a.jpg,1,234,2\n", "line 2: it has more cells than the first line has columns"),
        (
            "split,path,pid,camid\ntrain,a.jpg,1,1\ntest,a.jpg,1,1\n",
            r"line 3: split is 'test'; it must be one of train, query, gallery",
        ),
        ("split,path,pid,camid\ntrain,a.jpg,1\n", r"line 2: camid is None; it must be a whole number"),
        ("split,path,pid,camid\n\ntrain,a.jpg,9223372036854775808,1\n", "line 3: pid is .*that fits into 64 bits"),
        (
            "split,path,pid,camid\ntrain,a.jpg,1,-9223372036854775809\n",
            "line 2: camid is '-9223372036854775809'; .*64 bits",
        ),
        (
            "split,path,pid,camid\ntrain,a.jpg,1," + "7" * 9_000 + "\n",
            r"line 2: camid is '7+\.\.\.7+'; .*fits into 64 bits",
        ),
        ("split,path,pid,camid,tracklet\ntrain,a.jpg,1,1,98765432109876543210\n", "line 2: tracklet is .*64 bits"),
        ("split,path,pid,camid\ntrain,a.jpg,1.0,1\n", "line 2: pid is '1.0'; it must be a whole number"),
        ("split,path,pid,camid\ntrain,a.jpg,٣,1\n", "line 2: pid is '٣'; it must be a whole number"),
        ("split,path,pid,camid\ntrain,a.jpg,nan,1\n", "line 2: pid is 'nan'; it must be a whole number"),
        ("split," + "x" * 200_000, "line 1: field larger than field limit"),
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
    with pytest.raises(
        FileNotFoundError, match="lists .*folder, which is a folder, not a file, and 2 more that do not exist"
    ):
        read_csv(write(tmp_path, "split,path,pid,camid\n" + rows))
    with pytest.raises(FileNotFoundError, match="with the keys split,path,pid,camid"):
        read_jsonl(tmp_path / "nowhere.jsonl")
    with pytest.raises(FileNotFoundError, match="with the columns split,path,pid,camid"):
        read_csv(tmp_path / "nowhere")


@pytest.mark.parametrize(("words", "make"), NOT_FILES.items())
def test_what_is_not_a_file_is_named(tmp_path: Path, words: str, make: Callable[[Path], Any]) -> None:
    make(tmp_path / "x.jpg")
    with pytest.raises(FileNotFoundError, match=rf"lists .*x\.jpg, which is {words}, not a file$"):
        read_csv(write(tmp_path, "split,path,pid,camid\ntrain,x.jpg,1,1\n"))
    with pytest.raises(FileNotFoundError, match=rf"line 2: .*x\.jpg is {words}, not a file$"):
        list(read_listed(write(tmp_path, "path\nx.jpg\n")))


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
        ("nonsense", r"dataset\.jsonl, line 1: not valid JSON"),
        ("[1, 2]", r"line 1: '\[1, 2\]' is not an object with split, path, pid, camid"),
        (
            '{"split": "train", "path": "a.jpg", "pid": 1.5, "camid": 1}',
            "line 1: pid is 1.5; it must be a whole number",
        ),
        ('{"split": "train", "path": 3, "pid": 1, "camid": 1}', "line 1: path is 3; it must be text"),
        (
            '{"split": "train", "path": "a.jpg", "pid": -2, "camid": 1}',
            "line 1: pid is -2; it must be positive, or 0 for a distractor, or −1 for junk",
        ),
        ('{"split": "train", "pid": 1, "camid": 1}', "line 1: path is missing"),
        ('{"split": "train", "path": "a.jpg", "pid": true, "camid": 1}', "line 1: pid is True"),
        (
            '{"split": "train", "path": "a.jpg", "pid": 1e400, "camid": 1}',
            "line 1: pid is inf; it must be a whole number",
        ),
        (
            '{"split": "train", "path": "a.jpg", "pid": NaN, "camid": 1}',
            "line 1: pid is nan; it must be a whole number",
        ),
        (
            '{"split": "train", "path": "a.jpg", "pid": 1.0, "camid": 1}',
            "line 1: pid is 1.0; it must be a whole number",
        ),
        ('{"split": "train", "path": "a.jpg", "pid": "1.0", "camid": 1}', "line 1: pid is '1.0'; it must be a whole"),
        (
            '{"split": "train", "path": "a.jpg", "pid": [7], "camid": 1}',
            r"line 1: pid is \[7\]; it must be a whole number",
        ),
        (
            '{"split": "train", "path": "a.jpg", "pid": 1, "camid": 9223372036854775808}',
            "line 1: camid is 9223372036854775808; it must be a whole number that fits into 64 bits",
        ),
        (
            '{"split": "train", "path": "a.jpg", "pid": 1, "camid": ' + "7" * 9_000 + "}",
            "line 1: not valid JSON: .*digits",
        ),
        ("[" * 100_000, "line 1: nested too deeply; expected an object"),
        ('\n\n{"path": ' + '{"a":' * 100_000, "line 3: nested too deeply; expected an object"),
        (
            '{"split": ["train"], "path": "a.jpg", "pid": 1, "camid": 1}',
            r"line 1: split is \['train'\]; it must be one of",
        ),
    ],
)
def test_bad_lines_name_the_place(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "dataset.jsonl").write_text(line)
    with pytest.raises(ValueError, match=message):
        read_jsonl(tmp_path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "query,a.jpg,1,1\n" * 2,
            r"line 3: .*a\.jpg is listed twice in the query split, also in line 2, and would count",
        ),
        (
            "query,a.jpg,1,1\ngallery,a.jpg,1,1\ngallery,ü b.jpg,1,2\ngallery,a.jpg,1,1\n",
            "line 5: .*gallery .*also in line 3",
        ),
        ("train,a.jpg,1,1\ntrain,a.jpg,2,1\n", "line 3: .*twice in the train split, .*; list an image once in a split"),
        ("train,a.jpg,1,1\ntrain,./a.jpg,1,1\n", "line 3: .*also in line 2"),
        (
            "train,a.jpg,1,1\ntrain,sub/../a.jpg,1,1\n",
            r"line 3: .*sub/\.\./a\.jpg is listed .* line 2 as .*/a\.jpg, and",
        ),
        ("train,a.jpg,1,1\ntrain,link.jpg,1,1\n", r"line 3: .*link\.jpg is listed twice .* line 2 as .*/a\.jpg, and"),
        ('train,"./\n/../a.jpg",1,1\ntrain,a.jpg,1,1\n', "line 4: .*also in line 3 as"),
    ],
)
def test_an_image_counts_once_in_a_split(tmp_path: Path, rows: str, message: str) -> None:
    """Two rows repeated twenty times would move mAP by eight points."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "\n").mkdir()
    (tmp_path / "link.jpg").symlink_to("a.jpg")
    with pytest.raises(ValueError, match=message):
        read_csv(write(tmp_path, "split,path,pid,camid\n" + rows))


def test_an_image_may_be_in_several_splits_and_have_copies(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "copy.jpg").hardlink_to(tmp_path / "a.jpg")
    rows = "query,a.jpg,1,1\ngallery,a.jpg,1,1\ngallery,copy.jpg,1,1\ntrain,a.jpg,1,1\n"
    assert [len(records) for records in read_csv(write(tmp_path, "split,path,pid,camid\n" + rows)).splits.values()] == [
        1,
        1,
        2,
    ]


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
    rows = "train,a.jpg,1,1,all-cameras\ntrain,ü b.jpg,1,1,market1501\n"
    with pytest.raises(ValueError, match="names several protocols, all-cameras, market1501; a dataset has one"):
        read_csv(write(tmp_path, "split,path,pid,camid,protocol\n" + rows))
    with pytest.raises(ValueError, match="protocol is 'x'; it must be one of market1501, all-cameras"):
        read_csv(write(tmp_path, "split,path,pid,camid,protocol\ntrain,a.jpg,1,1,x\n"))


def test_an_open_quotation_mark_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"dataset\.csv, line 2: .*; is a quotation mark left open\?"):
        read_csv(write(tmp_path, 'split,path,pid,camid\ntrain,"a.jpg,1,1\n' + "x" * 140_000))


def test_a_list_needs_paths_only(tmp_path: Path) -> None:
    file = write(tmp_path, "camid,path\n4,a.jpg\n,ü b.jpg\n")
    assert list(read_listed(file)) == [(str(tmp_path / "a.jpg"), -1, 4), (str(tmp_path / "ü b.jpg"), -1, -1)]
    (tmp_path / "list.jsonl").write_text('{"path": "a.jpg", "pid": 7}\n{"path": "a.jpg", "pid": null, "camid": "3"}\n')
    assert [row[1:] for row in read_listed(tmp_path / "list.jsonl")] == [(7, -1), (-1, 3)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,pid\na.jpg,1\n", r"dataset\.csv has no column path; its first line names image, pid; expected path"),
        ("", "has no column path; its first line names no columns"),
        ("path,pid\na.jpg,1\na.jpg,anna\n", r"line 3: pid is 'anna'; it must be a whole number"),
        ("path,pid\na.jpg,1\na.jpg,1,234\n", "line 3: it has more cells than the first line has columns"),
        ("path,left,top,right,bottom\na.jpg,,,,\na.jpg,0,0,5,9\n", "line 3: it has the box of a person, but .* whole"),
    ],
)
def test_bad_lists_name_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(read_listed(write(tmp_path, text)))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"path": 3}', "line 1: path is 3; it must be text"),
        ('{"path": null}', "line 1: path is None; it must be text"),
        ('{"path": "a.jpg", "pid": 9223372036854775808}', "line 1: pid is 9223372036854775808; .*fits into 64 bits"),
        ('{"path": "a.jpg", "camid": 1.5}', "line 1: camid is 1.5; it must be a whole number"),
    ],
)
def test_bad_lines_of_lists_name_the_place(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "list.jsonl").write_text(line)
    with pytest.raises(ValueError, match=message):
        list(read_listed(tmp_path / "list.jsonl"))


def test_numbers_of_64_bits(tmp_path: Path) -> None:
    rows = "train,a.jpg, 9223372036854775807 ,-9223372036854775808\n"
    (record,) = read_csv(write(tmp_path, "split,path,pid,camid\n" + rows)).train
    assert (record.pid, record.camid) == (2**63 - 1, -(2**63))


def test_lists_of_missing_images_and_keys(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"line 2: .*gone\.jpg does not exist"):
        list(read_listed(write(tmp_path, "path\ngone.jpg\n")))
    (tmp_path / "list.jsonl").write_text('{"pid": 7}\n')
    with pytest.raises(ValueError, match=r"list\.jsonl, line 1: path is missing"):
        list(read_listed(tmp_path / "list.jsonl"))


def test_images_elsewhere_are_written_with_absolute_paths(
    people: ReidDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(tmp_path / "dataset.csv", people)
    assert read_csv(tmp_path).splits == people.splits
    assert str(people.train[0].path) in (tmp_path / "dataset.csv").read_text()
    monkeypatch.chdir(tmp_path)
    write_csv(Path("again.csv"), read_csv(Path()))  # a relative folder, and a table of absolute paths
    assert Path("again.csv").read_text() == Path("dataset.csv").read_text()


def test_classes_are_not_written_as_people(class_images: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"cannot be written as .*dataset\.csv: it has classes, and such a table lists"
    ):
        write_csv(tmp_path / "dataset.csv", read_class_folders(class_images))
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_not_utf8_are_not_written(tmp_path: Path) -> None:
    image = ImageRecord(tmp_path / "caf\udce9.jpg", 1, 1)
    with pytest.raises(
        ValueError, match=r"dataset\.csv cannot be written: the name of a file is not UTF-8, in 'train,caf"
    ):
        write_csv(tmp_path / "dataset.csv", ReidDataset("x", tmp_path, (image,), (), ()))


def test_the_other_kind_of_table_names_its_reader(tmp_path: Path) -> None:
    file = write(tmp_path, "split,path,pid,camid\n")
    with pytest.raises(FileNotFoundError, match=r"dataset\.csv is not a \.jsonl table; its reader is csv"):
        read_jsonl(file)
    other = file.rename(tmp_path / "x.jsonl")
    with pytest.raises(FileNotFoundError, match=r"x\.jsonl is not a \.csv table; its reader is jsonl"):
        read_csv(other)
