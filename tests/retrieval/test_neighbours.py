import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scalereid.retrieval.neighbours import nearest_neighbours


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 9), st.integers(1, 40))
def test_agrees_with_a_full_sort_whatever_the_tiles(seed: int, n: int, k: int, tile: int) -> None:
    """Whole numbers on a line: many are equal, and equal ones keep their order."""
    x = np.random.default_rng(seed).integers(0, 12, (n, 1)).astype(np.float32)
    distances = (x - x.T) ** 2
    np.fill_diagonal(distances, -1)  # itself before its copies
    k = min(k, n)
    found = nearest_neighbours(torch.from_numpy(x), k, tile)
    assert found.indices.tolist() == np.argsort(distances, axis=1, kind="stable")[:, :k].tolist()
    assert found.farthest.tolist() == np.maximum(distances, 0).max(axis=1).tolist()


@pytest.mark.parametrize("tile", [100, 1_000])
def test_real_valued(tile: int) -> None:
    x = torch.randn(250, 16)
    expected = torch.cdist(x.double(), x.double()).argsort(dim=1)[:, :7]
    assert nearest_neighbours(x, 7, tile).indices.tolist() == expected.tolist()
