from dataclasses import replace
from pathlib import Path

import pytest

from scalereid.data.combined import combine
from scalereid.data.records import ImageRecord, ReidDataset, labels


def dataset(name: str, root: Path, people: list[int], camids: list[int]) -> ReidDataset:
    train = tuple(ImageRecord(root / f"{pid}_{camid}.jpg", pid, camid) for pid in people for camid in camids)
    return ReidDataset(name, root, train, train[:1], train[1:])


def test_people_and_cameras_stay_apart(tmp_path: Path) -> None:
    one, two = dataset("one", tmp_path / "a", [2, 7], [1, 2]), dataset("two", tmp_path / "b", [0, 2, 9], [0, 1])
    both = combine([one, two])
    assert both.name == "one+two"
    assert [record.path for record in both.train] == [record.path for record in one.train + two.train]
    assert len({record.pid for record in both.train}) == 5
    assert len({record.camid for record in both.train}) == 4
    assert labels(both.train).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert (both.query, both.gallery, both.root) == ((), (), tmp_path)


def test_what_cannot_be_combined_is_named(tmp_path: Path) -> None:
    one = dataset("one", tmp_path, [1], [1])
    with pytest.raises(ValueError, match="one is named twice in one\\+one"):
        combine([one, one])
    with pytest.raises(ValueError, match="two in .* has no training images"):
        combine([one, ReidDataset("two", tmp_path, (), one.query, one.gallery)])
    again = dataset("again", tmp_path / "x" / "..", [2, 1], [1])
    with pytest.raises(
        ValueError, match="1_1.jpg is a training image of both one and again, .* as two people; combine"
    ):
        combine([one, again])
    with pytest.raises(
        ValueError, match="pid is 9223372036854775811; it must be a whole number that fits into 64 bits"
    ):
        combine([dataset("two", tmp_path, [1, 2], [1]), dataset("huge", tmp_path / "x", [-1, 2**63 - 1], [1])])


def test_what_was_left_out_is_told_by_dataset(tmp_path: Path) -> None:
    one, two = (
        replace(dataset(name, tmp_path / name, [1], [1]), left_out={"junk": number})
        for name, number in (("one", 3), ("two", 4))
    )
    assert combine([one, two]).left_out == {"junk of one": 3, "junk of two": 4}


def test_the_fingerprint_is_the_same_from_a_relative_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run remembers its absolute folder, by which it is resumed."""
    monkeypatch.chdir(tmp_path)
    prints = set()
    for root in (tmp_path, Path(), Path("..") / tmp_path.name):
        both = [dataset("one", root / "a", [1], [1]), dataset("two", root / "b", [1], [1, 2])]
        for record in (record for each in both for record in each.train):
            record.path.parent.mkdir(exist_ok=True)
            record.path.touch()
        prints.add(combine(both).fingerprint())
    assert len(prints) == 1
