"""What a model's distances mean among a gallery's own people: calibration on those whom its users have confirmed."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalereid.gallery.identities import Identities
from scalereid.gallery.ledger import GalleryModel, Ledger
from scalereid.gallery.units import Embedded
from scalereid.inference.metadata import ModelMetadata
from scalereid.retrieval.calibration import Calibration, calibrate
from scalereid.retrieval.pairs import sampled_pair_distances
from scalereid.wording import counted

LEAST_PEOPLE = 20
"""People confirmed in two tracks or more: with fewer, a threshold for a false-match rate of 1 % is wrong by more than half
(docs/how-to/thresholds.md)."""
_MOST_OF_ONE = 50  # sightings of a person that are compared, so that no frequent visitor decides alone
_MOST_DIFFERENT = 200_000  # pairs of two people that are compared
_ESTIMATED = 200_000  # pairs of all sightings, drawn at random, whose distances tell the share of those of one person
_AT_ONCE = 65_536  # pairs whose distances are computed together


class _Pairs(NamedTuple):
    one: NDArray[np.int64]
    other: NDArray[np.int64]


def calibrate_on_confirmed(ledger: Ledger, model: GalleryModel, identities: Identities) -> Calibration:
    """A calibration of a model's distances on the sightings of a gallery that have an identity.

    Raises:
        ValueError: Too few people are confirmed, or there are no pairs of two; the message says how many it takes.
    """
    return calibrate_embedded(Embedded.read(ledger, model.number), model, identities)


def calibrate_embedded(seen: Embedded, model: GalleryModel, identities: Identities) -> Calibration:
    """The same of sightings that have been read, all that the gallery has by the model.

    Pairs of one identity are of one person, but for those of one track, and of one camera where no track is known: pictures
    taken one after another are too similar to tell anything. Pairs of two identities are of two people, and so are those that
    were rejected. At most 50 sightings of an identity count, and 200,000 pairs of two people, drawn at random, always the
    same.

    The share of pairs of one person is far larger among confirmed pairs, which are of few people, than in the gallery. So
    `Calibration.prior` is estimated from the distances of pairs of all sightings (`Calibration.estimate_prior`), and is at
    least the share that is confirmed.

    Raises:
        ValueError: As `calibrate_on_confirmed` says.
    """
    identity = seen.identities(identities)
    drawn = _draw(identity)
    of_each = [_same(seen, rows) for rows in drawn]
    people, number = sum(len(pairs.one) > 0 for pairs in of_each), sum(len(pairs.one) for pairs in of_each)
    if people < LEAST_PEOPLE:
        raise ValueError(
            f"{counted(people, 'person', 'people')} with {counted(number, 'pair')} of sightings from different tracks or "
            f"cameras confirmed in the gallery; expected at least {LEAST_PEOPLE} people. Enrol or confirm more"
        )
    parts = [*of_each, _different(identity, np.concatenate(drawn)), _rejected(seen, identity, identities)]
    distances = np.concatenate([_distances(seen, pairs) for pairs in parts])
    pairs = sampled_pair_distances(distances, np.arange(len(distances)) < number, np.ones(len(distances))).seen
    found = calibrate(
        pairs,
        distance="cosine",
        model=ModelMetadata.from_json(model.metadata).model,
        fingerprint=model.fingerprint,
        dataset=f"{people} people confirmed in the gallery",
        method="logistic",
    )
    return replace(found, prior=_prior(found, seen, identity))


_NONE = (np.empty(0, np.int64), np.empty(0, np.int64))


def _draw(identity: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The rows of each identity, at most `_MOST_OF_ONE` of them."""
    random = np.random.default_rng(0)
    found = []
    for number in np.unique(identity[identity >= 0]):
        rows = np.flatnonzero(identity == number)
        found.append(rows if len(rows) <= _MOST_OF_ONE else np.sort(random.choice(rows, _MOST_OF_ONE, replace=False)))
    return found


def _same(seen: Embedded, rows: NDArray[np.int64]) -> _Pairs:
    """The pairs of rows of one identity that are of two tracks or cameras, as far as that is known."""
    one, other = (rows[side] for side in np.triu_indices(len(rows), 1))
    told_apart = seen.told_apart(one, other)
    return _Pairs(one[told_apart], other[told_apart])


def _different(identity: NDArray[np.int64], rows: NDArray[np.int64]) -> _Pairs:
    """Pairs of rows of two identities: all, or as many as are compared."""
    if len(rows) ** 2 <= 2 * _MOST_DIFFERENT:
        one, other = (rows[side] for side in np.triu_indices(len(rows), 1))
    else:
        one, other = np.sort(np.random.default_rng(0).choice(rows, (2, _MOST_DIFFERENT)), axis=0)
        one, other = np.unique(np.stack([one, other]), axis=1)
    apart = identity[one] != identity[other]
    return _Pairs(one[apart], other[apart])


def _rejected(seen: Embedded, identity: NDArray[np.int64], identities: Identities) -> _Pairs:
    """Pairs of a sighting without an identity, and one of an identity that it was said not to show."""
    position = {number: row for row, number in enumerate(seen.numbers.tolist())}
    found = [
        (position[number], row)
        for number, against in sorted(identities.rejected.items())
        if number in position and identity[position[number]] < 0
        for other in sorted(against)
        for row in np.flatnonzero(identity == other)[:_MOST_OF_ONE].tolist()
    ]
    return _Pairs(*np.array(found, np.int64).T) if found else _Pairs(*_NONE)


def _prior(found: Calibration, seen: Embedded, identity: NDArray[np.int64]) -> float:
    """The share of pairs of one person among all pairs of the gallery but those of one track."""
    one, other = np.random.default_rng(0).integers(0, len(seen.numbers), (2, _ESTIMATED))
    told_apart = (one != other) & seen.told_apart(one, other)
    pairs = _Pairs(one[told_apart], other[told_apart])
    counts = np.unique(identity[identity >= 0], return_counts=True)[1]
    confirmed = float((counts * (counts - 1)).sum() / (len(seen.numbers) * (len(seen.numbers) - 1)))
    return max(confirmed, found.estimate_prior(_distances(seen, pairs)))


def _distances(seen: Embedded, pairs: _Pairs) -> NDArray[np.float64]:
    """The cosine distance of each pair."""
    parts = [
        1.0 - np.einsum("nd,nd->n", seen.vectors[pairs.one[part]], seen.vectors[pairs.other[part]])
        for part in _parts(len(pairs.one))
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def _parts(number: int) -> Iterator[slice]:
    for start in range(0, number, _AT_ONCE):
        yield slice(start, start + _AT_ONCE)
