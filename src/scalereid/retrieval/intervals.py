"""Intervals of a sum of weights, each of which stands for a number of things that were not looked at."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scalereid.packages import require

Floats = NDArray[np.float64]


def sum_interval(total: ArrayLike, squares: ArrayLike, heaviest: ArrayLike) -> tuple[Floats, Floats]:
    """The 95 % interval of what weights estimate, by Fay and Feuer (Statistics in Medicine, 1997).

    The exact Poisson interval where all weights are equal, so the rule of three where there is none: then the true number is
    at most 3.7 times the weight that one would have had (3 times, with 95 % on one side).

    Args:
        total: (…) sum of the weights.
        squares: (…) sum of their squares.
        heaviest: (…) the largest weight that one more could have had.

    Returns:
        The lower and the upper end (…).

    Raises:
        ModuleNotFoundError: SciPy is not installed; the message says how to install it.
    """
    require("scipy", extra="calibration", purpose="calibration")
    from scipy.special import gammaincinv

    total, squares, heaviest = (np.asarray(values, dtype=np.float64) for values in (total, squares, heaviest))
    none = total <= 0
    sums, variances = np.where(none, 1, total), np.where(none, 1, squares)
    low = np.where(none, 0, gammaincinv(sums**2 / variances, 0.025) * variances / sums)
    sums, variances = total + heaviest, squares + heaviest**2
    high = gammaincinv(sums**2 / variances, 0.975) * variances / sums
    return low, high
