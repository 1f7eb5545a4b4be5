"""What is grouped: the tracks of a gallery, and its pictures without one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from scalereid.gallery import schema
from scalereid.gallery.constraints import Spans
from scalereid.gallery.identities import Identities
from scalereid.gallery.ledger import UNKNOWN, Ledger

_SHRINKAGE = 10  # pictures of all cameras that count beside those of a camera in its mean embedding


@dataclass(frozen=True, eq=False)
class Embedded:
    """Sightings with their embeddings by one model, in the order of their numbers."""

    numbers: NDArray[np.int64]
    """(n,) ascending."""
    vectors: NDArray[np.float32]
    """(n, d) of length 1."""
    spans: Spans
    """(n,) where and when each was seen."""
    tracks: NDArray[np.int64]
    """(n,) the same number for pictures of the same track of a camera, or from the same camera without a track; −1 where
    neither is known."""

    @classmethod
    def read(cls, ledger: Ledger, model: int) -> "Embedded":
        """All that a ledger has by a model.

        Raises:
            ValueError: An embedding is damaged.
        """
        columns = schema.sightings.c
        with ledger.engine.begin() as connection:
            rows = connection.execute(select(columns.number, columns.track).where(columns.track != "")).all()
        track_of = {row.number: row.track for row in rows}
        blocks = list(ledger.vectors(model))
        if not blocks:
            if not ledger.count():
                raise ValueError("the gallery is empty: add pictures first")
            raise ValueError(
                "the gallery's pictures were not kept, so its model has embedded none of them; add other ones"
            )
        numbers = np.concatenate([block.sightings for block in blocks])
        order = np.argsort(numbers)
        cameras = [camera for block in blocks for camera in block.cameras]
        spans = Spans.of_sightings(
            [cameras[i] for i in order.tolist()],
            np.concatenate([block.times for block in blocks])[order],
            [track_of.get(number, "") for number in numbers[order].tolist()],
        )
        vectors = np.concatenate([block.matrix for block in blocks])[order]
        return cls(numbers[order], vectors, spans, _tracks(spans))

    def chosen(self, chosen: NDArray[np.bool_]) -> "Embedded":
        """Those where a mask (n,) is true."""
        cameras, tracks, starts, ends, names = self.spans
        spans = Spans(cameras[chosen], tracks[chosen], starts[chosen], ends[chosen], names)
        return Embedded(self.numbers[chosen], self.vectors[chosen], spans, self.tracks[chosen])

    def identities(self, identities: Identities) -> NDArray[np.int64]:
        """(n,) the identity of each; −1 for those that have none."""
        return np.array([identities.of.get(number, -1) for number in self.numbers.tolist()], np.int64)

    def told_apart(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which pairs of rows, given as two arrays (p,), are of two tracks or cameras, as far as that is known."""
        return (self.tracks[one] != self.tracks[other]) | (self.tracks[one] < 0)

    def relative_to_cameras(self) -> "Embedded":
        """The same with each camera's mean embedding taken off.

        What all pictures from a camera share, such as light and angle, makes two people from one camera similar, and one
        person from two cameras less so. The mean of a camera with few pictures is drawn towards that of all.
        """
        vectors = np.empty_like(self.vectors)
        everywhere = self.vectors.mean(axis=0)
        for camera in range(len(self.spans.names)):
            own = self.spans.cameras == camera
            mean = (self.vectors[own].sum(axis=0) + _SHRINKAGE * everywhere) / (own.sum() + _SHRINKAGE)
            vectors[own] = self.vectors[own] - mean
        return Embedded(self.numbers, of_length_1(vectors), self.spans, self.tracks)


@dataclass(frozen=True, eq=False)
class Units:
    """Tracks, and single pictures where no track is known, numbered by their first sightings."""

    of: NDArray[np.int64]
    """(n,) the unit of each sighting."""
    vectors: NDArray[np.float32]
    """(u, d) mean embedding, of length 1."""
    spans: Spans
    """(u,) where and when each was seen, from its first picture to its last."""
    identities: NDArray[np.int64]
    """(u,) −1 for those without one. Pictures of one track with different identities are different units."""

    @classmethod
    def of_sightings(cls, seen: Embedded, identities: Identities) -> "Units":
        """The units of sightings."""
        has_track, identity = seen.spans.tracks >= 0, seen.identities(identities)
        alone = np.where(has_track, -1, np.arange(len(seen.numbers)))
        keys = np.stack([np.where(has_track, seen.tracks, -1), identity, alone])
        _, first, of = np.unique(keys, axis=1, return_index=True, return_inverse=True)
        ranks = np.empty(len(first), np.int64)
        ranks[np.argsort(first)] = np.arange(len(first))
        of, first = ranks[of.ravel()], np.sort(first)
        vectors = np.zeros((len(first), seen.vectors.shape[1]), np.float32)
        np.add.at(vectors, of, seen.vectors)
        known = seen.spans.starts != UNKNOWN
        starts, ends = np.full(len(first), np.iinfo(np.int64).max), np.full(len(first), UNKNOWN)
        np.minimum.at(starts, of[known], seen.spans.starts[known])
        np.maximum.at(ends, of[known], seen.spans.ends[known])
        starts = np.where(ends == UNKNOWN, UNKNOWN, starts)
        spans = Spans(seen.spans.cameras[first], seen.spans.tracks[first], starts, ends, seen.spans.names)
        return cls(of, of_length_1(vectors), spans, identity[first])


def of_length_1(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors (n, d), which are changed, divided by their lengths; zeros stay zeros."""
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return vectors


def _tracks(spans: Spans) -> NDArray[np.int64]:
    found = np.unique(np.stack([spans.cameras, spans.tracks]), axis=1, return_inverse=True)[1].ravel()
    has_camera = np.array([name != "" for name in spans.names], bool)[spans.cameras]
    return np.where(has_camera | (spans.tracks >= 0), found, -1).astype(np.int64)
