"""The smallest distances of each row, ties in gallery order."""

import torch
from torch import Tensor


def nearest(distances: Tensor, top: int) -> Tensor:
    """The columns (b, top) of the `top` smallest distances of each row, ascending columns; of equal distances the first."""
    if top >= distances.shape[1]:
        return torch.arange(distances.shape[1], device=distances.device).expand(distances.shape)
    found, columns = distances.topk(top + 1, dim=1, largest=False)  # in no particular order where distances are equal
    border = found[:, top - 1]
    for row in ((border == found[:, top]) & border.isfinite()).nonzero().flatten().tolist():
        inside = int((found[row] < border[row]).sum())
        equal = (distances[row] == border[row]).nonzero().flatten()
        columns[row, inside:top] = equal[: top - inside]
    return columns[:, :top].sort(dim=1).values


def nearest_first(distances: Tensor, top: int) -> tuple[Tensor, Tensor]:
    """The columns (b, top) and values of the smallest distances of each row, ascending; column −1 where one is infinite."""
    columns = nearest(distances, top)
    found, order = distances.gather(1, columns).sort(dim=1, stable=True)
    return columns.gather(1, order).masked_fill(found.isinf(), -1), found
