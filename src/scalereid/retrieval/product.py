"""The matrix product that distances are made of."""

import torch
from torch import Tensor
from torch.nn import functional


def products(one: Tensor, other: Tensor) -> Tensor:
    """The dot products (a, b) of the rows of two matrices (a, d) and (b, d).

    On a CPU by oneDNN, where a product depends on its two rows alone, whichever other rows there are: copies have equal
    products, and so has a row computed by itself. torch's own product needs 16 rows for the former, and on processors that
    are not Intel's is half as fast (docs/benchmarks.md); it is used where torch has no oneDNN, and on a GPU.
    """
    if one.device.type == "cpu" and _has_onednn():
        few = _padded(one, 2), _padded(other, 2)  # with a single row, oneDNN takes another way through the columns
        return torch.ops.mkldnn._linear_pointwise(*few, None, "none", [], "")[: len(one), : len(other)]
    return torch.mm(_padded(one, 16), other.T)[: len(one)]


def _has_onednn() -> bool:
    return torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _padded(rows: Tensor, least: int) -> Tensor:
    return rows if len(rows) >= least else functional.pad(rows, (0, 0, 0, least - len(rows)))
