"""Re-ranking with k-reciprocal encoding, stored sparsely (Zhong et al., CVPR 2017)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from scalereid.arguments import check_choice, check_number, check_whole
from scalereid.retrieval import Distance
from scalereid.retrieval.distances import BLOCK, Embeddings, as_matrix, check_widths, squared_lengths
from scalereid.retrieval.labelled import LabelledEmbeddings
from scalereid.retrieval.neighbours import nearest_neighbours, squared_distances

_CHUNK = 512  # images whose sets are made together
_PAIRS = 1_024  # pairs of images whose embeddings are multiplied together: 4 MB
_ROWS = 128  # queries whose distances are made together
_ENTRIES = 4_000_000  # pairs of weights compared together
Compatibility = Literal["paper", "torchreid"]


@dataclass(frozen=True)
class Reranking:
    """The settings of k-reciprocal re-ranking."""

    k1: int = 20
    """Nearest neighbours that may be reciprocal."""
    k2: int = 6
    """Nearest neighbours whose encodings are averaged (local query expansion); 1 for none."""
    lambda_value: float = 0.3
    """Weight of the original distance beside the Jaccard distance."""
    compat: Compatibility = "paper"
    """`torchreid` squares squared distances once more, as torchreid does by mistake."""

    def check(self) -> None:
        """Raise a ValueError that names a value out of range."""
        check_whole("k1", self.k1, 1)
        check_whole("k2", self.k2, 1)
        check_choice("compat", self.compat, Compatibility)
        check_number("lambda_value", self.lambda_value, 0, 1)


class Sparse(NamedTuple):
    """A sparse (n, m) matrix, row after row."""

    start: Tensor
    """(n + 1,) where each row begins."""
    column: Tensor
    value: Tensor

    @classmethod
    def joined(cls, parts: Iterable[tuple[Tensor, Tensor, Tensor]]) -> "Sparse":
        """From parts of some rows each: the number of entries of each row, their columns and their values."""
        number, column, value = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
        return cls(functional.pad(number.cumsum(0), (1, 0)), column, value)

    def entries(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Which entries are those of `rows`, one row after another, and for each the position of its row in `rows`."""
        first, number = self.start[rows], self.start[rows + 1] - self.start[rows]
        position = torch.repeat_interleave(torch.arange(len(rows), device=rows.device), number)
        within = torch.arange(len(position), device=rows.device) - (number.cumsum(0) - number)[position]
        return first[position] + within, position


def rerank(
    query: Embeddings,
    gallery: Embeddings,
    *,
    k1: int = 20,
    k2: int = 6,
    lambda_value: float = 0.3,
    distance: Distance = "euclidean",
    compat: Compatibility = "paper",
) -> Tensor:
    """Re-ranked distances (q, g), float32, between embeddings (q, d) and (g, d).

    As published: Euclidean distances, squared once; with `cosine` those of embeddings of length 1. For galleries whose
    (q, g) matrix would not fit, `score(..., rerank=Reranking())` makes it row by row.

    Raises:
        ValueError: No queries or an empty gallery, widths that differ, values that are not finite, settings out of range.
    """
    settings = Reranking(k1, k2, lambda_value, compat)
    q, g = as_matrix(query, "query"), as_matrix(gallery, "gallery")
    distances = q.new_empty(len(q), len(g))
    for rows, block in reranked_blocks(q, g, distance, settings):
        distances[rows] = block
    return distances


def cannot_help(gallery: LabelledEmbeddings) -> bool:
    """Whether no person has two gallery images: k-reciprocal neighbours then carry no signal."""
    return len(torch.unique(gallery.pids)) == len(gallery)


def reranked_blocks(
    query: Tensor, gallery: Tensor, distance: Distance, settings: Reranking, block: int = BLOCK
) -> Iterator[tuple[slice, Tensor]]:
    """The rows of the (queries, gallery) matrix of re-ranked distances, some at a time.

    Beyond the embeddings, of which a joint copy is made, this takes some 100 numbers per image.

    Raises:
        ValueError: see `rerank`.
    """
    settings.check()
    check_choice("distance", distance, Distance)
    check_whole("block", block, 1)
    if not len(query):
        raise ValueError("there are no query embeddings; expected at least one")
    check_widths(query, gallery)
    for name, side in (("query", query), ("gallery", gallery)):
        squared_lengths(side, name)  # says which one does not fit into float32
    everything = torch.cat([query, gallery.to(query.device)])
    if distance == "cosine":
        everything = functional.normalize(everything)
    squares = everything.square().sum(dim=1)
    neighbours, farthest = nearest_neighbours(everything, min(max(settings.k1 + 1, settings.k2), len(everything)))
    encoding = _encode(everything, squares, neighbours[:, : settings.k1 + 1], farthest, settings)
    if settings.k2 > 1:
        encoding = _average(encoding, neighbours[:, : settings.k2])
    queries, images = len(query), everything[len(query) :]
    inverted = _transposed(encoding, queries, len(images))
    for start in range(0, queries, size := max(1, min(_ROWS, block // len(images)))):
        rows = torch.arange(start, min(start + size, queries), device=query.device)
        common = _common(encoding, inverted, rows, len(images))
        original = squared_distances(everything[rows], images, squares[rows], squares[queries:])
        original = _normalised(original, farthest[rows, None], settings)
        jaccard, weight = common.div_(2 - common).neg_().add_(1), settings.lambda_value
        yield slice(start, start + len(rows)), jaccard.mul_(1 - weight).add_(original, alpha=weight)


def _normalised(squared: Tensor, farthest: Tensor, settings: Reranking) -> Tensor:
    """Squared distances, which are overwritten, as shares of each row's largest."""
    shares = squared.div_(farthest.clamp(min=torch.finfo(farthest.dtype).tiny))
    return shares.square_() if settings.compat == "torchreid" else shares


def _encode(everything: Tensor, squares: Tensor, neighbours: Tensor, farthest: Tensor, settings: Reranking) -> Sparse:
    """Of each image the weights of its expanded k-reciprocal neighbours: exp(−distance), adding up to 1."""
    half = neighbours[:, : round(settings.k1 / 2) + 1]
    parts = []
    for rows in torch.split(torch.arange(len(everything), device=everything.device), _CHUNK):
        members = _expanded(neighbours, half, rows)
        position, within = (members >= 0).nonzero(as_tuple=True)
        own, other = rows[position], members[position, within]
        pairs = zip(torch.split(own, _PAIRS), torch.split(other, _PAIRS), strict=True)
        products = torch.cat([torch.linalg.vecdot(everything[a], everything[b]) for a, b in pairs])
        squared = (squares[own] + squares[other] - 2 * products).clamp_(min=0)
        weights = torch.exp(-_normalised(squared, farthest[own], settings))
        weights /= weights.new_zeros(len(rows)).index_add_(0, position, weights)[position]
        parts.append((torch.bincount(position, minlength=len(rows)), other.int(), weights))
    return Sparse.joined(parts)


def _expanded(neighbours: Tensor, half: Tensor, rows: Tensor) -> Tensor:
    """The expanded sets R* of some images as rows (b, m), each member once, −1 in all other places.

    To an image's k1-reciprocal neighbours are added the k1/2-reciprocal neighbours of each of them, where more than two thirds
    of these are among the former.
    """
    reciprocal = _reciprocal(neighbours, rows)
    of_each = _reciprocal(half, reciprocal.clamp(min=0).flatten()).view(*reciprocal.shape, -1)
    of_each[reciprocal < 0] = -1
    wanted = reciprocal.masked_fill(reciprocal < 0, -2)  # so that what is missing on both sides is not shared
    shared = (of_each[..., None] == wanted[:, None, None, :]).any(dim=3)
    added = shared.sum(dim=2) > 2 / 3 * (of_each >= 0).sum(dim=2)
    of_each[~added] = -1
    members = torch.cat([reciprocal, of_each.flatten(1)], dim=1).sort(dim=1, descending=True).values
    members[:, 1:][members[:, 1:] == members[:, :-1]] = -1
    return members


def _reciprocal(neighbours: Tensor, rows: Tensor) -> Tensor:
    """Of each row's neighbours (b, k) those of which it is a neighbour too, −1 in place of the others."""
    forward = neighbours[rows]
    return forward.where((neighbours[forward] == rows[:, None, None]).any(dim=2), -1)


def _average(encoding: Sparse, neighbours: Tensor) -> Sparse:
    """Each image's encoding as the mean of its nearest neighbours'."""
    images, k2 = neighbours.shape
    parts = []
    for rows in torch.split(torch.arange(images, device=neighbours.device), _CHUNK):
        entries, position = encoding.entries(neighbours[rows].flatten())
        keys = (position // k2) * images + encoding.column[entries]
        keys, inverse = torch.unique(keys, return_inverse=True)
        sums = encoding.value.new_zeros(len(keys)).index_add_(0, inverse, encoding.value[entries])
        parts.append((torch.bincount(keys // images, minlength=len(rows)), (keys % images).int(), sums / k2))
    return Sparse.joined(parts)


def _transposed(encoding: Sparse, queries: int, images: int) -> Sparse:
    """For each image of all, which gallery images' encodings hold it."""
    first = int(encoding.start[queries])
    number = encoding.start[queries + 1 :] - encoding.start[queries:-1]
    image = torch.repeat_interleave(torch.arange(images, device=number.device, dtype=torch.int32), number)
    columns, order = encoding.column[first:].sort(stable=True)
    counts = torch.bincount(columns, minlength=queries + images)
    return Sparse.joined([(counts, image[order], encoding.value[first:][order])])


def _common(encoding: Sparse, inverted: Sparse, rows: Tensor, images: int) -> Tensor:
    """For some queries and every gallery image (b, g) the sum over all images of the smaller of the two weights."""
    all_own, all_query = encoding.entries(rows)
    common = encoding.value.new_zeros(len(rows), images)
    held_by = inverted.start[encoding.column[all_own] + 1] - inverted.start[encoding.column[all_own]]
    part = held_by.cumsum(0) // _ENTRIES  # an image near to all others makes long lists: some at a time
    for own, query in zip(*(torch.split(x, torch.bincount(part).tolist()) for x in (all_own, all_query)), strict=True):
        entries, position = inverted.entries(encoding.column[own].long())
        smaller = torch.minimum(encoding.value[own][position], inverted.value[entries])
        common.view(-1).index_add_(0, query[position] * images + inverted.column[entries], smaller)
    return common
