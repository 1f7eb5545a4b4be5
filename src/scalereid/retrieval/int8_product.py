"""Products of int8 codes, by whichever library is fastest here."""

import time
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from scalereid.retrieval.product import products

_MOST = 127  # of an int8
_FEW = 2  # rows up to which reading the other matrix takes longer than computing


def int8_products(rows: Tensor, others: Tensor) -> Tensor:
    """The dot products (b, n), as float32, of int8 rows (b, d) and (n, d) on a CPU.

    By torch; for one or two rows by NumKong where it is installed and faster: it reads at the speed of the memory, torch at a
    third of it (docs/benchmarks.md).
    """
    way = _by_numkong if len(rows) <= _FEW and _numkong_is_faster(torch.get_num_threads()) else _by_torch
    return way(rows, others)


@cache
def int8_is_fast() -> bool:
    """Whether torch's int8 products are exact and faster than float32 ones: not where they saturate or are emulated."""
    rows, others = _extremes(2, 4_096)
    return _is_faster(_by_torch, products, (rows, others), (rows.float(), others.float()))


@cache
def _numkong_is_faster(threads: int) -> bool:  # noqa: ARG001 - torch divides the work among its threads, NumKong does not
    numbers = _extremes(1, 32_768)  # more than the caches hold
    return _is_faster(_by_numkong, _by_torch, numbers, numbers)


def _by_torch(rows: Tensor, others: Tensor) -> Tensor:
    return torch._int_mm(rows, others.T).float()


def _by_numkong(rows: Tensor, others: Tensor) -> Tensor:
    import numkong

    found = numkong.cdist(rows.numpy(), others.numpy(), metric="dot", out_dtype="float32")
    return torch.from_numpy(np.asarray(found)).reshape(len(rows), len(others))


def _extremes(rows: int, others: int) -> tuple[Tensor, Tensor]:
    """Two int8 matrices with the largest products there are, of both signs."""
    one = torch.full((rows, 512), _MOST, dtype=torch.int8)
    one[1::2] *= -1
    return one, torch.full((others, 512), -_MOST, dtype=torch.int8)


def _is_faster(
    way: Callable[[Tensor, Tensor], Tensor],
    other_way: Callable[[Tensor, Tensor], Tensor],
    numbers: tuple[Tensor, Tensor],
    other_numbers: tuple[Tensor, Tensor],
) -> bool:
    """Whether a way to multiply is there, gives the same products as another one, and is faster."""
    try:
        if not torch.equal(way(*numbers), other_way(*other_numbers)):
            return False
    except (ImportError, AttributeError, RuntimeError, TypeError, ValueError):
        return False  # it is not installed, not in this version, or not for this processor
    seconds = []
    for product, matrices in ((way, numbers), (other_way, other_numbers)) * 3:
        started = time.perf_counter()
        product(*matrices)
        seconds.append(time.perf_counter() - started)
    return min(seconds[::2]) < min(seconds[1::2])
