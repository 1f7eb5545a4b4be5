"""Image files that are most similar to other image files, without labels."""

import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shortened
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalereid.arguments import check_choice, check_kind, check_whole
from scalereid.data.readers.cameras import is_numbered, number_cameras
from scalereid.data.readers.paths import FoldersOf
from scalereid.inference.embedder import Embedder, OnError
from scalereid.inference.embedding_table import EmbeddingTable, is_table, read_table
from scalereid.inference.items import Item, find_items
from scalereid.inference.metadata import ModelMetadata
from scalereid.progress import Progress
from scalereid.retrieval.calibration import Calibration
from scalereid.retrieval.search import SearchResult, search

_MOST = 1_000_000  # results of a query, which nobody reads that far
Images = EmbeddingTable | Sequence[Item]
"""Images with their embeddings, or still to be embedded."""


class Found(NamedTuple):
    """One image that was found."""

    path: str
    similarity: float
    """Cosine between its embedding and the query's."""
    probability: float | None
    """That it shows the query's person; None without a calibration."""


@dataclass(frozen=True, eq=False)
class FoundFiles:
    """The gallery images most similar to each query image, by the names of their files."""

    query: Sequence[str]
    """(q,) files of the query images that could be read."""
    gallery: Sequence[str]
    """(g,) files of the gallery images that could be read."""
    nearest: SearchResult
    """Rows of the gallery and similarities (q, k): k is `top`, or the number of gallery images if that is less."""
    model: ModelMetadata
    calibration: Calibration | None
    unreadable: Sequence[str]
    """What is wrong with each image that could not be read."""

    def __len__(self) -> int:
        return len(self.query)

    def of(self, row: int) -> list[Found]:
        """What was found for one query, most similar first."""
        there = self.nearest.indices[row] >= 0
        similarities = self.nearest.similarities[row][there]
        probabilities = self.calibration.probability(1 - similarities).tolist() if self.calibration else None
        indices = self.nearest.indices[row][there].tolist()
        return [
            Found(self.gallery[index], similarity, probabilities[i] if probabilities else None)
            for i, (index, similarity) in enumerate(zip(indices, similarities.tolist(), strict=True))
        ]


class _Embedded(NamedTuple):
    """One side of a search."""

    items: Sequence[Item]
    embeddings: NDArray[np.float32]
    unreadable: list[str]


def open_images(source: str | os.PathLike[str], *, folders: FoldersOf | None = None) -> Images:
    """The images that `find_items` finds, or a table of embeddings that `embed_files` wrote (.npz, .parquet).

    `folders` says whose folders are in `source`, as for `find_items`; a table knows already.

    Raises:
        FileNotFoundError, ValueError: As `find_items` and `read_table` raise.
    """
    return read_table(Path(source)) if is_table(source) else find_items(source, folders=folders)


def search_files(
    embedder: Embedder,
    query: str | os.PathLike[str] | Images,
    gallery: str | os.PathLike[str] | Images,
    *,
    top: int = 5,
    other_cameras: bool = False,
    calibration: Calibration | None = None,
    on_error: OnError = "raise",
    progress: Progress | None = None,
) -> FoundFiles:
    """Find the `top` gallery images most similar to each query image, by cosine similarity. No labels are needed.

    A query's own file is never among its results, so that a folder can be searched for its own images.

    Args:
        embedder: What embeds the images.
        query: Images to find: a file, a folder, a pattern, a .csv or .jsonl table, or a table of embeddings (.npz, .parquet)
            that `embed_files` wrote with the same model; or what `open_images` made of it.
        gallery: Images to find them among, likewise.
        top: Number of results per query.
        other_cameras: Leave out gallery images of the query's camera.
        calibration: Of this model, for the cosine distance; gives probabilities.
        on_error: `report` leaves out images that cannot be read.
        progress: Where to show progress. Defaults to nowhere.

    Raises:
        FileNotFoundError: There are no images of that name.
        ValueError: An image or a table cannot be read; a table or the calibration is of another model; a camera is not known,
            with `other_cameras`; or `top` is below 1.
        ModuleNotFoundError: pyarrow is not installed, for Parquet.
    """
    check_kind("embedder", embedder, Embedder)
    check_whole("top", top, 1, _MOST)
    check_kind("other_cameras", other_cameras, bool)
    check_choice("on_error", on_error, OnError)
    check_kind("calibration", calibration, Calibration, or_none=True)
    if calibration:
        calibration.check(embedder.metadata.fingerprint, "cosine", flip=embedder.flip)
    progress = progress or Progress.silent()
    sources = {"query": query} if _same(query, gallery) else {"query": query, "gallery": gallery}
    sides = {name: open_images(one) if isinstance(one, str | os.PathLike) else one for name, one in sources.items()}
    for name, images in sides.items():
        _check_images(name, images)
        if isinstance(images, EmbeddingTable):
            images.check_model(embedder.metadata.model, embedder.metadata.fingerprint, flip=embedder.flip)
    if other_cameras:
        _check_cameras({name: one.items if isinstance(one, EmbeddingTable) else one for name, one in sides.items()})
    embedded = {name: _embedded(embedder, images, name, on_error, progress) for name, images in sides.items()}
    one, other = embedded["query"], embedded.get("gallery", embedded["query"])
    return FoundFiles(
        [item.path for item in one.items],
        [item.path for item in other.items],
        _nearest(one, other, top, other_cameras=other_cameras),
        embedder.metadata,
        calibration,
        [why for side in embedded.values() for why in side.unreadable],
    )


def _same(query: object, gallery: object) -> bool:
    """Whether both sides are the same images, which are then embedded once."""
    return query is gallery or (
        isinstance(query, str | os.PathLike) and type(query) is type(gallery) and query == gallery
    )


def _check_images(name: str, images: object) -> None:
    """Raises ValueError: They are neither a table nor items, or an empty table."""
    is_list = isinstance(images, Sequence) and len(images) > 0 and all(isinstance(item, Item) for item in images)
    if not isinstance(images, EmbeddingTable) and not is_list:
        raise ValueError(
            f"{name} is {shortened(images)}; expected the name of a file, a folder, a pattern or a table, or what open_images "
            "made of it"
        )
    if isinstance(images, EmbeddingTable) and not images.items:
        raise ValueError(f"{images.file} holds no embeddings, as no image could be read when it was written")


def _check_cameras(sides: Mapping[str, Sequence[Item]]) -> None:
    """Raises ValueError: The camera of an image is not known, or not which cameras of the two sides are the same."""
    for name, items in sides.items():
        unknown = [item.path for item in items if item.camid < 0]
        if unknown:
            raise ValueError(
                f"the cameras of {len(unknown):,} of {len(items):,} {name} images are not known, such as that of {unknown[0]}, "
                "but other_cameras leaves out images of the query's camera. Cameras are told by parts of file names such as c3 "
                "or cam03, by a folder for each camera (folders=cameras, where they are not named like cam3), or by a .csv "
                "table with the columns path and camid; a table of embeddings has to be written again. Or search without "
                "other_cameras"
            )
    if all(item.camera for items in sides.values() for item in items):
        return
    for name, items in sides.items():
        named = [item for item in items if item.camera and not is_numbered(item.camera, item.camid)]
        if named:
            (other,) = {"query", "gallery"} - {name}
            raise ValueError(
                f"the cameras of the {name} images have names, such as {named[0].camera}, and those of the {other} images "
                "numbers, so other_cameras cannot tell which are the same. Name both by folders (folders=cameras; a table of "
                "embeddings that was written before it kept names has to be written again), or number both, in file names such "
                "as c3 or in .csv tables with the columns path and camid"
            )


def _embedded(embedder: Embedder, images: Images, name: str, on_error: OnError, progress: Progress) -> _Embedded:
    """One side with its embeddings, computed where there are none.

    Raises:
        ValueError: An image cannot be read, or with `report` none of them.
    """
    if isinstance(images, EmbeddingTable):
        return _Embedded(images.items, images.embeddings, [])
    with progress.stage(f"embedding {name}", len(images)) as advance:
        embeddings, errors = embedder.collect([item.path for item in images], on_error=on_error, advance=advance)
    kept = [item for i, item in enumerate(images) if i not in errors]
    unreadable = [*errors.values()]
    if not kept:
        raise ValueError(f"none of the {len(images):,} {name} images can be read; the first: {unreadable[0]}")
    return _Embedded(kept, embeddings, unreadable)


def _nearest(query: _Embedded, gallery: _Embedded, top: int, *, other_cameras: bool) -> SearchResult:
    """The nearest gallery rows without the query's own file, found by asking for as many more as there are such rows."""
    numbers: dict[Hashable, int] = {}
    own, theirs = (
        np.array([numbers.setdefault(_identity(item.path), len(numbers)) for item in side.items], dtype=np.int64)
        for side in (query, gallery)
    )
    spare = int(np.bincount(theirs, minlength=len(numbers))[own].max(initial=0))
    top = min(top, len(theirs))
    most = min(top + spare, len(theirs))
    shape = (len(own), most)
    indices, similarities = np.full(shape, -1, np.int64), np.full(shape, -np.inf, np.float32)
    cameras, gallery_cameras = _cameras(query.items, gallery.items)
    for camera in np.unique(cameras) if other_cameras else [None]:
        rows = slice(None) if camera is None else cameras == camera
        mask = None if camera is None else gallery_cameras != camera
        indices[rows], similarities[rows] = search(query.embeddings[rows], gallery.embeddings, most, mask=mask)
    is_own = (theirs[indices] == own[:, None]) & (indices >= 0)
    indices[is_own], similarities[is_own] = -1, -np.inf
    order = np.argsort(is_own, axis=1, kind="stable")[:, :top]
    return SearchResult(np.take_along_axis(indices, order, axis=1), np.take_along_axis(similarities, order, axis=1))


def _cameras(*sides: Sequence[Item]) -> list[NDArray[np.int64]]:
    """The camera of each item, by numbers that are equal for the same one: each side has numbered its own folders by itself."""
    folders = {item.camera for items in sides for item in items}
    numbers = {} if "" in folders else number_cameras(folders)
    return [np.array([numbers.get(item.camera, item.camid) for item in items], np.int64) for items in sides]


def _identity(path: str) -> Hashable:
    """Equal for names of the same file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a million of them
    except OSError:
        return os.path.abspath(path)  # noqa: PTH100 - of a table, whose images may be gone
    return found.st_dev, found.st_ino
