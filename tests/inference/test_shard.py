from pathlib import Path

import numpy as np
import pytest

from scalereid.files import stamp
from scalereid.inference.items import Item
from scalereid.inference.shard import Shard, stamps_of


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    items = [
        Item(str(tmp_path / name), number, -number, "hall") for number, name in enumerate(("straße", "b", "\udcff"))
    ]
    for item in items[:2]:
        Path(item.path).write_text(item.path)
    embeddings = np.array([[1, 2], [np.nan, 0], [3, 4]], np.float32)
    return Shard(items, stamps_of(items), embeddings, ["", "b cannot be read", ""])


def test_what_was_written_is_read(shard: Shard, tmp_path: Path) -> None:
    shard.write(tmp_path / "0.npz")
    read = Shard.read(tmp_path / "0.npz", shard.items, 2)
    assert read
    assert (read.items, read.unreadable) == (shard.items, shard.unreadable)
    assert read.stamps.tolist() == [[*stamp(item.path)] for item in shard.items]
    assert read.stamps[2].tolist() == [-1, -1, -1]  # it does not exist
    assert read.embeddings[[0, 2]].tolist() == [[1, 2], [3, 4]]


def test_a_shard_is_of_these_images_and_of_this_size(shard: Shard, tmp_path: Path) -> None:
    file = tmp_path / "0.npz"
    assert Shard.read(file, shard.items, 2) is None
    shard.write(file)
    first, *others = shard.items
    for items, size in (
        (shard.items, 3),
        (shard.items[:2], 2),
        ([*shard.items, first], 2),
        ([first._replace(pid=7), *others], 2),
        ([first._replace(path="another"), *others], 2),
    ):
        assert Shard.read(file, items, size) is None


def test_a_shard_of_no_readable_images(shard: Shard, tmp_path: Path) -> None:
    none = shard._replace(unreadable=["cut"] * 3)
    none.write(tmp_path / "0.npz")
    read = Shard.read(tmp_path / "0.npz", shard.items, 2)
    assert read
    assert read.unreadable == ["cut"] * 3
