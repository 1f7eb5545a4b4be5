from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scalereid.inference.embedding_table import check_out, write_table


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Three, of 4, 0 and 2 rows."""
    files = []
    for number, rows in enumerate((range(4), range(0), range(4, 6))):
        files.append(tmp_path / f"{number}.npz")
        np.savez(
            files[-1],
            path=np.array([f"straße/{i}.jpg" for i in rows], dtype=np.str_),
            pid=np.array(rows, dtype=np.int64),
            camid=-np.array(rows, dtype=np.int64),
            embedding=np.array([[i, i / 2, -i] for i in rows], dtype=np.float32).reshape(-1, 3),
            unreadable=np.array([], dtype=np.str_),
        )
    return files


def read(file: Path) -> tuple[dict[str, Any], str]:
    if file.suffix == ".npz":
        with np.load(file) as arrays:
            columns = {name: arrays[name].tolist() for name in arrays.files}
        return columns, columns.pop("metadata")
    from pyarrow import parquet

    table = parquet.read_table(file)
    assert str(table.schema.field("embedding").type) == "fixed_size_list<element: float>[3]"
    return {name: table[name].to_pylist() for name in table.column_names}, table.schema.metadata[b"scalereid"].decode()


@pytest.mark.parametrize("name", ["t.npz", "t.parquet"])
def test_shards_are_put_together(shards: list[Path], tmp_path: Path, name: str) -> None:
    out = tmp_path / "out" / name
    out.parent.mkdir()
    write_table(out, shards, '{"model": "x"}', 3)
    columns, metadata = read(out)
    assert metadata == '{"model": "x"}'
    assert columns == {
        "path": [f"straße/{i}.jpg" for i in range(6)],
        "pid": [*range(6)],
        "camid": [-i for i in range(6)],
        "embedding": [[i, i / 2, -i] for i in range(6)],
    }
    assert [path.name for path in out.parent.iterdir()] == [name]


@pytest.mark.parametrize("name", ["t.npz", "t.parquet"])
def test_nothing_is_left_of_a_table_that_could_not_be_written(shards: list[Path], tmp_path: Path, name: str) -> None:
    shards[1].write_bytes(b"damaged")
    (tmp_path / "out").mkdir()
    with pytest.raises(ValueError, match="pickle"):  # NumPy's guess at what the shard is
        write_table(tmp_path / "out" / name, shards, "", 3)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_can_be_written_is_known_beforehand(tmp_path: Path) -> None:
    for name in ("a.npz", "a.parquet"):
        check_out(tmp_path / name)
        (tmp_path / name).touch()
        with pytest.raises(FileExistsError, match=rf"{name} exists"):
            check_out(tmp_path / name)
    with pytest.raises(ValueError, match=r"a\.csv: embeddings are written to a \.parquet or \.npz file"):
        check_out(tmp_path / "a.csv")
