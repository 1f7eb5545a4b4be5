"""Sightings of unknown people to identities, as proposals: nothing is recorded before somebody confirms it."""

from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalereid.gallery.answers import Thresholds
from scalereid.gallery.calibrating import calibrate_embedded
from scalereid.gallery.constraints import Constraints
from scalereid.gallery.filters import Filter
from scalereid.gallery.identities import Identities
from scalereid.gallery.ledger import GalleryModel, Ledger
from scalereid.gallery.units import Embedded, Units
from scalereid.packages import require
from scalereid.retrieval.calibration import Calibration
from scalereid.retrieval.clustering import Clusters, cluster
from scalereid.retrieval.linkage import Forbidden, Rows


@dataclass(frozen=True)
class Proposal:
    """Sightings that may show one person."""

    sightings: tuple[int, ...]
    """Those without an identity, ascending."""
    identity: int | None
    """Whom they may show; None for a person who has no identity yet."""
    name: str
    """Of the identity, if it has one."""
    tracks: int
    """Number of tracks that the sightings are of; a picture without a track counts as one."""
    similarity: float
    """Mean cosine between the two parts that were joined last, which are the least similar; 1 where nothing was joined."""
    probability: float | None
    """That these two parts show one person; None without a calibration."""


@dataclass(frozen=True)
class Grouping:
    """The proposals for a gallery, and what they are based on."""

    proposals: tuple[Proposal, ...]
    """Of two sightings or more, or of an identity: those with most sightings first, then the most probable."""
    alone: tuple[int, ...]
    """Sightings that are like no other."""
    similarity: float
    """Parts with at least this mean similarity were joined."""
    calibration: Calibration | None
    """What gave the probabilities."""
    relative_to_cameras: bool
    """Whether similarities are those of embeddings less their camera's mean, as they are where enough people are confirmed."""


def group(
    ledger: Ledger,
    model: GalleryModel,
    identities: Identities,
    calibration: Calibration | None,
    *,
    probability: float = Thresholds().likely,
    similarity: float | None = None,
    constraints: Constraints | None = None,
    where: Filter | None = None,
) -> Grouping:
    """Propose who the sightings without an identity may show: more of a known person, or a new one.

    Tracks, and pictures without a track, are joined by average linkage as long as the mean similarity of two parts is at least
    that which a calibration gives the probability asked for. Never joined are two identities, a sighting and an identity that
    it was said not to show, and what the constraints forbid.

    Where 20 people or more are confirmed, they calibrate the comparison, and the mean embedding of each camera is taken off
    all others of it, which finds more of a person from other cameras. Otherwise `calibration` is used, with the embeddings as
    they are.

    Args:
        ledger, model: Where the embeddings are.
        identities: Who is known.
        calibration: What distances of the model mean, for as long as few people are confirmed.
        probability: The least at which two parts are joined.
        similarity: The least cosine at which two parts are joined, in place of any calibration.
        constraints: What cannot be one person. Defaults to `Constraints()`.
        where: Conditions on the sightings that are grouped; those with an identity take part in any case.

    Raises:
        ModuleNotFoundError: SciPy or scikit-learn is not installed; the message says how to install it.
        ValueError: There is no calibration, or it is never as certain as `probability`.
    """
    require("scipy", "sklearn", extra="calibration", purpose="grouping")
    everything = Embedded.read(ledger, model.number)
    if similarity is not None:
        if not -1 < similarity <= 1:
            raise ValueError(f"similarity is {similarity}; expected a cosine, above −1 and at most 1")
        basis = _Basis(everything, None, 1 - similarity)
    else:
        basis = _basis(everything, model, identities, calibration, probability)
    taken = np.isin(everything.numbers, ledger.select(where)) | (everything.identities(identities) >= 0)
    seen = basis.seen.chosen(taken)
    units = Units.of_sightings(seen, identities)
    forbidden = _forbidden(seen, units, identities, constraints or Constraints())
    found = cluster(units.vectors, basis.cut, forbidden=forbidden, together=units.identities)
    proposals = _proposals(seen, units, found, identities, basis.calibration)
    worth_showing = [proposal.identity is not None or len(proposal.sightings) > 1 for proposal in proposals]
    return Grouping(
        tuple(compress(proposals, worth_showing)),
        tuple(sorted(each.sightings[0] for each, shown in zip(proposals, worth_showing, strict=True) if not shown)),
        1 - basis.cut,
        basis.calibration,
        basis.seen is not everything,
    )


class _Basis(NamedTuple):
    """What sightings are compared by."""

    seen: Embedded
    calibration: Calibration | None
    cut: float


def _basis(
    seen: Embedded, model: GalleryModel, identities: Identities, calibration: Calibration | None, probability: float
) -> _Basis:
    """The calibration on those who are confirmed where they are enough for this probability, else the one given."""
    try:
        relative = seen.relative_to_cameras()
        own = calibrate_embedded(relative, model, identities)
        return _Basis(relative, own, own.distance_at(probability))
    except ValueError as error:
        if calibration is None:
            raise ValueError(
                f"the gallery's model has no calibration, and there is none on its own people: {error}. Calibrate the "
                "model on a dataset, or name the least similarity of one person"
            ) from error
    calibration.check(model.fingerprint, "cosine")
    return _Basis(seen, calibration, calibration.distance_at(probability))


def _forbidden(seen: Embedded, units: Units, identities: Identities, constraints: Constraints) -> Forbidden:
    """Which pairs of units cannot be in one proposal."""
    unit_of = dict(zip(seen.numbers.tolist(), units.of.tolist(), strict=True))
    size = int(units.identities.max(initial=0)) + 1
    rejected = np.array(
        sorted(
            {
                unit_of[number] * size + identity
                for number, against in identities.rejected.items()
                if number in unit_of
                for identity in against
                if identity < size
            }
        ),
        np.int64,
    )

    def forbidden(one: Rows, other: Rows) -> NDArray[np.bool_]:
        a, b = units.identities[one], units.identities[other]
        found = constraints.forbid(units.spans, one, other) | ((a >= 0) & (b >= 0) & (a != b))
        if len(rejected):
            found |= np.isin(one * size + b, rejected) & (b >= 0)
            found |= np.isin(other * size + a, rejected) & (a >= 0)
        return found

    return forbidden


def _proposals(
    seen: Embedded, units: Units, found: Clusters, identities: Identities, calibration: Calibration | None
) -> list[Proposal]:
    """A proposal for each group with sightings that have no identity, in order."""
    probabilities = calibration.probability(found.heights) if calibration else None
    unknown = np.flatnonzero(units.identities[units.of] < 0)
    group = found.labels[units.of]
    known = {int(found.labels[unit]): int(units.identities[unit]) for unit in np.flatnonzero(units.identities >= 0)}
    order = unknown[np.argsort(group[unknown], kind="stable")]
    proposals = []
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(order) else []:
        number = int(group[rows[0]])
        identity = known.get(number)
        proposals.append(
            Proposal(
                sightings=tuple(seen.numbers[rows].tolist()),
                identity=identity,
                name="" if identity is None else identities.by_number[identity].name,
                tracks=len(np.unique(units.of[rows])),
                similarity=1 - float(found.heights[number]),
                probability=None if probabilities is None else float(probabilities[number]),
            )
        )
    return sorted(proposals, key=lambda each: (-len(each.sightings), -each.similarity, each.sightings))
