"""Queries and gallery, checked."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.data.protocols import Protocol
from scalereid.data.records import JUNK
from scalereid.retrieval.distances import Embeddings, as_matrix

Numbers = Sequence[int] | NDArray[np.integer] | Tensor


class Sides(NamedTuple):
    """Queries and gallery as checked tensors on one device."""

    query: Tensor
    gallery: Tensor
    query_pids: Tensor
    gallery_pids: Tensor
    query_camids: Tensor
    gallery_camids: Tensor
    query_images: Tensor
    gallery_images: Tensor

    def matches_and_ignored(self, queries: slice, protocol: Protocol) -> tuple[Tensor, Tensor]:
        """Which gallery images (b, gallery) are right for these queries, and which the protocol leaves out."""
        same_person = self.query_pids[queries, None] == self.gallery_pids
        if protocol == "all-cameras":
            ignored = self.query_images[queries, None] == self.gallery_images
        else:
            ignored = same_person & (self.query_camids[queries, None] == self.gallery_camids)
        ignored |= self.gallery_pids == JUNK
        return same_person & ~ignored, ignored


def sides(
    query: Embeddings,
    gallery: Embeddings,
    query_pids: Numbers,
    gallery_pids: Numbers,
    query_camids: Numbers,
    gallery_camids: Numbers,
    query_images: Numbers | None,
    gallery_images: Numbers | None,
) -> Sides:
    """Check what `rank` and `score` are given. Without images' numbers, no image is on both sides.

    Raises:
        ValueError: an empty side, lengths or widths that differ, values that are not finite, junk among the queries, images
            of one side numbered and of the other not.
    """
    q, g = as_matrix(query, "query"), as_matrix(gallery, "gallery")
    if not len(q) or not len(g):
        raise ValueError(f"there are {len(q)} query and {len(g)} gallery embeddings; both are needed")
    if q.shape[1] != g.shape[1]:
        raise ValueError(f"query embeddings have {q.shape[1]} numbers and gallery embeddings {g.shape[1]}")
    if (query_images is None) != (gallery_images is None):
        raise ValueError("query_images and gallery_images go together: number the images of both sides, or of neither")
    numbers = []
    for name, values, rows in (
        ("query_pids", query_pids, len(q)),
        ("gallery_pids", gallery_pids, len(g)),
        ("query_camids", query_camids, len(q)),
        ("gallery_camids", gallery_camids, len(g)),
        ("query_images", np.arange(len(q)) if query_images is None else query_images, len(q)),
        ("gallery_images", -1 - np.arange(len(g)) if gallery_images is None else gallery_images, len(g)),
    ):
        tensor = torch.as_tensor(values, device=q.device).long()
        if tensor.shape != (rows,):
            raise ValueError(f"{name} has shape {list(tensor.shape)}, but there are {rows} embeddings")
        numbers.append(tensor)
    if (numbers[0] == JUNK).any():
        row = int((numbers[0] == JUNK).nonzero()[0])
        raise ValueError(f"query {row} has pid −1, which is junk: nobody to look for; leave it out")
    return Sides(q, g.to(q.device), *numbers)


def as_numbers(values: Numbers) -> NDArray[np.int64]:
    """Pids or camids as an array, wherever they lie."""
    numbers: NDArray[np.int64] = torch.as_tensor(values).long().cpu().numpy()
    return numbers
