"""Many image files to a table of embeddings, in shards, so that a job that was stopped can continue."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from scalereid.data.images import Advance
from scalereid.files import read_json, write, write_json
from scalereid.inference.embedder import Embedder, OnError
from scalereid.inference.embedding_table import check_out, write_table
from scalereid.inference.items import Item
from scalereid.progress import Progress

SHARD = 4_096  # images whose embeddings are lost at most when a job is killed


def embed_files(
    embedder: Embedder,
    items: Sequence[Item],
    out: Path,
    *,
    on_error: OnError = "raise",
    shard: int = SHARD,
    progress: Progress | None = None,
) -> list[str]:
    """Write path, pid, camid and embedding of every item to `out`, a `.parquet` or `.npz` file.

    Until all are done, shards lie in a folder `OUT.shards`. The same call continues a job that was stopped or killed, after
    its last whole shard.

    Args:
        embedder: What embeds.
        items: See `find_items`.
        out: The file to write.
        on_error: `report` leaves images out that cannot be read.
        shard: Number of images in a shard.
        progress: Where to show progress. Defaults to nowhere.

    Returns:
        What is wrong with each image that was left out.

    Raises:
        ValueError: An image cannot be read; `out` has another suffix; a path is not UTF-8, for Parquet; the shards are of
            another model or other images.
        FileExistsError: `out` exists.
        ModuleNotFoundError: pyarrow is not installed, for Parquet.
    """
    check_out(out)
    if out.suffix == ".parquet":
        for item in items:
            _require_utf8(item.path)
    folder = out.with_name(out.name + ".shards")
    _open_shards(folder, embedder, items, shard)
    shards = [folder / f"{number:06d}.npz" for number in range(-(-len(items) // shard))]
    with (progress or Progress.silent()).stage("embedding", len(items)) as advance:
        for number, file in enumerate(shards):
            part = items[number * shard : (number + 1) * shard]
            if file.is_file():
                advance(len(part))
            else:
                _embed_shard(embedder, part, file, on_error, advance)
    metadata = asdict(embedder.metadata) | _settings(embedder)
    write_table(out, shards, json.dumps(metadata), embedder.embedding_size)
    unreadable = [str(line) for file in shards for line in np.load(file)["unreadable"]]
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    return unreadable


def _require_utf8(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{path!r} is not UTF-8, as Parquet requires; rename it, or write a .npz file") from None


def _settings(embedder: Embedder) -> dict[str, str | bool]:
    return {"precision": embedder.runtime.precision, "normalized": embedder.normalize, "flip": embedder.flip}


def _open_shards(folder: Path, embedder: Embedder, items: Sequence[Item], shard: int) -> None:
    """Make the folder of shards, or check that those in it are of the same job."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(os.fsencode(item.path) + f"\t{item.pid}\t{item.camid}\n".encode())
    job = {
        "model": embedder.metadata.fingerprint,
        **_settings(embedder),
        "shard": shard,
        "images": digest.hexdigest()[:12],
    }
    file = folder / "job.json"
    if file.is_file():
        earlier = read_json(file)
        changes = [f"{key} ({earlier.get(key)} then, {job[key]} now)" for key in job if earlier.get(key) != job[key]]
        if changes:
            raise ValueError(
                f"{folder} holds shards of a job with other settings: {', '.join(changes)}; use the same settings as then to "
                "continue it, or remove the folder to start anew"
            )
    folder.mkdir(parents=True, exist_ok=True)
    write_json(file, job)


def _embed_shard(embedder: Embedder, items: Sequence[Item], file: Path, on_error: OnError, advance: Advance) -> None:
    embeddings, errors = embedder.collect([item.path for item in items], on_error=on_error, advance=advance)
    kept = [item for i, item in enumerate(items) if i not in errors]

    def save(partial: Path) -> None:
        np.savez(
            partial,
            path=np.array([item.path for item in kept], dtype=np.str_),
            pid=np.array([item.pid for item in kept], dtype=np.int64),
            camid=np.array([item.camid for item in kept], dtype=np.int64),
            embedding=embeddings,
            unreadable=np.array([*errors.values()], dtype=np.str_),
        )

    write(file, save)
