"""Thresholds of a model at one place: what they give at another one, and how many people it takes to choose one's own.

    python benchmarks/thresholds.py MODEL FOLDER PLACE [PLACE]

MODEL is a run, weights, or a .xml file of the Open Model Zoo. PLACE is a dataset in FOLDER none of whose people the model has
seen, such as cuhk03-pair1. Prints tables for docs/how-to/thresholds.md: for false-match rates of 1 in 100, 1,000 and 10,000
the threshold of the cosine distance, the true-match rate, and both rates of the same threshold at the other place; then, for
thresholds chosen with only some of the place's people, the false-match rate among its other people as a multiple of the one
wanted, mean and standard deviation over 20 draws.
"""

import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from scalereid.experiments.evaluation import evaluate
from scalereid.inference.opening import RuntimeOptions
from scalereid.progress import Progress
from scalereid.retrieval.labelled import LabelledEmbeddings
from scalereid.retrieval.pairs import PairDistances, pair_distances

RATES = (1e-2, 1e-3, 1e-4)
PEOPLE = (10, 20, 50, 100, 200)
DRAWS = 20


class Place(NamedTuple):
    name: str
    query: LabelledEmbeddings
    gallery: LabelledEmbeddings

    def pairs(self, pids: torch.Tensor) -> PairDistances:
        """The distances between images of some of its people."""
        query, gallery = (rows.rows(torch.isin(rows.pids, pids)) for rows in (self.query, self.gallery))
        return pair_distances(query, gallery)


def embed(model: str, folder: str, place: str) -> Place:
    runtime = RuntimeOptions(runtime="auto", pixels="open-model-zoo" if model.endswith(".xml") else None)
    scored = evaluate(model, data=folder, dataset=place, runtime=runtime, progress=Progress.silent())
    return Place(place, scored.query, scored.gallery)


def rates_below(pairs: PairDistances, threshold: float) -> tuple[float, float]:
    """The false-match rate and the true-match rate; thresholds are edges of the histograms, equal for all cosine distances."""
    edge = int(np.searchsorted(pairs.edges, threshold))
    false, true = pairs.rates()
    return float(false[edge]), float(true[edge])


def elsewhere(place: Place, others: list[Place]) -> Iterator[str]:
    """A row for each rate."""
    own = place.pairs(place.query.pids)
    for rate in RATES:
        point = own.threshold(rate)
        cells = [place.name, f"{rate:g}", f"{point.threshold:.3f}", f"{point.true_match_rate:.1%}"]
        for other in others:
            false, true = rates_below(other.pairs(other.query.pids), point.threshold)
            cells += [f"{false:.2g} (×{false / rate:.2g})", f"{true:.1%}"]
        yield f"| {' | '.join(cells)} |"


def with_fewer_people(place: Place) -> Iterator[str]:
    """A row for each number of people."""
    people, generator = torch.unique(place.query.pids), torch.Generator().manual_seed(0)
    images = (len(place.query) + len(place.gallery)) / len(people)
    yield f"\n{place.name}: {len(people)} people, {images:.1f} images of each\n"
    for number in PEOPLE:
        reached: dict[float, list[float]] = {rate: [] for rate in RATES}
        for _ in range(DRAWS):
            order = people[torch.randperm(len(people), generator=generator)]
            chosen, rest = place.pairs(order[:number]), place.pairs(order[number:])
            for rate in RATES:
                if chosen.different.sum() * rate >= 10:  # else the threshold hangs on a few pairs
                    reached[rate].append(rates_below(rest, chosen.threshold(rate).threshold)[0])
        cells = [
            f"{np.mean(found) / rate:.1f} ± {np.std(found, ddof=1) / rate:.1f}" if len(found) == DRAWS else ""
            for rate, found in reached.items()
        ]
        yield f"| {number} | {' | '.join(cells)} |"


def main(model: str, folder: str, *names: str) -> None:
    places = [embed(model, folder, name) for name in names]
    for place in places:
        print(*elsewhere(place, [other for other in places if other is not place]), sep="\n", flush=True)
    for place in places:
        for line in with_fewer_people(place):
            print(line, flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit("usage: python benchmarks/thresholds.py MODEL FOLDER PLACE [PLACE]")
    main(*sys.argv[1:])
