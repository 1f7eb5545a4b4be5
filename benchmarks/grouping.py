"""How well tracks of unknown people are grouped, by which distances, with which constraints, at which threshold.

    python benchmarks/grouping.py FOLDER MODEL [MODEL …]

FOLDER has Market-1501; each MODEL is a run, weights, or a .xml file of the Open Model Zoo. The test images of
`market1501-dev` are cut into tracks: a person's pictures from one camera and sequence, with gaps of at most 250 frames. The
time of a picture is its frame, at 25 a second. Cameras that overlap are those that see one in ten of the training people who
pass both in a sequence within a second. The people are divided into two halves by a hash. Whatever is chosen is chosen on one
half, and measured on the other, both ways round: shares are means of the two, and groups are counted over both.

Prints a table for each model. First with the thresholds of calibrations, at a probability: of the other half's people, who
are not in the gallery (`given`), or who are in it and confirmed, with constraints. Then with thresholds that give the highest
pairwise F1 on the other half, with and without constraints, and with other ways to compare tracks, without. At last all
people together, at the threshold with the highest F1 on these very people, to be compared with what others report so.
"""

import argparse
import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from scalereid.data.reading import read_dataset
from scalereid.gallery import schema
from scalereid.gallery.calibrating import calibrate_on_confirmed
from scalereid.gallery.constraints import Constraints
from scalereid.gallery.grouping import group
from scalereid.gallery.identities import Identities, Identity
from scalereid.gallery.ledger import GalleryModel, Ledger
from scalereid.gallery.sightings import NewSighting, Seen
from scalereid.gallery.units import Embedded, Units
from scalereid.inference.embedder import Embedder
from scalereid.retrieval.cluster_scores import ClusterScores, score_clusters
from scalereid.retrieval.reranking import rerank

GAP = 250  # frames
START = datetime(2020, 1, 1, tzinfo=UTC)
NAME = re.compile(r"(\d{4})_c(\d)s(\d)_(\d{6})_\d\d")
CAMERAS = "123456"
EVERY_PAIR = tuple(combinations(CAMERAS, 2))
NEVER = 1e6
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Picture:
    path: Path
    pid: int
    camera: int
    sequence: int
    frame: int

    @classmethod
    def of(cls, path: Path) -> "Picture":
        found = NAME.match(path.name)
        assert found, path
        return cls(path, *(int(part) for part in found.groups()))

    @property
    def place(self) -> tuple[int, int, int]:
        return self.pid, self.camera, self.sequence

    @property
    def time(self) -> datetime:
        return START + timedelta(days=self.sequence, seconds=self.frame / 25)


def cut(pictures: Sequence[Picture]) -> list[int]:
    """The track of each picture, which are in the order of their names."""
    tracks = [0]
    for before, after in pairwise(pictures):
        tracks.append(tracks[-1] + (before.place != after.place or after.frame - before.frame > GAP))
    return tracks


def overlapping(pictures: Sequence[Picture]) -> Pairs:
    """Cameras that see one in ten people within a second."""
    frames: dict[tuple[int, int], dict[int, list[int]]] = {}
    for picture in pictures:
        frames.setdefault((picture.pid, picture.sequence), {}).setdefault(picture.camera, []).append(picture.frame)
    found = []
    for one, other in combinations(range(1, 7), 2):
        both = [
            (np.array(seen[one]), np.array(seen[other])) for seen in frames.values() if one in seen and other in seen
        ]
        at_once = sum(bool((np.abs(a[:, None] - b) <= 25).any()) for a, b in both)
        if at_once >= len(both) / 10:
            found.append((str(one), str(other)))
    return tuple(found)


def half_of(pid: int) -> int:
    return hashlib.sha256(str(pid).encode()).digest()[0] % 2


@dataclass(frozen=True, eq=False)
class Gallery:
    """A ledger of some people's pictures."""

    ledger: Ledger
    model: GalleryModel
    pids: NDArray[np.int64]
    """(n,) of sighting 1, 2, …"""

    @classmethod
    def of(
        cls, pictures: Sequence[Picture], vectors: NDArray[np.float32], model: tuple[str, str], folder: str
    ) -> "Gallery":
        engine = schema.connect(f"sqlite:///{tempfile.mkdtemp(dir=folder)}/ledger.sqlite")
        schema.create(engine)
        ledger = Ledger(engine)
        number = ledger.add_model(*model)
        new = [
            NewSighting(Seen(p.path.name, str(p.camera), p.time, track=str(track)), p.path.name, vector)
            for p, track, vector in zip(pictures, cut(pictures), vectors, strict=True)
        ]
        ledger.add(number, new)
        return cls(ledger, ledger.models()[0], np.array([p.pid for p in pictures]))

    def identities(self, people: Sequence[int]) -> Identities:
        found = Identities()
        for person in people:
            own = (np.flatnonzero(self.pids == person) + 1).tolist()
            found.by_number[person] = Identity("", set(own))
            found.of |= dict.fromkeys(own, person)
        return found


@dataclass(frozen=True, eq=False)
class Tracks:
    """The tracks of one half."""

    seen: Embedded
    units: Units
    pids: NDArray[np.int64]
    first: NDArray[np.int64]
    """Of each track, the row of its first picture in the half's gallery."""

    @classmethod
    def of(cls, gallery: Gallery, relative: bool = False) -> "Tracks":
        seen = Embedded.read(gallery.ledger, gallery.model.number)
        seen = seen.relative_to_cameras() if relative else seen
        units = Units.of_sightings(seen, Identities())
        first = np.unique(units.of, return_index=True)[1]
        return cls(seen, units, gallery.pids[first], first)

    def forbidden(self, constraints: Constraints | None) -> NDArray[np.bool_]:
        number = len(self.pids)
        one, other = (side.ravel() for side in np.indices((number, number)))
        found = constraints.forbid(self.units.spans, one, other) if constraints else np.zeros(number**2, bool)
        return found.reshape(number, number)


Way = Callable[[Tracks], NDArray[np.floating]]
"""How tracks are compared: to distances of each with each."""


def of_means(own: Tracks) -> NDArray[np.floating]:
    return 1 - own.units.vectors @ own.units.vectors.T


def of_pictures(own: Tracks) -> NDArray[np.floating]:
    """The mean distance of two tracks' pictures."""
    sums = np.zeros_like(own.units.vectors)
    np.add.at(sums, own.units.of, own.seen.vectors)
    means = sums / np.bincount(own.units.of)[:, None]
    return np.asarray(1 - means @ means.T)


def of_most_similar(own: Tracks) -> NDArray[np.floating]:
    """The least distance of two tracks' pictures, which are one track after another."""
    similarities = own.seen.vectors @ own.seen.vectors.T
    return np.asarray(1 - np.maximum.reduceat(np.maximum.reduceat(similarities, own.first, axis=0), own.first, axis=1))


def reranked(own: Tracks, k1: int, k2: int) -> NDArray[np.floating]:
    tracks = torch.from_numpy(own.units.vectors)
    return rerank(tracks, tracks, k1=k1, k2=k2).numpy()


def tuned(halves: Sequence[Tracks], way: Way, method: str = "average", constraints: Constraints | None = None) -> str:
    """The scores of each half at the threshold that gives the highest F1 on the other, as cells."""
    trees = [tree(way(own), method, own.forbidden(constraints)) for own in halves]

    def scores(at: int, cut: float) -> ClusterScores:
        return score_clusters(fcluster(trees[at], cut, "distance"), halves[at].pids)

    best = [max(heights(trees[at]), key=partial(lambda at, cut: scores(at, cut).f1, at)) for at in (0, 1)]
    return cells([scores(0, best[1]), scores(1, best[0])], f"{1 - best[1]:.2f} / {1 - best[0]:.2f}")


def at_its_best(own: Tracks, constraints: Constraints | None = None) -> str:
    """The scores at the threshold with the highest F1 on the same people, as cells."""
    joined = tree(of_means(own), "average", own.forbidden(constraints))
    found = [(score_clusters(fcluster(joined, cut, "distance"), own.pids), cut) for cut in heights(joined)]
    best, cut = max(found, key=lambda each: each[0].f1)
    return cells([best], f"{1 - cut:.2f}")


def tree(distances: NDArray[np.floating], method: str, forbidden: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The order in which tracks are joined, as in `scalereid.retrieval.clustering`."""
    whole = (distances + distances.T).astype(np.float64).clip(0) / 2
    whole[forbidden] = NEVER
    np.fill_diagonal(whole, 0)
    return np.asarray(linkage(squareform(whole, checks=False), method))


def heights(tree: NDArray[np.float64]) -> NDArray[np.float64]:
    """Thresholds that are tried."""
    return np.unique(np.quantile(tree[tree[:, 2] < 10, 2], np.linspace(0.2, 1, 200)))


def cells(found: Sequence[ClusterScores], threshold: str) -> str:
    names = ("precision", "recall", "f1", "b_cubed")
    means = [100 * float(np.mean([getattr(each, name) for each in found])) for name in names]
    groups = sum(each.groups for each in found)
    return f"{' | '.join(f'{mean:.1f}' for mean in means)} | {groups} | {threshold} |"


WAYS: dict[str, Way] = {
    "mean of all pictures' distances": of_pictures,
    "most similar pictures": of_most_similar,
    "re-ranked, k1 20, k2 6": partial(reranked, k1=20, k2=6),
    "re-ranked, k1 10, k2 3": partial(reranked, k1=10, k2=3),
}


def labels_of(gallery: Gallery, identities: Identities, **options: object) -> NDArray[np.int64]:
    """The group of each sighting; that of an identity is its number."""
    found = group(gallery.ledger, gallery.model, identities, **options)  # type: ignore[arg-type]
    labels = -np.arange(len(gallery.pids)) - 1
    for number, proposal in enumerate(found.proposals):
        labels[np.array(proposal.sightings) - 1] = 10_000 + number if proposal.identity is None else proposal.identity
    return labels


def calibrated(halves: Sequence[Gallery], whole: Gallery, constraints: Constraints) -> Iterator[str]:
    people = [sorted({*gallery.pids.tolist()}) for gallery in halves]
    for probability in (0.9, 0.5):
        options = {"probability": probability, "constraints": constraints}
        given = []
        for own, other, others in zip(halves, reversed(halves), reversed(people), strict=True):
            basis = calibrate_on_confirmed(other.ledger, other.model, other.identities(others))
            labels = labels_of(own, Identities(), calibration=basis, **options)
            tested = Tracks.of(own)
            given.append(score_clusters(labels[tested.first], tested.pids))
        yield f"| plain | given | {cells(given, str(probability))}"
        for name, number in (("20 confirmed", 20), ("all others confirmed", 100)):
            found = []
            for own, others in zip(halves, reversed(people), strict=True):
                labels = labels_of(whole, whole.identities(others[:number]), calibration=None, **options)
                tested = Tracks.of(own)
                labels = labels[np.isin(whole.pids, own.pids)]
                found.append(score_clusters(labels[tested.first], tested.pids))
            yield f"| less cameras | {name} | {cells(found, str(probability))}"


def priors(halves: Sequence[Gallery], whole: Gallery) -> str:
    """The share of pairs of one person: the true one, and as it is estimated with 20 people confirmed."""
    one, other = np.triu_indices(len(whole.pids), 1)
    told_apart = Embedded.read(whole.ledger, whole.model.number).told_apart(one, other)
    same = whole.pids[one] == whole.pids[other]
    estimated, confirmed = [], []
    for own in halves:
        people = sorted({*own.pids.tolist()})[:20]
        estimated.append(calibrate_on_confirmed(whole.ledger, whole.model, whole.identities(people)).prior)
        among = np.isin(whole.pids, people)
        confirmed.append(same[told_apart & among[one] & among[other]].mean())
    return (
        f"share of pairs of one person: {same[told_apart].mean():.2%}; with 20 people confirmed, estimated "
        f"{estimated[0]:.2%} and {estimated[1]:.2%}, among their own pictures {confirmed[0]:.2%} and {confirmed[1]:.2%}"
    )


def report(
    pictures: Sequence[Picture], vectors: NDArray[np.float32], model: tuple[str, str], pairs: Pairs
) -> Iterator[str]:
    constraints = {
        "none": None,
        "two tracks": Constraints(EVERY_PAIR),
        "and two cameras, 0 s": Constraints(pairs, 0),
        "and two cameras, 1 s": Constraints(pairs, 1),
        "and any two cameras, 1 s": Constraints((), 1),
    }
    with tempfile.TemporaryDirectory() as folder:
        whole = Gallery.of(pictures, vectors, model, folder)
        halves = []
        for half in (0, 1):
            rows = [i for i, picture in enumerate(pictures) if half_of(picture.pid) == half]
            halves.append(Gallery.of([pictures[i] for i in rows], vectors[rows], model, folder))
        yield priors(halves, whole)
        yield "\n| embeddings | how | precision | recall | F1 | B³ | groups | threshold |\n|---|---|---|---|---|---|---|---|"
        yield from calibrated(halves, whole, Constraints(pairs))
        for relative in (False, True):
            tracks, cameras = [Tracks.of(own, relative) for own in halves], "less cameras" if relative else "plain"
            for name, constraint in constraints.items():
                yield f"| {cameras} | {name} | {tuned(tracks, of_means, constraints=constraint)}"
            yield f"| {cameras} | complete linkage | {tuned(tracks, of_means, 'complete')}"
            for name, way in WAYS.items():
                yield f"| {cameras} | {name} | {tuned(tracks, way)}"
            everybody = Tracks.of(whole, relative)
            for name in ("none", "two tracks"):
                yield f"| {cameras} | all, tuned on themselves: {name} | {at_its_best(everybody, constraints[name])}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="+")
    options = parser.parse_args()
    dataset = read_dataset("market1501-dev", options.folder)
    pictures = [Picture.of(path) for path in sorted(record.path for record in (*dataset.query, *dataset.gallery))]
    pairs = overlapping([Picture.of(record.path) for record in dataset.train])
    print(f"{cut(pictures)[-1] + 1} tracks of {len({p.pid for p in pictures})} people; cameras that overlap: {pairs}")
    for model in options.models:
        pixels = "open-model-zoo" if model.endswith(".xml") else None
        with Embedder(model, runtime="auto", pixels=pixels) as embedder:
            vectors = embedder([picture.path for picture in pictures])
            about = embedder.metadata.fingerprint, embedder.metadata.to_json()
        print(f"\n{model}\n")
        for line in report(pictures, vectors, about, pairs):
            print(line, flush=True)


if __name__ == "__main__":
    main()
