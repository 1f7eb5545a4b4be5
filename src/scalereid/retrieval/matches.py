"""Which gallery images are matches of a query, and which the protocol leaves out: as a matrix, and as lists."""

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


class MatchLists:
    """Matches and left-out images of one query at a time, as lists of gallery rows, in host memory."""

    def __init__(self, query: LabelledEmbeddings, gallery: LabelledEmbeddings, protocol: Protocol) -> None:
        self.protocol = protocol
        self.people, self.cameras = _Column(query.pids, gallery.pids), _Column(query.camids, gallery.camids)
        self.images = None
        if query.images is not None and gallery.images is not None:
            self.images = _Column(query.images, gallery.images)
        self.junk = (gallery.pids == JUNK).nonzero().flatten().numpy()
        """Rows that are left out for every query; the lists of `of` do not repeat them."""

    def of(self, query: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The matches of a query, in gallery order, and what the protocol leaves out for it.

        Only images with the query's person or image are looked at: no protocol leaves out any other.
        """
        rows = self.people.rows(query)
        same_person, same_image = np.ones(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
        if self.images and len(copies := self.images.rows(query)):
            rows = np.union1d(rows, copies)
            same_person, same_image = self.people.equal(query, rows), self.images.equal(query, rows)
        same_camera = self.cameras.equal(query, rows)
        left_out = leaves_out(self.protocol, same_person=same_person, same_camera=same_camera, same_image=same_image)
        return rows[same_person & ~left_out], rows[left_out]


class _Column:
    """One label of queries and gallery, ordered so that the gallery rows with a query's value are found at once."""

    def __init__(self, query: Tensor, gallery: Tensor) -> None:
        self.query, self.gallery = query.numpy(), gallery.numpy()
        self.order = self.gallery.argsort(kind="stable")  # one value after another, each in gallery order
        ordered = self.gallery[self.order]
        self.first, self.last = ordered.searchsorted(self.query), ordered.searchsorted(self.query, side="right")

    def rows(self, query: int) -> NDArray[np.int64]:
        """The gallery rows with the query's value, in gallery order."""
        return self.order[self.first[query] : self.last[query]]

    def equal(self, query: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these gallery rows have the query's value."""
        return self.gallery[rows] == self.query[query]
