"""Embeddings as a table in a file: written from shards, and read, without copying all of them in memory."""

import os
import shutil
import struct
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalereid.data.records import fits_64_bits
from scalereid.files import check_stored, create_array, write
from scalereid.inference.items import Item
from scalereid.packages import require
from scalereid.typed_json import from_json, parse

_SUFFIXES = (".parquet", ".npz")
_ITEM = ("path", "pid", "camid")
_COLUMNS = (*_ITEM, "embedding")
_ALIGNED = 64  # bytes: where the embeddings in a .npz file begin, so that they can be mapped


@dataclass(frozen=True, eq=False)
class EmbeddingTable:
    """Image files and their embeddings, as `embed_files` wrote them."""

    file: Path
    items: Sequence[Item]
    embeddings: NDArray[np.float32]
    """(n, d); of a .npz file a read-only memory map."""
    model: str
    """The model, in words."""
    fingerprint: str
    """Fingerprint of the model's weights and image size."""
    flip: bool
    """Whether mirror images were embedded, too."""

    def check_model(self, model: str, fingerprint: str, *, flip: bool) -> None:
        """Check that its embeddings can be compared with those of a model.

        Raises:
            ValueError: They are of another model, or only one side has mirror images; the message says what to do.
        """
        again = "embed its images again by `scalereid embed`"
        if self.fingerprint != fingerprint:
            raise ValueError(
                f"{self.file} holds embeddings of {self.model}, fingerprint {self.fingerprint}; the model given is {model}, "
                f"fingerprint {fingerprint}. Give the model of the table, or {again} with the model given"
            )
        if self.flip != flip:
            own, other = ("with", "without") if self.flip else ("without", "with")
            raise ValueError(
                f"{self.file} holds embeddings {own} mirror images, to be compared with others {other} them (both of the model "
                f"with fingerprint {fingerprint}); {again} with flip={flip}"
            )


def write_table(out: Path, shards: Sequence[Path], metadata: str, size: int) -> None:
    """Write a `.parquet` or `.npz` file of the rows in shards (.npz: path, pid, camid, embedding), and `metadata` with it."""
    save = _save_parquet if out.suffix == ".parquet" else _save_npz
    write(out, lambda partial: save(partial, shards, metadata, size))


def is_table(source: str | os.PathLike[str]) -> bool:
    """Whether a name is of a table of embeddings."""
    return Path(source).suffix in _SUFFIXES


def read_table(file: Path) -> EmbeddingTable:
    """Read a `.parquet` or `.npz` file that `embed_files` wrote. No pickles are read.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: It is damaged, or something else.
        ModuleNotFoundError: pyarrow is not installed, for Parquet.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist; `scalereid embed` writes such a table")
    if file.suffix == ".parquet":
        require("pyarrow", extra="parquet")
    load = _load_parquet if file.suffix == ".parquet" else _load_npz
    try:
        columns, embeddings, text = load(file)
        items = [Item(*row) for row in zip(*columns, strict=True)]
        for row, item in enumerate(items):
            if not (isinstance(item.path, str) and fits_64_bits(item.pid) and fits_64_bits(item.camid)):
                raise ValueError(
                    f"row {row} has {shortened(item[:3])}; expected a path, and pid and camid that fit into 64 bits"
                )
        if embeddings.shape[:-1] != (len(items),):
            raise ValueError(f"{len(items)} paths, but embeddings of shape {list(embeddings.shape)}")
        metadata = from_json(dict[str, Any], parse(text), "metadata")
        cameras = from_json(dict[str, int], metadata.get("cameras", {}), "metadata.cameras")
        folder_of = {number: folder for folder, number in cameras.items()}
        items = [item._replace(camera=folder_of.get(item.camid, "")) for item in items] if folder_of else items
        kinds = {"model": str, "fingerprint": str, "flip": bool}
        model, fingerprint, flip = (from_json(kind, metadata[key], f"metadata.{key}") for key, kind in kinds.items())
        return EmbeddingTable(file, items, embeddings, model, fingerprint, flip)
    except Exception as error:  # of archives and of Parquet there are many kinds
        why = f"its metadata have no {error}" if isinstance(error, KeyError) else str(error).strip()[:200]
        raise ValueError(f"{file} is not a table that `scalereid embed` wrote: {why}") from error


def _columns(shards: Sequence[Path]) -> Iterator[dict[str, NDArray[Any]]]:
    for file in shards:
        with np.load(file) as arrays:
            yield {name: arrays[name] for name in _COLUMNS}


def _load_parquet(file: Path) -> tuple[list[list[Any]], NDArray[np.float32], str]:
    from pyarrow import parquet

    with parquet.ParquetFile(file) as table:
        text = (table.schema_arrow.metadata or {}).get(b"scalereid", b"{}").decode()
        embeddings = np.empty((table.metadata.num_rows, parse(text)["embedding_size"]), np.float32)
        columns: list[list[Any]] = [[] for _ in _ITEM]
        start = 0
        for part in table.iter_batches(columns=[*_COLUMNS]):
            for values, name in zip(columns, _ITEM, strict=True):
                values += part[name].to_pylist()
            embeddings[start : start + len(part)] = (
                part["embedding"].flatten().to_numpy().reshape(-1, embeddings.shape[1])
            )
            start += len(part)
    return columns, embeddings, text


def _load_npz(file: Path) -> tuple[list[list[Any]], NDArray[np.float32], str]:
    with file.open("rb") as opened, np.load(opened) as arrays:
        if missing := {*_COLUMNS, "metadata"} - {*arrays.files}:
            raise ValueError(f"it has no {', '.join(sorted(missing))}")
        check_stored(arrays.zip)
        return [arrays[name].tolist() for name in _ITEM], _mapped(file), str(arrays["metadata"])


def _mapped(file: Path) -> NDArray[np.float32]:
    """The embeddings in a .npz file as a memory map. Copied where an earlier version wrote them, which did not align them."""
    with zipfile.ZipFile(file) as archive:
        entry = archive.getinfo("embedding.npy")
    with file.open("rb") as raw:
        raw.seek(entry.header_offset + 26)
        raw.seek(sum(struct.unpack("<HH", raw.read(4))), os.SEEK_CUR)  # the lengths of the name and of the extra field
        if np.lib.format.read_magic(raw) != (1, 0):
            raise ValueError("its embeddings are stored in another version of NumPy's format")
        shape, by_column, dtype = np.lib.format.read_array_header_1_0(raw)
        if by_column or dtype != np.float32:
            raise ValueError(f"its embeddings are {dtype}, not float32 row by row")
        return np.require(np.memmap(file, dtype, "r", raw.tell(), shape), requirements="A")


def _save_parquet(out: Path, shards: Sequence[Path], metadata: str, size: int) -> None:
    import pyarrow
    from pyarrow import parquet

    numbers = pyarrow.list_(pyarrow.float32(), size)
    columns = [("path", pyarrow.string()), ("pid", pyarrow.int64()), ("camid", pyarrow.int64()), ("embedding", numbers)]
    schema = pyarrow.schema(columns, metadata={"scalereid": metadata})
    with parquet.ParquetWriter(out, schema) as writer:
        for part in _columns(shards):
            rows = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(part["embedding"].ravel()), size)
            arrays = [pyarrow.array(part[name].tolist()) for name in _ITEM]
            writer.write_table(pyarrow.Table.from_arrays([*arrays, rows], schema=schema))


def _save_npz(out: Path, shards: Sequence[Path], metadata: str, size: int) -> None:
    """One array after another, the large one through a file of its own: never all embeddings in memory."""
    small = [{name: part[name] for name in _ITEM} for part in _columns(shards)]
    arrays = {name: np.concatenate([part[name] for part in small]) for name in _ITEM}
    beside = out.with_suffix(".embedding.npy")
    try:
        rows = create_array(beside, np.float32, (len(arrays["pid"]), size))
        start = 0
        for part in _columns(shards):
            rows[start : start + len(part["pid"])] = part["embedding"]
            start += len(part["pid"])
        rows.flush()
        with zipfile.ZipFile(out, "w") as archive:
            with beside.open("rb") as whole, archive.open(_aligned("embedding.npy"), "w", force_zip64=True) as file:
                shutil.copyfileobj(whole, file)
            for name, values in (arrays | {"metadata": np.array(metadata)}).items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, values)
    finally:
        beside.unlink(missing_ok=True)


def _aligned(name: str) -> zipfile.ZipInfo:
    """The first member of an archive, padded so that its content begins at a multiple of `_ALIGNED`."""
    entry = zipfile.ZipInfo(name)
    header = 30 + len(name) + 20 + 4  # with the field for sizes above 4 GB, and the beginning of the padding
    padding = -header % _ALIGNED
    entry.extra = struct.pack("<HH", 0xD935, padding) + bytes(
        padding
    )  # the number by which Android aligns its archives
    return entry
