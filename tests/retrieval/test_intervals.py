import numpy as np
import pytest

from scalereid.retrieval.intervals import sum_interval


def test_exact_poisson_intervals_for_equal_weights() -> None:
    """Table values for 0, 1, 5 and 20 events (Garwood, 1936)."""
    events = np.array([0, 1, 5, 20])
    low, high = sum_interval(events, events, np.ones(4))
    np.testing.assert_allclose(low, [0, 0.0253, 1.6235, 12.2165], atol=1e-4)
    np.testing.assert_allclose(high, [3.6889, 5.5716, 11.6683, 30.8884], atol=1e-4)


def test_weights_scale_and_widen() -> None:
    low, high = sum_interval(7.0 * 5, 49.0 * 5, 7.0)
    assert float(low) == pytest.approx(7 * 1.6235, abs=1e-3)
    assert float(high) == pytest.approx(7 * 11.6683, abs=1e-3)
    unequal = sum_interval(35.0, 31.0**2 + 4, 31.0)
    assert unequal[0] < low
    assert unequal[1] > high
