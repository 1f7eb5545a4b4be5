"""Non-maximum suppression: of boxes that overlap much, the best one stays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def suppress(boxes: NDArray[Any], scores: NDArray[Any], overlap: float) -> NDArray[np.int64]:
    """Greedy non-maximum suppression: go from the highest score to the lowest, and drop a box whose intersection over union
    with one that stays is larger than `overlap`.

    Args:
        boxes: (n, 4) left, top, right and bottom.
        scores: (n,). Of equal ones the first counts as higher.
        overlap: From 0 to 1.

    Returns:
        The indices of those that stay, the highest score first.
    """
    remaining, kept = np.argsort(-scores, kind="stable"), []
    while len(remaining):
        best, remaining = remaining[0], remaining[1:]
        kept.append(best)
        remaining = remaining[intersection_over_union(boxes[best], boxes[remaining]) <= overlap]
    return np.array(kept, np.int64)


def intersection_over_union(box: NDArray[Any], boxes: NDArray[Any]) -> NDArray[Any]:
    """Of one box (4,) with each of several (n, 4), as (n,): 0 where both are empty."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    both = sides.clip(0).prod(axis=1)
    either = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - both
    return both / np.maximum(either, 1e-12)
