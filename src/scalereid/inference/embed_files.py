"""A million files to embeddings in a table: in shards, so that a stopped job goes on."""

import glob
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from scalereid.data.images import Advance
from scalereid.data.readers.folders import IMAGE_SUFFIXES
from scalereid.data.readers.table import read_listed
from scalereid.inference.embedder import Embedder
from scalereid.inference.embedding_table import check_out, write_table

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
        items = [Item(*row) for row in read_listed(path)]
    elif path.is_dir():
        below = (os.path.join(folder, name) for folder, _, names in os.walk(path, onerror=_refuse) for name in names)  # noqa: PTH118
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
        ValueError: an image cannot be read; `out` has another suffix; a path is no UTF-8, for Parquet; the shards there are
            of another model or other images.
        FileExistsError: `out` exists.
        ModuleNotFoundError: pyarrow is not installed, for Parquet.
    """
    check_out(out)
    if out.suffix == ".parquet":
        for item in items:
            _require_utf8(item.path)
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
    partial = out.with_name(f".partial-{out.name}")
    write_table(partial, shards, about, embedder.embedding_size)
    partial.replace(out)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    return unreadable


def _require_utf8(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{path!r} is no UTF-8, which Parquet takes alone; rename it, or write a .npz file") from None


def _refuse(error: OSError) -> None:
    raise error


def _open_shards(folder: Path, embedder: Embedder, items: Sequence[Item], shard: int) -> None:
    digest = hashlib.sha256()
    for item in items:
        digest.update(os.fsencode(item.path) + f"\t{item.pid}\t{item.camid}\n".encode())
    job = {
        "model": embedder.about.fingerprint,
        "precision": embedder.runtime.precision,
        "flip": embedder.flip,
        "normalize": embedder.normalize,
        "shard": shard,
        "images": digest.hexdigest()[:12],
    }
    file = folder / "job.json"
    if file.is_file():
        earlier = json.loads(file.read_text())
        changes = [f"{key} ({earlier.get(key)} then, {job[key]} now)" for key in job if earlier.get(key) != job[key]]
        if changes:
            raise ValueError(
                f"{folder} holds shards of a job with other settings: {', '.join(changes)}; give the same command as then to "
                "go on, or remove it to start anew"
            )
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(job))


def _embed_shard(
    embedder: Embedder, items: Sequence[Item], file: Path, on_error: Literal["raise", "report"], advance: Advance
) -> None:
    def paths() -> Iterator[str]:
        for item in items:
            yield item.path
            advance(1)

    embeddings, unreadable = embedder.collect(paths(), on_error=on_error)
    kept = np.setdiff1d(np.arange(len(items)), [*unreadable])
    partial = file.with_suffix(".partial")
    with partial.open("wb") as lines:
        np.savez(
            lines,
            path=np.array([items[i].path for i in kept], dtype=np.str_),
            pid=np.array([items[i].pid for i in kept], dtype=np.int64),
            camid=np.array([items[i].camid for i in kept], dtype=np.int64),
            embedding=embeddings[kept],
            unreadable=np.array([*unreadable.values()], dtype=np.str_),
        )
    partial.replace(file)
