"""Many image files to a table of embeddings, in shards, so that a job that was stopped can continue."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from scalereid.arguments import check_choice, check_whole
from scalereid.files import remove_folder, require_free, require_new_file, require_utf8, require_writable
from scalereid.inference.embed_job import JOB_FILE, changes_of, describe_job, open_job, settings_of
from scalereid.inference.embedder import Embedder, OnError
from scalereid.inference.embedding_table import is_table, read_table, write_table
from scalereid.inference.items import Item, cameras_by_folder
from scalereid.inference.parts import EmbedParts, Part, in_turn
from scalereid.inference.shard import Shard, stamps_of
from scalereid.locks import locked
from scalereid.packages import require
from scalereid.progress import Progress
from scalereid.wording import counted

SHARD = 4_096  # images whose embeddings are lost at most when a job is killed


def check_out(out: Path) -> None:
    """Check that a table can be written to `out`, or a job be continued there, before any work is done.

    Raises:
        ValueError: It has another suffix than .parquet or .npz.
        FileExistsError: It exists, and there are no shards of which it may be the table.
        OSError: It cannot be written there.
        ModuleNotFoundError: pyarrow is not installed, for Parquet.
    """
    if not is_table(out):
        raise ValueError(f"{out}: embeddings are written to a .parquet or .npz file")
    folder = shards_folder(out)
    if (folder / JOB_FILE).is_file():
        require_writable(out)
    else:
        require_new_file(out)
        require_free(folder)
    if out.suffix == ".parquet":
        require("pyarrow", extra="parquet")


def embed_files(
    embedder: Embedder,
    items: Sequence[Item],
    out: Path,
    *,
    on_error: OnError = "raise",
    shard: int = SHARD,
    engine: EmbedParts = in_turn,
    progress: Progress | None = None,
) -> list[str]:
    """Write path, pid, camid and embedding of every item to `out`, a `.parquet` or `.npz` file.

    Until all are done, shards lie in a folder `OUT.shards`. The same call continues a job that was stopped or killed, after
    its last whole shard; images that have changed since they were embedded are embedded again.

    Args:
        embedder: What embeds.
        items: See `find_items`.
        out: The file to write.
        on_error: `report` leaves images out that cannot be read.
        shard: Number of images in a shard.
        engine: What computes the shards. Defaults to this process, one after another.
        progress: Where to show progress. Defaults to nowhere.

    Returns:
        What is wrong with each image that was left out.

    Raises:
        ValueError: There are no items; an image cannot be read; `out` has another suffix; a path is not UTF-8, for Parquet; the
            shards are of another model or other images.
        OSError: `out` exists and is not the table of the shards beside it, cannot be written, or another process is writing it.
        ModuleNotFoundError: pyarrow is not installed, for Parquet.
    """
    check_choice("on_error", on_error, OnError)
    check_whole("shard", shard, 1)
    if not items:
        raise ValueError("there are no items to embed; expected at least one, as find_items gives them")
    with locked(out):
        check_out(out)
        return _embed_files(embedder, items, out, on_error, shard, engine, progress or Progress.silent())


def _embed_files(
    embedder: Embedder,
    items: Sequence[Item],
    out: Path,
    on_error: OnError,
    shard: int,
    engine: EmbedParts,
    progress: Progress,
) -> list[str]:
    """Embed into a file that this process alone writes."""
    if out.suffix == ".parquet":
        for item in items:
            require_utf8(item.path, "as Parquet requires; rename it, or write a .npz file")
    folder, job = shards_folder(out), describe_job(embedder, items, shard)
    parts = {folder / f"{i:06d}.npz": items[i * shard : (i + 1) * shard] for i in range(-(-len(items) // shard))}
    if out.exists():
        if changes_of(folder, job) or not _is_written(out, parts, embedder):
            raise FileExistsError(
                f"{out} exists, and is not the table of the shards in {folder}; move it away to continue their job, or "
                "choose another name"
            )
        progress.say(f"{out} was complete already")
    else:
        open_job(folder, job)
        _embed_parts(embedder, parts, on_error, engine, progress)
        metadata = asdict(embedder.metadata) | settings_of(embedder) | {"cameras": cameras_by_folder(items)}
        write_table(out, [*parts], json.dumps(metadata), embedder.embedding_size)
    unreadable = [why for file in parts for why in _unreadable(file)]
    remove_folder(folder)
    return unreadable


def shards_folder(out: Path) -> Path:
    """Where the finished parts of a table lie until it is written."""
    return out.with_name(out.name + ".shards")


def _is_written(out: Path, parts: dict[Path, Sequence[Item]], embedder: Embedder) -> bool:
    """Whether a table is that of the shards: the job was killed before it removed them."""
    try:
        table = read_table(out)
    except (OSError, ValueError):
        return False
    start = 0
    for file, items in parts.items():
        shard = Shard.read(file, items, embedder.embedding_size)
        if shard is None:
            return False
        kept = [not why for why in shard.unreadable]
        stop = start + sum(kept)
        rows = [item[:3] for item, is_kept in zip(items, kept, strict=True) if is_kept]
        if [item[:3] for item in table.items[start:stop]] != rows or not np.array_equal(
            table.embeddings[start:stop], shard.embeddings[kept]
        ):
            return False
        start = stop
    return start == len(table.items) and table.fingerprint == embedder.metadata.fingerprint


def _unreadable(file: Path) -> list[str]:
    with np.load(file) as arrays:
        return [why for why in arrays["unreadable"].tolist() if why]


def _embed_parts(
    embedder: Embedder, files: dict[Path, Sequence[Item]], on_error: OnError, engine: EmbedParts, progress: Progress
) -> None:
    """Embed all images that have no embedding yet, or have changed since."""
    changed = 0

    def unfinished() -> Iterator[Part]:
        nonlocal changed
        for file, items in files.items():
            earlier = Shard.read(file, items, embedder.embedding_size)
            if earlier is None and file.exists():
                progress.say(f"{file} is damaged; its {counted(len(items), 'image')} will be embedded again")
            part, changed_here = _part(file, items, earlier, on_error)
            changed += changed_here
            advance(len(items) - len(part.rows))
            if part.rows:
                yield part

    with progress.stage("embedding", sum(map(len, files.values()))) as advance:
        for part, found in engine(embedder, unfinished(), on_error, advance):
            part.write(found, embedder.embedding_size)
    if changed:
        progress.say(f"{counted(changed, 'image')} had changed since the job was stopped and have been embedded again")


def _part(file: Path, items: Sequence[Item], earlier: Shard | None, on_error: OnError) -> tuple[Part, int]:
    """What a shard lacks because it is missing or has become stale, and the number of images that have changed."""
    stamps = stamps_of(items)  # before the images are read: a change after that is seen the next time
    if earlier is None:
        return Part(file, items, [*range(len(items))], stamps, None), 0
    changed = (stamps != earlier.stamps).any(axis=1)
    refused = np.array([on_error == "raise" and bool(why) for why in earlier.unreadable])
    rows = np.flatnonzero(changed | refused).tolist()
    return Part(file, items, rows, stamps, earlier if len(rows) < len(items) else None), int(changed.sum())
