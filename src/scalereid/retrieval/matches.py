"""Which gallery images are matches of a query, and which the protocol leaves out: as a matrix, and as lists."""

from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.data.protocols import LEFT_OUT, Protocol, leaves_out, needs_two_cameras
from scalereid.data.records import JUNK
from scalereid.retrieval.labelled import LabelledEmbeddings
from scalereid.wording import counted


def matches_and_left_out(
    query: LabelledEmbeddings, gallery: LabelledEmbeddings, protocol: Protocol
) -> tuple[Tensor, Tensor]:
    """For every pair (q, g) whether the gallery image is a match, and whether it takes no part in the ranking.

    Without image ids, no image is taken to be in both.
    """
    same_person = query.pids[:, None] == gallery.pids
    if query.images is None or gallery.images is None:
        same_image = torch.zeros_like(same_person)
    else:
        same_image = query.images[:, None] == gallery.images
    same_camera = query.camids[:, None] == gallery.camids
    left_out = leaves_out(protocol, same_person=same_person, same_camera=same_camera, same_image=same_image)
    left_out = left_out | (gallery.pids == JUNK)
    return same_person & ~left_out, left_out


def why_no_match(query: LabelledEmbeddings, gallery: LabelledEmbeddings, protocol: Protocol) -> str:
    """Which rule left no match for any query, and what to do, in words."""
    known = int(torch.isin(query.pids, gallery.pids).sum())
    if not known:
        return f"no query has a match: none of the people of the {counted(len(query), 'query', 'queries')} is in the gallery"
    hint = ". It needs images from at least two cameras; for data of one camera choose the protocol all-cameras"
    return (
        f"no query has a match: {known} of {len(query)} queries have their person in the gallery, but the {protocol} protocol "
        f"leaves out {LEFT_OUT[protocol]}, and the gallery has no other image of that person"
        f"{hint if needs_two_cameras(protocol) else ''}"
    )


Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Positions of queries and rows of the gallery, in order of queries, then of the gallery."""


class MatchLists:
    """Matches and left-out images of some queries at a time, as lists of gallery rows, in host memory."""

    def __init__(self, query: LabelledEmbeddings, gallery: LabelledEmbeddings, protocol: Protocol) -> None:
        self.protocol, self.size = protocol, len(gallery)
        self.people, self.cameras = _Column(query.pids, gallery.pids), _Column(query.camids, gallery.camids)
        self.images = None
        if query.images is not None and gallery.images is not None:
            self.images = _Column(query.images, gallery.images)
        self.junk = np.flatnonzero(self.people.gallery == JUNK)
        """Rows that are left out for every query; the lists of `of` do not repeat them."""

    def of(self, queries: slice) -> tuple[Pairs, Pairs]:
        """The matches of each of these queries, and what the protocol leaves out for it.

        Only images with the query's person or image are looked at: no protocol leaves out any other.
        """
        rows, columns = self.people.pairs(queries)
        if self.images:
            one, other = self.images.pairs(queries)
            keys = np.union1d(rows * self.size + columns, one * self.size + other)
            rows, columns = np.divmod(keys, self.size)
        same = [
            np.zeros(len(rows), dtype=bool) if of is None else of.equal(queries.start + rows, columns)
            for of in (self.people, self.cameras, self.images)
        ]
        left_out = leaves_out(self.protocol, same_person=same[0], same_camera=same[1], same_image=same[2])
        match = same[0] & ~left_out
        return (rows[match], columns[match]), (rows[left_out], columns[left_out])


class _Column:
    """One label of queries and gallery; the gallery rows with a query's value are ordered when they are first needed."""

    def __init__(self, query: Tensor, gallery: Tensor) -> None:
        self.query, self.gallery = query.cpu().numpy(), gallery.cpu().numpy()

    @cached_property
    def ordered(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Gallery rows, one value after another, each in gallery order; where those of each query begin, and their number."""
        order = np.flatnonzero(np.isin(self.gallery, self.query))
        order = order[self.gallery[order].argsort(kind="stable")]
        values = self.gallery[order]
        first = values.searchsorted(self.query)
        return order, first, values.searchsorted(self.query, side="right") - first

    def pairs(self, queries: slice) -> Pairs:
        """The gallery rows with the value of each of these queries."""
        order, first, number = self.ordered
        first, number = first[queries], number[queries]
        rows = np.repeat(np.arange(len(number)), number)
        return rows, order[first[rows] + np.arange(len(rows)) - (number.cumsum() - number)[rows]]

    def equal(self, queries: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these gallery rows have the value of the query beside them."""
        return self.gallery[rows] == self.query[queries]
