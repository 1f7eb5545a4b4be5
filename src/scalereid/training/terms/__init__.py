"""The terms that an objective can have, by name: one file each."""

from collections.abc import Callable

from scalereid.training.terms.auxiliary import Auxiliary
from scalereid.training.terms.centre import Centre
from scalereid.training.terms.circle import Circle
from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.term import Outputs, Sizes, Term
from scalereid.training.terms.triplet import Triplet

TERMS: dict[str, Callable[[Sizes], Term]] = {
    "cross_entropy": CrossEntropy,
    "triplet": Triplet,
    "auxiliary": Auxiliary,
    "circle": Circle,
    "centre": Centre,
}

__all__ = ["TERMS", "Outputs", "Sizes", "Term"]
