import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scalereid.retrieval.topk import Nearest, nearest


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 30), st.integers(1, 30))
def test_agrees_with_a_full_sort(seed: int, rows: int, columns: int, top: int) -> None:
    """Few distances, many of them infinite: ties are common, and which of the infinite ones come does not matter."""
    rng = np.random.default_rng(seed)
    distances = rng.integers(0, 5, (rows, columns)).astype(np.float32)
    distances[rng.random((rows, columns)) < 0.3] = np.inf
    top = min(top, columns)
    order = np.argsort(distances, axis=1, kind="stable")[:, :top]
    expected = np.take_along_axis(distances, order, 1)
    indices, values = nearest(torch.from_numpy(distances), top)
    assert values.tolist() == expected.tolist()
    assert indices.tolist() == np.where(np.isfinite(expected), order, -1).tolist()


def test_distances_are_not_changed() -> None:
    distances = torch.tensor([[2.0, torch.inf, 1.0]])
    nearest(distances, 2)
    assert distances.tolist() == [[2.0, torch.inf, 1.0]]


@pytest.mark.parametrize("first", [0, 3_000, 4_096, 6_000])
def test_few_distances_are_near_wherever_the_finite_ones_begin(first: int) -> None:
    """In the first part or a later one, at its beginning or at its end."""
    drawn = np.random.default_rng(0).permuted(np.tile(np.arange(8_192, dtype=np.float32), (3, 1)), axis=1)
    drawn[:, :first] = np.inf
    found = Nearest(3, 5, torch.zeros(0))
    taken = sum(len(found.update(torch.from_numpy(drawn[:, at : at + 4_096].copy()), at)[0]) for at in (0, 4_096))
    assert taken < 3 * 200
    assert found.first()[1].tolist() == np.sort(drawn, axis=1)[:, :5].tolist()
