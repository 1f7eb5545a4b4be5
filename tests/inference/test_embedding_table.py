import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    numbered = json.dumps(json.loads(METADATA) | {"cameras": {"hall": -2, "cellar": -5}})
    write_table(tmp_path / f"cameras{name}", shards, numbered, 3)
    found = [item.camera for item in read_table(tmp_path / f"cameras{name}").items]
    assert found == ["", "", "hall", "", "", "cellar"]
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


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
numbers = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.tuples(names, numbers, numbers, st.lists(st.floats(width=32), min_size=2, max_size=2)), max_size=5))
def test_any_table_reads_back(suffix: str, rows: list[tuple[str, int, int, list[float]]]) -> None:
    with tempfile.TemporaryDirectory() as made:
        embeddings = np.array([row[3] for row in rows], np.float32).reshape(-1, 2)
        columns = {
            "path": np.array([row[0] for row in rows], np.str_),
            "pid": np.array([row[1] for row in rows], np.int64),
            "camid": np.array([row[2] for row in rows], np.int64),
        }
        shard, out = Path(made) / "0.npz", Path(made) / f"t{suffix}"
        np.savez(shard, embedding=embeddings, **columns)  # type: ignore[arg-type]
        write_table(out, [shard], METADATA.replace("3", "2"), 2)
        table = read_table(out)
        assert [item[:3] for item in table.items] == [row[:3] for row in rows]
        np.testing.assert_array_equal(table.embeddings, embeddings)


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.binary(max_size=40) | st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1))
def test_damaged_tables_are_named(suffix: str, damage: bytes | list[tuple[float, int]]) -> None:
    with tempfile.TemporaryDirectory() as made:
        shard, out = Path(made) / "0.npz", Path(made) / f"t{suffix}"
        columns = {"path": np.array(["a", "b"]), "pid": np.array([1, 2]), "camid": np.array([1, 2])}
        np.savez(shard, **columns, embedding=np.ones((2, 3), np.float32))  # type: ignore[arg-type]
        write_table(out, [shard], METADATA, 3)
        content = bytearray(out.read_bytes())
        for at, value in damage if isinstance(damage, list) else []:
            content[int(at * len(content))] = value
        out.write_bytes(damage if isinstance(damage, bytes) else content)
        try:
            read_table(out)
        except ValueError as error:
            assert str(out) in str(error)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"pid": np.array([2**64 - 1, 1], np.uint64)},
            r"row 0 has \('a', 18446744073709551615, 1\); expected a path, and pid",
        ),
        (
            {"camid": np.array([1, 1.5])},
            r"row 0 has \('a', 1, 1\.0\); expected a path, and pid and camid that fit into 64",
        ),
        ({"path": np.array([1, 2])}, r"row 0 has \(1, 1, 1\); expected a path"),
        ({"path": np.array(["a", None])}, "cannot be loaded when allow_pickle=False"),
        ({"pid": np.array([1])}, "is shorter than"),
    ],
    ids=["uint64", "fraction", "number", "object", "short"],
)
def test_columns_of_another_kind_are_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    columns = {"path": np.array(["a", "b"]), "pid": np.array([1, 1]), "camid": np.array([1, 1])} | change
    np.savez(tmp_path / "t.npz", embedding=np.ones((2, 3), np.float32), metadata=np.array(METADATA), **columns)
    with pytest.raises(ValueError, match=rf"t\.npz is not a table that `scalereid embed` wrote: .*{message}"):
        read_table(tmp_path / "t.npz")
