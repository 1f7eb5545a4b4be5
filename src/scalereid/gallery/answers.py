"""Answers to the question who is on a picture: probabilities, and an honest "unknown"."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from scalereid.gallery.identities import Identities
from scalereid.gallery.indexes import Hits
from scalereid.gallery.sightings import Sighting

if TYPE_CHECKING:
    from scalereid.retrieval.calibration import Calibration

Verdict = Literal["likely", "possible", "unknown"]


@dataclass(frozen=True)
class Thresholds:
    """Probabilities from which on an answer is likely, or possible."""

    likely: float = 0.9
    possible: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.possible <= self.likely < 1:
            raise ValueError(
                f"possible is {self.possible} and likely is {self.likely}; expected 0 < possible ≤ likely < 1"
            )

    def verdict(self, probability: float | None) -> Verdict:
        """What a probability amounts to; without one, nothing is known."""
        if probability is None or probability < self.possible:
            return "unknown"
        return "likely" if probability >= self.likely else "possible"


@dataclass(frozen=True)
class Match:
    """A sighting that was found."""

    sighting: Sighting
    similarity: float
    """Cosine between the embeddings."""
    probability: float | None
    """That it shows the same person; None without a calibration."""
    identity: int | None
    """Whom it shows, as far as is known."""
    name: str


@dataclass(frozen=True)
class Candidate:
    """An identity that the queries may show."""

    identity: int
    name: str
    similarity: float
    """Of its most similar sighting, the mean over the queries that found one."""
    probability: float | None
    """That it is the person: the mean over the queries, 0 for one that did not find it. None without a calibration."""
    verdict: Verdict
    sightings: tuple[int, ...]
    """Numbers of those that were found, most similar first."""


@dataclass(frozen=True)
class Answer:
    """What is known about the person on one picture, or on several of one track."""

    matches: tuple[Match, ...]
    """Sightings, most similar first; of several pictures, the most similar one's."""
    candidates: tuple[Candidate, ...]
    """Identities among the matches, most probable first."""

    @property
    def verdict(self) -> Verdict:
        """That of the best candidate."""
        return self.candidates[0].verdict if self.candidates else "unknown"


def answer(
    hits: Hits,
    sightings: dict[int, Sighting],
    identities: Identities,
    calibration: "Calibration | None",
    thresholds: Thresholds,
) -> Answer:
    """The answer to queries that show one person: a vote of all of them over the identities that they found."""
    probabilities = calibration.probability(1 - hits.similarities) if calibration else None
    best: dict[int, tuple[float, float | None]] = {}  # of each sighting
    votes: dict[int, list[tuple[float, float | None]]] = defaultdict(list)  # of each identity, one of each query
    for row, numbers in enumerate(hits.sightings.tolist()):
        voted = set[int]()
        for column, number in enumerate(numbers):
            if number not in sightings:  # forgotten since, or none
                continue
            similarity = float(hits.similarities[row, column])
            probability = float(probabilities[row, column]) if probabilities is not None else None
            if number not in best or similarity > best[number][0]:
                best[number] = similarity, probability
            identity = identities.of.get(number)
            if identity is not None and identity not in voted:  # its nearest comes first
                voted.add(identity)
                votes[identity].append((similarity, probability))
    order = sorted(best, key=lambda number: (-best[number][0], number))
    matches = tuple(
        Match(sightings[number], *best[number], of := identities.of.get(number), _name(identities, of))
        for number in order
    )
    queries = len(hits.sightings)
    candidates = [
        _candidate(
            identity, own, queries, identities, thresholds, [n for n in order if identities.of.get(n) == identity]
        )
        for identity, own in votes.items()
    ]
    candidates.sort(key=lambda each: (-(each.probability or 0), -each.similarity, each.identity))
    return Answer(matches, tuple(candidates))


def _candidate(
    identity: int,
    votes: Sequence[tuple[float, float | None]],
    queries: int,
    identities: Identities,
    thresholds: Thresholds,
    sightings: Sequence[int],
) -> Candidate:
    similarity = float(np.mean([similarity for similarity, _ in votes]))
    known = [probability for _, probability in votes if probability is not None]
    probability = sum(known) / queries if known else None
    verdict = thresholds.verdict(probability)
    return Candidate(identity, _name(identities, identity), similarity, probability, verdict, tuple(sightings))


def _name(identities: Identities, identity: int | None) -> str:
    return "" if identity is None else identities.by_number[identity].name
