"""What a job that embeds many images is, in a file beside its shards, so that no other job continues it."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scalereid.files import read_json, write_folder, write_json
from scalereid.inference.embedder import Embedder
from scalereid.inference.items import Item

JOB_FILE = "job.json"
_FORMAT = 2  # of this file and of the shards


def settings_of(embedder: Embedder) -> dict[str, str | bool]:
    """Settings that change a model's embeddings."""
    return {"precision": embedder.runtime.precision, "normalized": embedder.normalize, "flip": embedder.flip}


def describe_job(embedder: Embedder, items: Sequence[Item], shard: int) -> dict[str, Any]:
    """What two jobs must have in common for the second to continue the first."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(os.fsencode(item.path) + f"\t{item.pid}\t{item.camid}\n".encode())
    return {
        "format": _FORMAT,
        "model": embedder.metadata.fingerprint,
        **settings_of(embedder),
        "shard": shard,
        "images": digest.hexdigest()[:12],
    }


def changes_of(folder: Path, job: dict[str, Any]) -> list[str]:
    """What is different from the job whose shards are in a folder, in words.

    Raises:
        ValueError: The shards are of another format, or the job's file is damaged.
    """
    file, anew = folder / JOB_FILE, f"remove {folder} to start anew"
    try:
        earlier = read_json(file)
    except ValueError as error:
        raise ValueError(f"{error}; {anew}") from error
    if not isinstance(earlier, dict):
        raise ValueError(f"{file} is damaged: expected an object, found {type(earlier).__name__}; {anew}")
    if (number := earlier.get("format", 1)) != _FORMAT:
        raise ValueError(
            f"{file} has format {number!r}, which another version of scalereid writes; this one continues jobs of format "
            f"{_FORMAT}. Continue with that version, or {anew}"
        )
    if missing := job.keys() - earlier.keys():
        raise ValueError(f"{file} is damaged: it has no {', '.join(sorted(missing))}; {anew}")
    return [f"{key} ({earlier[key]} then, {job[key]} now)" for key in job if earlier[key] != job[key]]


def open_job(folder: Path, job: dict[str, Any]) -> None:
    """Make the folder of shards, or check that those in it are of the same job.

    Raises:
        ValueError: They are of another job, or of another format, or the job's file is damaged.
    """
    if not (folder / JOB_FILE).is_file():

        def fill(partial: Path) -> None:
            partial.mkdir(parents=True)
            write_json(partial / JOB_FILE, job)

        write_folder(folder, fill)
    if changes := changes_of(folder, job):
        raise ValueError(
            f"{folder} holds shards of a job with other settings: {', '.join(changes)}; use the same settings as then to "
            "continue it, or remove the folder to start anew"
        )
