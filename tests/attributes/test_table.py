from pathlib import Path

import numpy as np
import pytest

from scalereid.attributes import read_attributes
from scalereid.attributes.table import (
    AttributeLabels,
    AttributeTable,
    positive_shares,
    read_attributes_csv,
    require_known,
)
from scalereid.data.records import ImageRecord

TABLE = AttributeTable(("hat", "bag"), {7: (1, 0), 9: (0, -1)})


def write(folder: Path, text: str) -> Path:
    file = folder / "attributes.csv"
    file.write_text(text)
    return file


def test_people_have_their_attributes_and_others_are_unknown() -> None:
    records = [ImageRecord(Path(f"{i}.jpg"), pid, 1) for i, pid in enumerate((9, 7, 7, 0))]
    names, values = TABLE.of(records)
    assert names == ("hat", "bag")
    assert values.dtype == np.int8
    assert values.tolist() == [[0, -1], [1, 0], [1, 0], [-1, -1]]
    assert TABLE.of([]).values.shape == (0, 2)


def test_a_file_by_person(tmp_path: Path) -> None:
    table = read_attributes_csv(write(tmp_path, "hat,pid,bag\n1,7,0\n 0 ,9,\n"))
    assert table.names == ("hat", "bag")
    assert table.rows == {7: [1, 0], 9: [0, -1]}
    assert table.by_person
    assert table.fingerprint() == TABLE.fingerprint()
    assert read_attributes("attributes.csv", tmp_path).rows == table.rows


def test_a_file_by_image(tmp_path: Path) -> None:
    table = read_attributes_csv(write(tmp_path, "path,hat\nin/a.jpg,1\nb.jpg,0\n"))
    assert not table.by_person
    records = [ImageRecord(tmp_path / name, 7, 1) for name in ("b.jpg", "in/a.jpg", "c.jpg")]
    assert table.of(records).values.tolist() == [[0], [1], [-1]]
    (tmp_path / "tables").mkdir()
    table = read_attributes_csv(write(tmp_path / "tables", "path,hat\n../in/a.jpg,1\n.././b.jpg,0\n"))
    assert table.of(records).values.tolist() == [[0], [1], [-1]]


def test_the_fingerprint_is_of_names_and_values() -> None:
    others = [
        AttributeTable(("hat", "bags"), TABLE.rows),
        AttributeTable(("hat", "bag"), {7: (1, 0), 9: (0, 0)}),
        AttributeTable(("hat", "bag"), {7: (1, 0), 8: (0, -1)}),
    ]
    assert len({TABLE.fingerprint(), *(other.fingerprint() for other in others)}) == 4
    one, two = (AttributeTable(("hat",), {f"/{folder}/a.jpg": (1,)}) for folder in ("x", "y"))
    assert one.fingerprint() == two.fingerprint()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hat\n1\n", "has neither of the columns pid and path"),
        ("pid,path,hat\n1,a,1\n", "has pid and path of the columns pid and path; expected one of them"),
        ("pid\n1\n", "has no column beside pid; add one for each attribute"),
        ("pid,hat\n", "has no rows"),
        ("pid,hat\n1,0\n1,1\n", "line 3: pid 1 is listed twice"),
        ("pid,hat\nx,0\n", "line 2: pid is 'x'; it must be a whole number"),
        ("pid,hat\n1,0.7\n", "line 2: hat is '0.7'; it must be 1, 0 or empty"),
        ("pid,hat,hat\n1,0,1\n", "has two columns hat; name each column once"),
        ("pid,hat,\n1,0,\n", "has a column without a name; name the attribute, or remove the column"),
        ("hat,path\n1\n", "line 2: path is empty; say whose row it is"),
        ("path,hat\n,1\n", "line 2: path is empty; say whose row it is"),
        ("pid,hat\n,1\n", "line 2: pid is empty; say whose row it is"),
        ("pid,hat\n1,0,1\n", "line 2: it has more cells than the first line has columns"),
    ],
)
def test_what_is_wrong_with_a_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_attributes_csv(write(tmp_path, text))


def test_a_short_row_is_unknown_and_a_missing_file_is_named(tmp_path: Path) -> None:
    assert read_attributes_csv(write(tmp_path, "pid,hat,bag\n1,0\n")).rows == {1: [0, -1]}
    with pytest.raises(FileNotFoundError, match=r"x\.csv does not exist; expected a CSV file"):
        read_attributes("x.csv", tmp_path)
    with pytest.raises(ValueError, match="No such table of attributes: 'market'. Did you mean market1501"):
        read_attributes("market", tmp_path)


def test_shares_of_what_is_known() -> None:
    values = np.array([[1, -1, -1], [0, 1, -1], [1, 0, -1], [0, -1, -1]], np.int8)
    assert positive_shares(values).tolist() == [0.5, 0.5, 0]


def test_a_table_of_another_dataset_is_noticed() -> None:
    require_known(AttributeLabels(("hat",), np.array([[-1], [0]], np.int8)), "images")
    with pytest.raises(ValueError, match="of any of the 2 images; is the table of another dataset"):
        require_known(AttributeLabels(("hat",), np.full((2, 1), -1, np.int8)), "images")
