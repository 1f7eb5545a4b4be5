from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scalereid.inference.embedding_table import is_table, read_table, write_table
from scalereid.inference.items import Item

METADATA = '{"model": "net (x.pth)", "fingerprint": "abc", "flip": true, "embedding_size": 3}'


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


@pytest.mark.parametrize("name", ["t.npz", "t.parquet"])
def test_what_was_written_is_read(shards: list[Path], tmp_path: Path, name: str) -> None:
    write_table(tmp_path / name, shards, METADATA, 3)
    assert is_table(tmp_path / name)
    table = read_table(tmp_path / name)
    assert table.items == [Item(f"straße/{i}.jpg", i, -i) for i in range(6)]
    assert table.embeddings.tolist() == [[i, i / 2, -i] for i in range(6)]
    assert (table.model, table.fingerprint, table.flip) == ("net (x.pth)", "abc", True)
    write_table(tmp_path / f"none{name}", shards[1:2], METADATA, 3)
    assert read_table(tmp_path / f"none{name}").embeddings.shape == (0, 3)


def test_npz_embeddings_are_mapped_where_they_lie(shards: list[Path], tmp_path: Path) -> None:
    write_table(tmp_path / "t.npz", shards, METADATA, 3)
    mapped = read_table(tmp_path / "t.npz").embeddings
    assert isinstance(mapped, np.memmap)
    assert mapped.offset % 64 == 0
    with np.load(tmp_path / "t.npz") as arrays:
        columns = {column: arrays[column] for column in ("path", "pid", "camid", "embedding", "metadata")}
    np.savez(tmp_path / "unaligned.npz", **columns)  # as NumPy writes it
    assert read_table(tmp_path / "unaligned.npz").embeddings.tolist() == mapped.tolist()
    for wrong, why in (
        ({**columns, "embedding": columns["embedding"].astype(np.float64)}, "float64, not float32 row by row"),
        ({**columns, "embedding": columns["embedding"][:5]}, "6 paths, but embeddings of shape"),
        ({**columns, "metadata": np.array("{}")}, "its metadata have no 'model'"),
        ({**columns, "path": np.array([None] * 6)}, "allow_pickle=False"),
        ({"embedding": columns["embedding"]}, "it has no camid, metadata, path, pid"),
    ):
        np.savez(tmp_path / "wrong.npz", **wrong)
        with pytest.raises(ValueError, match=rf"wrong\.npz is not a table that `scalereid embed` wrote: .*{why}"):
            read_table(tmp_path / "wrong.npz")
    np.savez_compressed(tmp_path / "small.npz", **columns)
    with pytest.raises(ValueError, match=r"its \d+ bytes would unpack to 1,\d+; expected none to be compressed"):
        read_table(tmp_path / "small.npz")


@pytest.mark.parametrize("name", ["t.npz", "t.parquet"])
def test_what_is_not_a_table_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=rf"{name} does not exist; `scalereid embed` writes such a table"):
        read_table(tmp_path / name)
    (tmp_path / name).write_bytes(b"something else")
    with pytest.raises(ValueError, match=rf"{name} is not a table that `scalereid embed` wrote"):
        read_table(tmp_path / name)
    assert not is_table("crops")


def test_a_parquet_file_of_something_else(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"x": [1]}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="is not a table that `scalereid embed` wrote: its metadata have no "):
        read_table(tmp_path / "t.parquet")


def test_embeddings_of_another_model_are_refused(shards: list[Path], tmp_path: Path) -> None:
    write_table(tmp_path / "t.npz", shards, METADATA, 3)
    table = read_table(tmp_path / "t.npz")
    table.check_model("net", "abc", flip=True)
    with pytest.raises(ValueError) as error:
        table.check_model("other (y.pth)", "def", flip=True)
    assert str(error.value) == (
        f"{tmp_path}/t.npz holds embeddings of net (x.pth), fingerprint abc; the model given is other (y.pth), fingerprint "
        "def. Give the model of the table, or embed its images again by `scalereid embed` with the model given"
    )
    with pytest.raises(
        ValueError, match="embeddings with mirror images, to be compared with others without them .*flip=False"
    ):
        table.check_model("net", "abc", flip=False)
