"""How well groups of rows agree with the people they show."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class ClusterScores:
    """Scores of groups against people, as shares from 0 to 1."""

    precision: float
    """Share of the pairs of one group that show one person; 1 where no group has two rows."""
    recall: float
    """Share of the pairs of one person that are in one group; 1 where nobody has two rows."""
    b_cubed_precision: float
    """Mean, over the rows, of the share of the row's group that shows its person (Bagga and Baldwin, 1998)."""
    b_cubed_recall: float
    """Mean, over the rows, of the share of the person's rows that are in the row's group."""
    groups: int
    people: int

    @property
    def f1(self) -> float:
        """Harmonic mean of the pairwise precision and recall."""
        return _harmonic_mean(self.precision, self.recall)

    @property
    def b_cubed(self) -> float:
        """Harmonic mean of the B³ precision and recall."""
        return _harmonic_mean(self.b_cubed_precision, self.b_cubed_recall)


def score_clusters(groups: ArrayLike, pids: ArrayLike) -> ClusterScores:
    """Score the groups (n,) of rows against the people (n,) they show; both are labels of any kind.

    Raises:
        ValueError: They differ in length, or are empty.
    """
    group, person = (np.unique(np.asarray(labels), return_inverse=True)[1].ravel() for labels in (groups, pids))
    if len(group) != len(person) or not len(group):
        raise ValueError(f"found {len(group)} groups and {len(person)} people; expected one of each for every row")
    in_group, of_person = np.bincount(group), np.bincount(person)
    cells, both = np.unique(group * len(of_person) + person, return_counts=True)
    row, column = np.divmod(cells, len(of_person))
    right = _pairs(both)
    return ClusterScores(
        precision=_share(right, _pairs(in_group)),
        recall=_share(right, _pairs(of_person)),
        b_cubed_precision=float((both**2 / in_group[row]).sum() / len(group)),
        b_cubed_recall=float((both**2 / of_person[column]).sum() / len(group)),
        groups=len(in_group),
        people=len(of_person),
    )


def _pairs(counts: NDArray[np.int64]) -> int:
    return int((counts * (counts - 1) // 2).sum())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _harmonic_mean(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0
