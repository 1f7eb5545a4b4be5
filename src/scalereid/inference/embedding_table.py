"""Embeddings as a table in a file, put together from parts without ever holding all of them."""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_out(out: Path) -> None:
    """Say so before any work is done when a table cannot be written there.

    Raises:
        ValueError: it has another suffix than .parquet or .npz.
        FileExistsError: it exists.
        ModuleNotFoundError: pyarrow is not installed, for Parquet.
    """
    if out.suffix not in (".parquet", ".npz"):
        raise ValueError(f"{out}: embeddings are written to a .parquet or a .npz file")
    if out.exists():
        raise FileExistsError(f"{out} exists; name another file, or move it away")
    if out.suffix == ".parquet":
        _pyarrow()


def write_table(out: Path, shards: Sequence[Path], about: str, size: int) -> None:
    """One `.parquet` or `.npz` file of what shards hold (.npz: path, pid, camid, embedding), `about` in its metadata."""
    (_write_parquet if out.suffix == ".parquet" else _write_npz)(out, shards, about, size)


def _columns(shards: Sequence[Path]) -> Iterator[dict[str, NDArray[Any]]]:
    for file in shards:
        with np.load(file) as arrays:
            yield {name: arrays[name] for name in ("path", "pid", "camid", "embedding")}


def _write_parquet(out: Path, shards: Sequence[Path], about: str, size: int) -> None:
    pyarrow, parquet = _pyarrow()
    numbers = pyarrow.list_(pyarrow.float32(), size)
    columns = [("path", pyarrow.string()), ("pid", pyarrow.int64()), ("camid", pyarrow.int64()), ("embedding", numbers)]
    schema = pyarrow.schema(columns, metadata={"scalereid": about})
    with parquet.ParquetWriter(out, schema) as writer:
        for part in _columns(shards):
            rows = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(part["embedding"].ravel()), size)
            arrays = [pyarrow.array(part[name].tolist()) for name in ("path", "pid", "camid")]
            writer.write_table(pyarrow.Table.from_arrays([*arrays, rows], schema=schema))


def _write_npz(out: Path, shards: Sequence[Path], about: str, size: int) -> None:
    """One array after another, the large one through a file of its own: never all embeddings in memory."""
    small = [{name: part[name] for name in ("path", "pid", "camid")} for part in _columns(shards)]
    arrays = {name: np.concatenate([part[name] for part in small]) for name in ("path", "pid", "camid")}
    beside = out.with_suffix(".embedding.npy")
    rows = np.lib.format.open_memmap(beside, mode="w+", dtype=np.float32, shape=(len(arrays["pid"]), size))
    start = 0
    for part in _columns(shards):
        rows[start : start + len(part["pid"])] = part["embedding"]
        start += len(part["pid"])
    rows.flush()
    with zipfile.ZipFile(out, "w") as archive:
        archive.write(beside, "embedding.npy")
        for name, values in (arrays | {"about": np.array(about)}).items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, values)
    beside.unlink()


def _pyarrow() -> Any:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Parquet is written with pyarrow, which is not installed: pip install 'scalereid[parquet]'; or name a .npz file"
        ) from error
    return pyarrow, parquet
