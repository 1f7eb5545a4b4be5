"""How well images are classified: top-1 and top-5."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClassScores:
    """Shares of test images that are classified right."""

    images: int
    classes: int
    top1: float
    """Share of images whose class is the likeliest one."""
    top5: float
    """Share of images whose class is among the five likeliest."""
    ranks: NDArray[np.int64] | None = field(default=None, repr=False, compare=False)
    """(images,) the place of each image's class among all, from 1, the likeliest; None for scores read from JSON."""

    def metric(self, name: str) -> float:
        """A score by its name, `top-1` or `top-5`."""
        return {"top-1": self.top1, "top-5": self.top5}[name]

    def to_json(self) -> dict[str, Any]:
        """The scores as JSON values, without the ranks."""
        return {"images": self.images, "classes": self.classes, "top1": self.top1, "top5": self.top5}

    def how(self) -> str:
        """What was classified, in words."""
        return f"{self.images:,} images of {self.classes:,} classes"

    def __str__(self) -> str:
        return f"top-1 error {1 - self.top1:.2%}   top-5 error {1 - self.top5:.2%}"


def score_classes(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> ClassScores:
    """Score logits (n, classes) against the right classes (n,), from 0 on.

    Probabilities are scored alike, but those of a classifier that is sure of itself are rounded to 0 for many classes. Classes
    as likely as the right one count as likelier, so that a classifier which says the same of all is never right.

    Raises:
        ValueError: There are not as many of both, or none, or a logit is not finite, or a class does not exist.
    """
    count, classes = logits.shape
    if labels.shape != (count,) or not count:
        raise ValueError(f"there are logits of {count} images and classes of {len(labels)}; expected as many, and some")
    if not np.isfinite(logits).all():
        raise ValueError("a logit is not finite")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"a class is {int(labels.max())}; expected 0 to {classes - 1}")
    right = np.take_along_axis(logits, labels[:, None], axis=1)
    ranks = (logits >= right).sum(axis=1)
    return ClassScores(count, classes, float((ranks <= 1).mean()), float((ranks <= 5).mean()), ranks)
