"""Embeddings as a table in a file, put together from shards without ever holding all of them in memory."""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalereid.files import require_free, write
from scalereid.packages import require

_COLUMNS = ("path", "pid", "camid", "embedding")


def check_out(out: Path) -> None:
    """Check that a table can be written to `out`, before any work is done.

    Raises:
        ValueError: It has another suffix than .parquet or .npz.
        FileExistsError: It exists.
        ModuleNotFoundError: pyarrow is not installed, for Parquet.
    """
    if out.suffix not in (".parquet", ".npz"):
        raise ValueError(f"{out}: embeddings are written to a .parquet or .npz file")
    require_free(out)
    if out.suffix == ".parquet":
        require("pyarrow", extra="parquet")


def write_table(out: Path, shards: Sequence[Path], metadata: str, size: int) -> None:
    """Write a `.parquet` or `.npz` file of the rows in shards (.npz: path, pid, camid, embedding), and `metadata` with it."""
    save = _save_parquet if out.suffix == ".parquet" else _save_npz
    write(out, lambda partial: save(partial, shards, metadata, size))


def _columns(shards: Sequence[Path]) -> Iterator[dict[str, NDArray[Any]]]:
    for file in shards:
        with np.load(file) as arrays:
            yield {name: arrays[name] for name in _COLUMNS}


def _save_parquet(out: Path, shards: Sequence[Path], metadata: str, size: int) -> None:
    import pyarrow
    from pyarrow import parquet

    numbers = pyarrow.list_(pyarrow.float32(), size)
    columns = [("path", pyarrow.string()), ("pid", pyarrow.int64()), ("camid", pyarrow.int64()), ("embedding", numbers)]
    schema = pyarrow.schema(columns, metadata={"scalereid": metadata})
    with parquet.ParquetWriter(out, schema) as writer:
        for part in _columns(shards):
            rows = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(part["embedding"].ravel()), size)
            arrays = [pyarrow.array(part[name].tolist()) for name in ("path", "pid", "camid")]
            writer.write_table(pyarrow.Table.from_arrays([*arrays, rows], schema=schema))


def _save_npz(out: Path, shards: Sequence[Path], metadata: str, size: int) -> None:
    """One array after another, the large one through a file of its own: never all embeddings in memory."""
    small = [{name: part[name] for name in ("path", "pid", "camid")} for part in _columns(shards)]
    arrays = {name: np.concatenate([part[name] for part in small]) for name in ("path", "pid", "camid")}
    beside = out.with_suffix(".embedding.npy")
    try:
        rows = np.lib.format.open_memmap(beside, mode="w+", dtype=np.float32, shape=(len(arrays["pid"]), size))
        start = 0
        for part in _columns(shards):
            rows[start : start + len(part["pid"])] = part["embedding"]
            start += len(part["pid"])
        rows.flush()
        with zipfile.ZipFile(out, "w") as archive:
            archive.write(beside, "embedding.npy")
            for name, values in (arrays | {"metadata": np.array(metadata)}).items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, values)
    finally:
        beside.unlink(missing_ok=True)
