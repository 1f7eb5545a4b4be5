from dataclasses import replace
from pathlib import Path

import pytest

from scalereid.data.reading import read_dataset, with_protocol
from scalereid.data.records import ReidDataset
from tests.data.readers.files import touch


def test_a_folder_within_the_root(people: ReidDataset) -> None:
    folder, parent = people.root.name, people.root.parent
    assert read_dataset(f"csv@{folder}", parent).fingerprint() == people.fingerprint()
    assert read_dataset("csv", people.root) == read_dataset(f"csv@{folder}", parent)


def test_a_combination_reads_each_part_from_its_folder(tmp_path: Path) -> None:
    touch(tmp_path / "a", ["0001_c1_0.jpg", "0002_c1_0.jpg"])
    touch(tmp_path / "b" / "anna", ["c2.jpg"])
    both = read_dataset("market-names@a+folders@b", tmp_path)
    assert both.name == "a+b"
    assert [(r.path.relative_to(tmp_path).as_posix(), r.pid) for r in both.train] == [
        ("a/0001_c1_0.jpg", 1),
        ("a/0002_c1_0.jpg", 2),
        ("b/anna/c2.jpg", 3),  # behind those of a
    ]
    with pytest.raises(ValueError, match="is named twice"):
        read_dataset("market-names@a+market-names@a", tmp_path)
    with pytest.raises(ValueError, match="No such name: 'nope'"):
        read_dataset("market-names@a+nope", tmp_path)


def test_splits_are_numbered(tmp_path: Path) -> None:
    touch(tmp_path / "campus", [f"{pid:04d}{i:03d}.png" for pid in range(1, 972) for i in (1, 2, 3, 4)])
    assert read_dataset("cuhk01#3", tmp_path).name == "cuhk01#3"
    assert read_dataset("cuhk01#1@campus", tmp_path).splits != read_dataset("cuhk01#2", tmp_path).splits
    with pytest.raises(
        ValueError, match=r"cuhk01 has several splits; name one of cuhk01#1 to cuhk01#10, or .* average"
    ):
        read_dataset("cuhk01", tmp_path)
    with pytest.raises(ValueError, match="cuhk01#11 does not exist"):
        read_dataset("cuhk01#11", tmp_path)
    with pytest.raises(ValueError, match="market1501 has one split only; leave #1 out"):
        read_dataset("market1501#1", tmp_path)


def test_a_reader_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from scalereid.data.records import ImageRecord, ReidDataset\n\n"
        "def read_mine(root, split=1):\n"
        "    records = (ImageRecord(root / 'a.jpg', split, 1),)\n"
        "    return ReidDataset('mine', root, records, (), ())\n"
    )
    name = f"{tmp_path / 'mine.py'}:read_mine"
    assert read_dataset(f"{name}#7", tmp_path).train[0].pid == 7
    with pytest.raises(ValueError, match=r"has several splits; name one of .*read_mine#1 and so on"):
        read_dataset(name, tmp_path)
    source = (tmp_path / "mine.py").read_text()
    (tmp_path / "other.py").write_text(source.replace("split=1", "split=None").replace("split, 1)", "split or 70, 1)"))
    other = f"{tmp_path / 'other.py'}:read_mine"  # a split of its own without a number
    assert [read_dataset(name, tmp_path).train[0].pid for name in (other, f"{other}#7")] == [70, 7]


def test_a_table_in_the_folder_is_pointed_at(people: ReidDataset, tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"Market-1501 was not found(.*\n)+.*contains dataset\.csv; .* name the dataset csv"
    ):
        read_dataset("market1501", people.root)
    with pytest.raises(FileNotFoundError) as raised:
        read_dataset("csv", tmp_path)
    assert "name the dataset csv" not in str(raised.value)


def test_protocols(people: ReidDataset) -> None:
    assert with_protocol(people, "dataset") is people
    assert with_protocol(people, "all-cameras") == replace(people, protocol="all-cameras")


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("None", "read_mine returns NoneType; expected a ReidDataset"),
        ("{}['people']", r"mine\.py, line 4: KeyError: 'people'"),
        (
            "ReidDataset('x', root, (ImageRecord('a.jpg', 1, 1),), (), ())",
            r"a\.jpg: path is a str; it must be a pathlib",
        ),
    ],
)
def test_a_reader_of_ones_own_that_fails_is_named(tmp_path: Path, returned: str, message: str) -> None:
    (tmp_path / "mine.py").write_text(
        f"from scalereid.data.records import ImageRecord, ReidDataset\n\ndef read_mine(root):\n    return {returned}\n"
    )
    with pytest.raises(ValueError, match=message):
        read_dataset(f"{tmp_path / 'mine.py'}:read_mine", tmp_path)
