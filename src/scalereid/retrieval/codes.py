"""Embeddings as int8: a quarter of the memory, and a bound of the error of their cosines."""

from typing import NamedTuple

import torch
from torch import Tensor

_CHUNK = 512  # embeddings encoded at a time: they stay in the caches
_MOST = 127  # of an int8
_SHORTEST = 1e-12  # length that is divided by


class Codes(NamedTuple):
    """The directions of embeddings as whole numbers from −127 to 127, each with a scale of its own.

    So embeddings can be added to others without encoding those again.
    """

    values: Tensor
    """(n, d) int8"""
    scales: Tensor
    """(n,) what 1 stands for."""
    error: float
    """How far an embedding's values times its scale are at most from its direction, in Euclidean distance."""


def encode(embeddings: Tensor, squares: Tensor) -> Codes:
    """Encode embeddings (n, d) of these squared lengths (n,), on a CPU."""
    values, scales = torch.empty(embeddings.shape, dtype=torch.int8), torch.empty(len(embeddings))
    error = 0.0
    for start in range(0, len(embeddings), _CHUNK):
        part = slice(start, start + _CHUNK)
        directions = embeddings[part] / squares[part, None].sqrt().clamp_(min=_SHORTEST)
        scale = directions.abs().amax(dim=1).clamp_(min=_SHORTEST) / _MOST
        rounded = (directions / scale[:, None]).round_()
        values[part], scales[part] = rounded, scale
        apart = directions.sub_(rounded.mul_(scale[:, None]))
        error = max(error, float(torch.linalg.vector_norm(apart, dim=1).max()))
    return Codes(values, scales, error)
