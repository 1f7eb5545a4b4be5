"""What a distance means: thresholds at known error rates, and the probability that two images show the same person."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scalereid.files import read_json, write_json
from scalereid.packages import require
from scalereid.retrieval import Distance, Method
from scalereid.retrieval.pairs import OperatingPoint, PairDistances
from scalereid.typed_json import from_json, parse
from scalereid.wording import counted

RATES = (0.1, 0.01, 0.001, 0.0001)
"""False-match rates at which thresholds are given."""
_KNOTS = 256
_LEAST_LABELLED = 10
_PRECISION, _STEPS = 1e-4, 500  # of an estimated prior, relative; and the most steps towards it


@dataclass(frozen=True)
class Calibration:
    """What distances between one model's embeddings mean, as far as one dataset tells.

    Raises:
        ValueError: A value is out of its range; the message names the field.
    """

    distance: Distance
    """The distance that knots and thresholds are of; `euclidean` ones are squared."""
    model: str
    """The model, in words."""
    fingerprint: str
    """Fingerprint of the model's weights and image size."""
    dataset: str
    """Name and fingerprint of the dataset."""
    method: Method
    knots: tuple[tuple[float, float], ...]
    """Distances, ascending, and the log-odds of one person at equal numbers of pairs of one person and of two; linear in
    between. They are never surer than one error among all pairs that were seen."""
    prior: float
    """Share of pairs of one person in the dataset."""
    same_pairs: int
    """Number of pairs of one person that were seen: labelled, where only a sample of all pairs was."""
    different_pairs: int
    """Number of pairs of two people, likewise."""
    points: tuple[OperatingPoint, ...]
    """Thresholds, for false-match rates from 10⁻¹ down as far as the dataset can tell."""

    def __post_init__(self) -> None:
        at = [distance for distance, _ in self.knots]
        if len(at) < 2 or any(after <= before for before, after in pairwise(at)):
            raise ValueError(f"knots are at the distances {at[:5]} …; expected two or more, ascending")
        if not 0 < self.prior < 1:
            raise ValueError(f"prior is {self.prior}; expected a share between 0 and 1")
        for name in ("same_pairs", "different_pairs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least 1")
        for i, point in enumerate(self.points):
            for name in ("wanted", "false_match_rate", "true_match_rate"):
                if not 0 <= (rate := getattr(point, name)) <= 1:
                    raise ValueError(f"points[{i}].{name} is {rate}; expected a rate from 0 to 1")

    def __repr__(self) -> str:
        points = ", ".join(f"{point.threshold:.4f} ({point.wanted:.4g})" for point in self.points)
        return (
            f"<Calibration of {self.model} on {self.dataset}: {self.distance} distance, "
            f"thresholds (false-match rates) {points}>"
        )

    def probability(self, distances: ArrayLike, prior: float | None = None) -> NDArray[np.float64]:
        """The probability that pairs at these distances show the same person.

        `prior` is the probability beforehand: 1 in 1,000, say, for a passer-by in a crowd. Defaults to the dataset's.

        Raises:
            ValueError: `prior` is not between 0 and 1.
        """
        before = self.prior if prior is None else prior
        if not 0 < before < 1:
            raise ValueError(f"prior is {before}; expected a probability between 0 and 1")
        at, log_odds = np.array(self.knots).T
        values = np.asarray(distances, dtype=np.float64)
        after = np.interp(values, at, log_odds) + np.log(before / (1 - before))
        return np.asarray(1 / (1 + np.exp(-after.clip(-50, 50))))

    def distance_at(self, probability: float) -> float:
        """The largest distance up to which all pairs have at least this probability of showing the same person.

        Raises:
            ValueError: `probability` is not between 0 and 1, or even pairs at distance 0 have a lower one.
        """
        if not 0 < probability < 1:
            raise ValueError(f"probability is {probability}; expected one between 0 and 1")
        if (most := float(self.probability(0.0))) < probability:
            raise ValueError(
                f"the calibration on {self.dataset} is never surer than {most:.2g}, and {probability} is wanted: expected "
                f"a lower probability, or a calibration on more pairs than {self.different_pairs:,} of two people"
            )
        at, log_odds = np.array(self.knots).T
        wanted = np.log(probability / (1 - probability)) - np.log(self.prior / (1 - self.prior))
        if (log_odds >= wanted).all():
            return float(at[-1])
        after = max(1, int(np.argmax(log_odds < wanted)))
        return float(np.interp(wanted, log_odds[[after, after - 1]], at[[after, after - 1]]))

    def estimate_prior(self, distances: ArrayLike) -> float:
        """The share of pairs of one person among pairs of other images, as their distances tell.

        It is the share that makes the probabilities' mean equal to it, found by expectation maximisation (Saerens, Latinne
        and Decaestecker, Neural Computation, 2002). Without any pairs it is the dataset's.
        """
        at, log_odds = np.array(self.knots).T
        odds = np.exp(np.interp(np.asarray(distances, dtype=np.float64), at, log_odds))
        share = self.prior
        if not odds.size:
            return share
        for _ in range(_STEPS):
            before, share = share, float((share * odds / (share * odds + 1 - share)).mean())
            if abs(share - before) <= _PRECISION * before:
                break
        return share

    def check(self, fingerprint: str, distance: Distance, *, flip: bool = False) -> None:
        """Check that it is of the distances between a model's embeddings; `flip` where they have mirror images, too.

        Raises:
            ValueError: It is of another model, of another distance, or of embeddings without mirror images.
        """
        again = "calibrate the model again"
        if self.fingerprint != fingerprint:
            raise ValueError(
                f"the calibration is of {self.model}, fingerprint {self.fingerprint}, not of these weights and image size, "
                f"fingerprint {fingerprint}; {again}"
            )
        if self.distance != distance:
            raise ValueError(
                f"the calibration is of the {self.distance} distance, not of the {distance} distance; {again}"
            )
        if flip:
            raise ValueError("the calibration is of embeddings without mirror images; embed without them to use it")

    def to_text(self) -> str:
        """It as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Calibration":
        """What `to_text` gave.

        Raises:
            ValueError: It is something else; the message names what does not fit.
        """
        found: Calibration = from_json(cls, parse(text), "calibration")
        return found

    def save(self, file: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write_json(file, asdict(self))

    @classmethod
    def load(cls, file: str | PathLike[str]) -> "Calibration":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: The file does not exist.
            ValueError: It is not a calibration.
        """
        file = Path(file)
        if not file.is_file():
            raise FileNotFoundError(f"no calibration at {file}; calibrate the model first")
        try:
            found: Calibration = from_json(cls, read_json(file), "calibration")
            return found
        except ValueError as error:
            raise ValueError(f"{file} is not a calibration: {error}") from error


def calibrate(
    pairs: PairDistances,
    *,
    distance: Distance,
    model: str,
    fingerprint: str,
    dataset: str,
    method: Method = "logistic",
    rates: Sequence[float] = (),
) -> Calibration:
    """Learn from pairs of known people what distances mean.

    Thresholds are given at the false-match `rates`, by default from 10⁻¹ to 10⁻⁴ as far as there are enough pairs.

    `logistic` regression gives log-odds that fall on a straight line; `isotonic` regression any that fall, and needs more
    pairs. Both weigh pairs of one person and of two equally, so that `Calibration.probability` takes any prior. Of a sample,
    every labelled pair counts once in the regression, whatever number of pairs it stands for: which pairs were drawn depends
    on nothing but the distance, so that the odds at a distance are those among all pairs.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed; the message says how to install it.
        ValueError: There are too few pairs for any threshold, or for one of `rates`; or images of one person are no nearer to
            each other than images of two, or, by `logistic` regression, some of them so much farther that the odds would rise.
    """
    same, different = int(pairs.seen.same.sum()), int(pairs.seen.different.sum())
    if different < 1 / RATES[0]:
        raise ValueError(f"{counted(different, 'pair')} of two people: too few, expected at least {1 / RATES[0]:.0f}")
    if pairs.sample and same < _LEAST_LABELLED:
        raise ValueError(
            f"{counted(same, 'labelled pair')} of one person: too few, expected at least {_LEAST_LABELLED}"
        )
    if pairs.smallest_rate > RATES[0] and not rates:
        raise ValueError(
            f"{counted(different, 'labelled pair')} of two people: too few, they tell false-match rates from "
            f"{pairs.smallest_rate:.2g}, and the largest threshold is at {RATES[0]}; label more"
        )
    false, true = pairs.rates()
    if np.trapezoid(true, false) <= 0.5:
        raise ValueError(
            f"{model} cannot be calibrated on {dataset}: images of one person are no nearer to each other than images of two"
        )
    knots = _log_odds(pairs, method)
    if knots[-1][1] >= knots[0][1]:
        raise ValueError(
            f"{model} cannot be calibrated on {dataset} by {method} regression: some images of one person are so much farther "
            "from each other than those of two that its odds of one person would rise with the distance. See which images "
            "these are, or set method=isotonic"
        )
    return Calibration(
        distance=distance,
        model=model,
        fingerprint=fingerprint,
        dataset=dataset,
        method=method,
        knots=knots,
        prior=float(pairs.same.sum() / (pairs.same.sum() + pairs.different.sum())),
        same_pairs=same,
        different_pairs=different,
        points=tuple(
            pairs.threshold(rate) for rate in rates or [rate for rate in RATES if rate >= pairs.smallest_rate]
        ),
    )


def require_scikit_learn() -> None:
    """Check that `calibrate` can compute, before any work is done.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed; the message says how to install it.
    """
    require("sklearn", extra="calibration", purpose="calibration")


def _log_odds(pairs: PairDistances, method: Method) -> tuple[tuple[float, float], ...]:
    require_scikit_learn()
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression

    middles = (pairs.edges[:-1] + pairs.edges[1:]) / 2
    counts = [pairs.seen.same, pairs.seen.different]
    used = [count > 0 for count in counts]
    at = np.concatenate([middles[u] for u in used])
    is_same = np.concatenate([np.full(u.sum(), i == 0) for i, u in enumerate(used)])
    weights = np.concatenate([count[u] / count.sum() for count, u in zip(counts, used, strict=True)])
    ends = (0.0, float(pairs.edges[-1]))
    shift = _log_ratio(pairs.seen) - _log_ratio(pairs)  # from as frequent as labelled to equally frequent
    # Nothing is surer than one error among all pairs: the odds of those labelled, and the weights of those of one person.
    limits = (-np.log(pairs.effective_same) - shift, np.log(counts[1].sum()))
    if method == "logistic":
        scale = at.std() or 1.0
        # A little regularised, so that people who are always told apart get finite odds.
        model = LogisticRegression(C=1e4).fit(at[:, None] / scale, is_same, sample_weight=1_000 * weights)
        slope, intercept = float(model.coef_[0, 0]) / scale, float(model.intercept_[0])
        crossings = [(limit - intercept) / slope for limit in limits]  # where the line reaches them
        knots = sorted({*ends, *(crossing for crossing in crossings if ends[0] < crossing < ends[1])})
        return tuple((knot, float(np.clip(intercept + slope * knot, *limits)) + shift) for knot in knots)
    lowest, highest = (float(1 / (1 + np.exp(-limit))) for limit in limits)
    fitted = IsotonicRegression(increasing=False, y_min=lowest, y_max=highest).fit(at, is_same, sample_weight=weights)
    # The knots where it changes, thinned out to what a page can show.
    x, y = fitted.X_thresholds_, fitted.y_thresholds_
    chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), _KNOTS)).round().astype(int))
    return tuple((float(x[i]), float(np.log(y[i] / (1 - y[i]))) + shift) for i in chosen)


def _log_ratio(pairs: PairDistances) -> float:
    """Logarithm of the number of pairs of one person for each pair of two."""
    return float(np.log(pairs.same.sum() / pairs.different.sum()))
