from pathlib import Path

import numpy as np
import pytest

from scalereid.attributes import read_attributes
from scalereid.attributes.market1501 import COLUMNS, FILE, read_market1501_attributes
from scalereid.data.reading import read_dataset

pytest.importorskip("scipy", reason="the matlab extra is not installed")

FIELDS = {source for source, _ in COLUMNS.values()}


def write(folder: Path, people: dict[str, int], without: str = "") -> None:
    """A file like the authors'. The first of the people has 1 in every field, the others 2, but for their ages."""
    import scipy.io

    sides = {}
    for side, number in people.items():
        values = np.full((1, number), 2, np.uint8)
        values[0, 0] = 1
        fields = {name: values for name in FIELDS if name != without}
        pids = np.array([f"{pid:04}" for pid in range(1, number + 1)], object)[None]
        sides[side] = fields | {"image_index": pids}
    folder.mkdir(exist_ok=True)
    scipy.io.savemat(str(folder / FILE), {"market_attribute": sides})


def test_thirty_columns() -> None:
    assert len(COLUMNS) == 30
    assert len(FIELDS) == 27
    assert [name for name, (field, _) in COLUMNS.items() if field == "age"] == ["young", "teenager", "adult", "old"]
    assert sum(name.startswith("upper-") for name in COLUMNS) == 8
    assert sum(name.startswith("lower-") for name in COLUMNS) == 9


def test_fields_become_columns_that_are_there_or_not(tmp_path: Path) -> None:
    write(tmp_path / "Market-1501-v15.09.15", {"train": 751, "test": 750})
    table = read_market1501_attributes(tmp_path)
    assert table.names == tuple(COLUMNS)
    first, second = (dict(zip(table.names, table.rows[pid], strict=True)) for pid in (1, 2))
    assert [name for name, value in first.items() if value] == ["young"]
    assert [name for name, value in second.items() if not value] == ["young", "adult", "old"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="Market-1501's table of attributes was not found"):
        read_market1501_attributes(tmp_path)
    write(tmp_path, {"train": 750, "test": 750})
    with pytest.raises(ValueError, match="is not Market-1501's table of attributes: it has 750 train people, not 751"):
        read_market1501_attributes(tmp_path)
    write(tmp_path, {"train": 751, "test": 750}, without="hat")
    with pytest.raises(ValueError, match="hat"):
        read_market1501_attributes(tmp_path)


def test_the_real_table(data_root: Path) -> None:
    table = read_attributes("market1501", data_root)
    assert len(table.rows) == 1501
    train = table.of(read_dataset("market1501-all", data_root).gallery)
    assert (train.values >= 0).all()
    values = np.array([*table.rows.values()])
    counts = dict(zip(table.names, values[:751].sum(axis=0).tolist(), strict=True))  # of people, counted in the file
    assert [counts[name] for name in ("young", "teenager", "adult", "old")] == [14, 569, 160, 8]
    assert [counts[name] for name in ("backpack", "hat", "female", "upper-white", "lower-purple")] == [
        199,
        20,
        320,
        228,
        2,
    ]
    assert (values[:, :4].sum(axis=1) == 1).all()
