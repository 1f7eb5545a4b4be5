"""How well attributes are recognised: mean accuracy by attribute, and accuracy, precision, recall and F1 by image."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scalereid.attributes.layer import LIKELY
from scalereid.attributes.table import UNKNOWN, AttributeLabels

AttributeMetric = Literal["mA", "accuracy", "precision", "recall", "F1"]
METRICS: tuple[AttributeMetric, ...] = ("mA", "accuracy", "precision", "recall", "F1")


@dataclass(frozen=True)
class OneAttribute:
    """How well one attribute is recognised."""

    name: str
    positives: int
    """Number of test images that have it."""
    negatives: int
    """Number of those that do not."""
    true_positive_rate: float | None
    """Share of the positives that are recognised; None without any."""
    true_negative_rate: float | None
    """Share of the negatives that are; None without any."""
    mean_accuracy: float | None
    """The mean of both rates, 0.5 for whoever guesses; None where one of them is not defined."""


@dataclass(frozen=True)
class AttributeScores:
    """Scores of recognised attributes, as in Li et al. (ACPR 2015, "DeepMAR"), and in the tables on PA-100K."""

    images: int
    """Number of images of which an attribute is known."""
    mA: float  # noqa: N815 - the metric's name
    """Mean over attributes of their mean accuracy, those left out of which it is not defined."""
    accuracy: float
    """Mean over images of |right| / |predicted or there|, where sets are of the attributes of an image."""
    precision: float
    """Mean over images of |right| / |predicted|; 0 for an image of which nothing is predicted."""
    recall: float
    """Mean over images of |right| / |there|."""
    F1: float
    """The harmonic mean of precision and recall."""
    attributes: tuple[OneAttribute, ...]

    @property
    def undefined(self) -> tuple[str, ...]:
        """Names of attributes that all test images have, or none has, so that they do not count in mA."""
        return tuple(one.name for one in self.attributes if one.mean_accuracy is None)

    def metric(self, name: str) -> float:
        """A score by its name."""
        value: float = getattr(self, name)
        return value

    def mean_accuracy(self, names: Sequence[str]) -> float:
        """Mean over the attributes of these names of their mean accuracy.

        Raises:
            ValueError: There is no such attribute, or its mean accuracy is not defined.
        """
        found = {one.name: one.mean_accuracy for one in self.attributes}
        values = [found.get(name) for name in names]
        for name, value in zip(names, values, strict=True):
            if value is None:
                why = "is not defined: its test images all have it, or none has" if name in found else "is not there"
                raise ValueError(f"the mean accuracy of {name!r} {why}")
        return float(np.mean(values))  # type: ignore[arg-type] # none of which is None

    def to_json(self) -> dict[str, Any]:
        """The scores as JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        return "   ".join(f"{name} {self.metric(name):.2%}" for name in METRICS)


def score_attributes(likelihoods: NDArray[np.floating], labels: AttributeLabels) -> AttributeScores:
    """Score likelihoods (n, attributes) against labels; an attribute is predicted from a likelihood of 0.5 on.

    What is not known of an image counts nowhere. Images without any attribute that is known to be there have no recall, and
    are left out of the means over images; attributes without positives or without negatives are left out of mA.

    Raises:
        ValueError: There are not as many of both, a likelihood is not finite, or no attribute has positives and negatives.
    """
    values = labels.values
    if likelihoods.shape != values.shape:
        raise ValueError(f"there are likelihoods of shape {[*likelihoods.shape]} and labels of shape {[*values.shape]}")
    if not np.isfinite(likelihoods).all():
        raise ValueError("a likelihood is not finite")
    there, absent, predicted = values == 1, values == 0, likelihoods >= LIKELY
    one_by_one = tuple(
        _one(name, *columns) for name, *columns in zip(labels.names, there.T, absent.T, predicted.T, strict=True)
    )
    defined = [one.mean_accuracy for one in one_by_one if one.mean_accuracy is not None]
    if not defined:
        raise ValueError("no attribute is known to be there in one test image and not there in another")
    counted = there.any(axis=1)
    there, predicted = there[counted], (predicted & (there | absent))[counted]
    right = (there & predicted).sum(axis=1)
    precision = float(np.mean(right / np.maximum(predicted.sum(axis=1), 1)))
    recall = float(np.mean(right / there.sum(axis=1)))
    return AttributeScores(
        images=int((values != UNKNOWN).any(axis=1).sum()),
        mA=float(np.mean(defined)),
        accuracy=float(np.mean(right / (there | predicted).sum(axis=1))),
        precision=precision,
        recall=recall,
        F1=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        attributes=one_by_one,
    )


def _one(name: str, there: NDArray[np.bool_], absent: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> OneAttribute:
    positive = float(predicted[there].mean()) if there.any() else None
    negative = float((~predicted)[absent].mean()) if absent.any() else None
    mean = None if positive is None or negative is None else (positive + negative) / 2
    return OneAttribute(name, int(there.sum()), int(absent.sum()), positive, negative, mean)
