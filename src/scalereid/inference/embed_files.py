"""A million files to embeddings in a table: in shards, so that a stopped job goes on."""

import glob
import hashlib
import json
import os
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalereid.data.images import Advance
from scalereid.data.readers.folders import IMAGE_SUFFIXES
from scalereid.data.readers.table import read_csv, read_jsonl
from scalereid.inference.embedder import Embedder, UnreadableImagesWarning

SHARD = 4_096  # images whose embeddings are lost at most when a job is killed


class Item(NamedTuple):
    """An image file, and whom it shows and which camera took it, −1 where that is not known."""

    path: str
    pid: int = -1
    camid: int = -1


def find_items(source: str) -> list[Item]:
    """The images that `source` names: a folder with all below it, a pattern like 'crops/*.jpg', a CSV table or JSON lines.

    Sorted by path, or in the table's order.

    Raises:
        FileNotFoundError: there is nothing of that name, or no image in it.
        ValueError: a table cannot be read.
    """
    path = Path(source)
    if path.suffix in (".csv", ".jsonl") and path.is_file():
        dataset = read_csv(path) if path.suffix == ".csv" else read_jsonl(path)
        items = [Item(str(r.path), r.pid, r.camid) for records in dataset.splits.values() for r in records]
    elif path.is_dir():
        below = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)  # noqa: PTH118
        items = [Item(file) for file in sorted(below) if file.lower().endswith(IMAGE_SUFFIXES)]
    else:
        items = [Item(name) for name in sorted(glob.glob(source, recursive=True)) if Path(name).is_file()]  # noqa: PTH207 - takes any pattern
    if not items:
        raise FileNotFoundError(
            f"there are no images in {source}; name a folder, a pattern in quotes, or a table (.csv, .jsonl)"
        )
    return items


def embed_files(
    embedder: Embedder,
    items: Sequence[Item],
    out: Path,
    *,
    on_error: Literal["raise", "report"] = "raise",
    shard: int = SHARD,
    advance: Advance = lambda _: None,
) -> list[str]:
    """Write path, pid, camid and embedding of every item to `out`, a `.parquet` or `.npz` file.

    Until all are done, shards lie in a folder `OUT.shards`; a job that was stopped, or killed, goes on after the last whole
    one.
    With `on_error="report"` unreadable images are left out.

    Returns:
        What is wrong with each image that was left out.

    Raises:
        ValueError: an image cannot be read; `out` has another suffix; the shards there are of another model or other images.
        FileExistsError: `out` exists.
        ModuleNotFoundError: pyarrow is not installed, for Parquet.
    """
    if out.suffix not in (".parquet", ".npz"):
        raise ValueError(f"{out}: embeddings are written to a .parquet or a .npz file")
    if out.exists():
        raise FileExistsError(f"{out} exists; name another file, or move it away")
    if out.suffix == ".parquet":
        _pyarrow()
    folder = out.with_name(out.name + ".shards")
    _open_shards(folder, embedder, items, shard)
    for number, start in enumerate(range(0, len(items), shard)):
        part = items[start : start + shard]
        file = folder / f"{number:06d}.npz"
        if file.is_file():
            advance(len(part))
        else:
            _embed_shard(embedder, part, file, on_error, advance)
    shards = sorted(folder.glob("*.npz"))
    unreadable = [str(line) for file in shards for line in np.load(file)["unreadable"]]
    about = json.dumps(
        asdict(embedder.about)
        | {"precision": embedder.runtime.precision, "normalized": embedder.normalize, "flip": embedder.flip}
    )
    partial = out.with_name(f".{out.name}.partial")
    (_write_parquet if out.suffix == ".parquet" else _write_npz)(partial, shards, about, embedder.embedding_size)
    partial.replace(out)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    return unreadable


def _open_shards(folder: Path, embedder: Embedder, items: Sequence[Item], shard: int) -> None:
    digest = hashlib.sha256(f"{embedder.about.fingerprint} {embedder.flip} {embedder.normalize} {shard}\n".encode())
    digest.update(f"{embedder.runtime.precision}\n".encode())
    for item in items:
        digest.update(os.fsencode(item.path) + f"\t{item.pid}\t{item.camid}\n".encode())
    job, file = digest.hexdigest(), folder / "job"
    if file.is_file() and file.read_text() != job:
        raise ValueError(f"{folder} holds shards of another model or of other images; remove it to start anew")
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(job)


def _embed_shard(
    embedder: Embedder, items: Sequence[Item], file: Path, on_error: Literal["raise", "report"], advance: Advance
) -> None:
    def paths() -> Iterator[str]:
        for item in items:
            yield item.path
            advance(1)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnreadableImagesWarning)
        embeddings = embedder(paths(), on_error=on_error)
    reported = [w.message for w in caught if isinstance(w.message, UnreadableImagesWarning)]
    bad = [image for warning in reported for image in warning.images]
    kept = np.setdiff1d(np.arange(len(items)), [number for number, _ in bad])
    partial = file.with_suffix(".partial")
    with partial.open("wb") as lines:
        np.savez(
            lines,
            path=np.array([items[i].path for i in kept], dtype=np.str_),
            pid=np.array([items[i].pid for i in kept], dtype=np.int64),
            camid=np.array([items[i].camid for i in kept], dtype=np.int64),
            embedding=embeddings[kept],
            unreadable=np.array([why for _, why in bad], dtype=np.str_),
        )
    partial.replace(file)


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
