"""Embeddings together with the people they show and the cameras they come from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.data.records import JUNK, ImageRecord, ReidDataset, one_per_tracklet, pids_and_camids
from scalereid.retrieval.distances import Embeddings, as_matrix, check_widths, real_numbers
from scalereid.retrieval.prepared import PreparedGallery
from scalereid.wording import counted

Numbers = Sequence[float] | NDArray[np.number] | Tensor
Rows = slice | Tensor | NDArray[np.bool_] | NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class LabelledEmbeddings:
    """One row per image or tracklet: the embedding, the person, the camera. Made and checked by `labelled`."""

    embeddings: Tensor
    """(n, d) float32."""
    pids: Tensor
    """(n,) int64: the person; −1 junk, 0 distractor."""
    camids: Tensor
    """(n,) int64: the camera."""
    images: Tensor | None = None
    """(n,) int64: image ids, equal for the same image in query and gallery; the `all-cameras` protocol needs them."""
    times: Tensor | None = None
    """(n,) float64: seconds since any fixed moment."""
    paths: tuple[str, ...] | None = None
    """The image files; of a tracklet the first."""
    gallery: PreparedGallery | None = None
    """What the embeddings were taken from, where they had been made ready to be searched."""

    @property
    def ready(self) -> PreparedGallery | None:
        """The embeddings made ready to be searched, where they are, and still the same."""
        return self.gallery if self.gallery and self.gallery.embeddings is self.embeddings else None

    def __repr__(self) -> str:
        people, cameras = len({*self.pids.tolist()} - {JUNK}), len({*self.camids.tolist()})
        rows, width = self.embeddings.shape
        return (
            f"<LabelledEmbeddings: {counted(rows, 'row')} of {counted(width, 'number')}, "
            f"{counted(people, 'person', 'people')}, {counted(cameras, 'camera')}>"
        )

    def __len__(self) -> int:
        return len(self.pids)

    def rows(self, selection: Rows) -> "LabelledEmbeddings":
        """The rows of a slice, at indices (m,), or where a mask (n,) is true."""
        if not isinstance(selection, slice):
            selection = torch.as_tensor(selection, device=self.pids.device)
            selection = selection.nonzero().flatten() if selection.dtype == torch.bool else selection
        paths = self.paths
        if paths is not None:
            paths = paths[selection] if isinstance(selection, slice) else tuple(paths[i] for i in selection.tolist())
        return replace(self, paths=paths, **{name: tensor[selection] for name, tensor in self._tensors()})

    def to(self, device: torch.device) -> "LabelledEmbeddings":
        """The same on `device`; not copied where it is there already."""
        return replace(self, **{name: tensor.to(device) for name, tensor in self._tensors()})

    def _tensors(self) -> list[tuple[str, Any]]:
        return [(name, value) for name, value in vars(self).items() if isinstance(value, Tensor)]


def labelled(
    embeddings: Embeddings | PreparedGallery,
    pids: Numbers,
    camids: Numbers,
    *,
    images: Numbers | None = None,
    times: Numbers | None = None,
    paths: Sequence[str] | None = None,
    name: str = "gallery",
) -> LabelledEmbeddings:
    """Check embeddings (n, d) and their labels (n,) and put them together, on the embeddings' device.

    Float32 embeddings, also a memory map, are not copied. `name` is what errors call them.

    Raises:
        ValueError: Embeddings are not a finite matrix, or labels not whole numbers, one per embedding.
    """
    gallery = embeddings if isinstance(embeddings, PreparedGallery) else None
    matrix = embeddings.embeddings if isinstance(embeddings, PreparedGallery) else as_matrix(embeddings, name)
    if paths is not None and len(paths) != len(matrix):
        raise ValueError(f"{name} has {counted(len(paths), 'path')}; expected {len(matrix)}, one per embedding")
    return LabelledEmbeddings(
        matrix,
        whole_numbers(pids, f"{name} pids", matrix),
        whole_numbers(camids, f"{name} camids", matrix),
        None if images is None else whole_numbers(images, f"{name} images", matrix),
        None if times is None else _column(times, f"{name} times", matrix).double(),
        None if paths is None else tuple(paths),
        gallery,
    )


def with_labels(dataset: ReidDataset, query: Tensor, gallery: Tensor) -> tuple[LabelledEmbeddings, LabelledEmbeddings]:
    """Embeddings of a dataset's query and gallery, one per image or tracklet in their order, with their labels.

    Raises:
        ValueError: There are more or fewer embeddings than images or tracklets, or they are not finite.
    """
    labels = dataset.people_and_cameras()
    return (
        _of_records(query, one_per_tracklet(dataset.query), labels["query_images"], "query"),
        _of_records(gallery, one_per_tracklet(dataset.gallery), labels["gallery_images"], "gallery"),
    )


def paired(query: LabelledEmbeddings, gallery: LabelledEmbeddings) -> tuple[LabelledEmbeddings, LabelledEmbeddings]:
    """Query and gallery, checked to fit each other and on the query's device.

    Raises:
        ValueError: One is empty, widths differ, only one has image ids, or a query is junk.
    """
    if not len(query):
        raise ValueError("there are no query embeddings; expected at least one")
    check_widths(query.embeddings, gallery.embeddings)
    if (junk := (query.pids == JUNK).nonzero()).numel():
        raise ValueError(
            f"query {int(junk[0])} has pid −1, which is junk and shows no person; leave it out. Where people are not known, "
            "scalereid.search finds the nearest images without labels"
        )
    if (query.images is None) != (gallery.images is None):
        raise ValueError("image ids are given for query or gallery alone; give them for both, or for neither")
    return query, gallery.to(query.pids.device)


def _of_records(
    embeddings: Tensor, records: Sequence[ImageRecord], images: NDArray[np.int64], name: str
) -> LabelledEmbeddings:
    if len(embeddings) != len(records):
        raise ValueError(
            f"found {counted(len(embeddings), f'{name} embedding')}; expected {len(records)}, one per image or tracklet"
        )
    pids, camids = pids_and_camids(records)
    return labelled(embeddings, pids, camids, images=images, paths=[str(r.path) for r in records], name=name)


def _column(values: Numbers, name: str, matrix: Tensor) -> Tensor:
    column = real_numbers(values, name).to(matrix.device)
    if column.shape != (len(matrix),):
        raise ValueError(f"{name} have shape {list(column.shape)}; expected [{len(matrix)}], one per embedding")
    return column


def whole_numbers(values: Numbers, name: str, matrix: Tensor) -> Tensor:
    """Labels (n,) as int64, one per row of a matrix (n, d), on its device.

    Raises:
        ValueError: They are not whole numbers of at most 64 bits, or are floats too large to be exact, or are more or fewer;
            the message begins with `name`.
    """
    column = _column(values, name, matrix)
    if column.dtype == torch.bool:
        raise ValueError(f"{name} are booleans; expected whole numbers")
    numbers = column.long()
    if column.is_floating_point():  # large ones cannot be told from their neighbours
        wrong = (numbers != column) | (column.abs() > 2 / torch.finfo(column.dtype).eps)
    else:  # all integers fit but those of 64 bits without a sign
        wrong = (numbers < 0) & (column.dtype == torch.uint64)
    if len(rows := wrong.nonzero()):
        row = int(rows[0])
        raise ValueError(
            f"{name} have {column[row].item()} in row {row}; expected whole numbers that fit into 64 bits, large ones as "
            "integers"
        )
    return numbers
