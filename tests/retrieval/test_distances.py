import numpy as np
import pytest
import torch

from scalereid.retrieval.distances import as_matrix, distance_blocks


@pytest.mark.parametrize("block", [1, 700, 10**6])
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_blocks_are_the_matrix(distance: str, block: int) -> None:
    rng = np.random.default_rng(0)
    q, g = rng.standard_normal((37, 8)), rng.standard_normal((29, 8))
    expected = ((q[:, None] - g) ** 2).sum(2)
    if distance == "cosine":
        expected = 1 - (q @ g.T) / np.linalg.norm(q, axis=1)[:, None] / np.linalg.norm(g, axis=1)
    found = np.full(expected.shape, np.nan)
    for rows, distances in distance_blocks(as_matrix(q, "q"), as_matrix(g, "g"), distance, block):  # type: ignore[arg-type]
        assert len(distances) <= max(16, block // 29)
        found[rows] = distances
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_an_embedding_of_zeros_is_at_cosine_distance_1_of_all() -> None:
    q, g = torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[0.0, 0.0], [6.0, 8.0]])
    [(_, distances)] = distance_blocks(q, g, "cosine")
    np.testing.assert_allclose(distances, [[1, 1], [1, 0]], atol=1e-6)


def test_numbers_too_large_to_be_squared_are_named() -> None:
    huge = torch.tensor([[1.0, 0.0], [1e30, 0.0]])
    with pytest.raises(
        ValueError, match="the gallery embedding in row 1 is too long: its squared length does not fit into float32"
    ):
        next(distance_blocks(huge[:1], huge, "euclidean"))
    with pytest.raises(ValueError, match="the query embedding in row 1 is too long"):
        next(distance_blocks(huge, huge[:1], "euclidean"))
    many = torch.ones(300, 2)
    many[290] = 1e30
    with pytest.raises(ValueError, match="the query embedding in row 290 is too long"):  # not in the first block
        list(distance_blocks(many, huge[:1], "euclidean"))


def test_finite_numbers_whose_sum_is_not_are_finite() -> None:
    big = np.full((2, 4), 2e38, np.float32)
    assert as_matrix(big, "query").isfinite().all()
    big[1, 2] = np.nan
    with pytest.raises(ValueError, match="the query embedding in row 1 has NaN"):
        as_matrix(big, "query")


def test_what_is_float32_is_not_copied() -> None:
    values = np.ones((3, 4), np.float32)
    values.flags.writeable = False  # as a memory map that is read
    assert as_matrix(values, "query").data_ptr() == values.ctypes.data


@pytest.mark.parametrize("size", [64, 512])
def test_copies_are_tied_however_rows_lie_in_memory(size: int) -> None:
    """MATLAB and transposed arrays keep columns together."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((100, size)).astype(np.float32)[rng.integers(0, 100, 400)]
    columns_first = np.asfortranarray(rows)
    q = rng.standard_normal((20, size)).astype(np.float32)
    for distance in ("cosine", "euclidean"):
        [(_, distances)] = distance_blocks(as_matrix(q, "q"), as_matrix(columns_first, "g"), distance)
        _, first, group = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        assert (distances.numpy() == distances.numpy()[:, first[group.ravel()]]).all()


def test_unknown_distances_are_refused() -> None:
    with pytest.raises(ValueError, match="No such distance: 'Cosine'. Choose from cosine, euclidean."):
        next(distance_blocks(torch.ones(1, 2), torch.ones(1, 2), "Cosine"))  # type: ignore[arg-type]


def test_pairs_without_distances_are_refused() -> None:
    with pytest.raises(ValueError, match="the gallery has no embeddings; expected at least one"):
        next(distance_blocks(torch.ones(1, 2), torch.ones(0, 2), "cosine"))
    with pytest.raises(ValueError, match="query and gallery embeddings differ in width: 2 and 3"):
        next(distance_blocks(torch.ones(1, 2), torch.ones(4, 3), "cosine"))
    assert list(distance_blocks(torch.ones(0, 2), torch.ones(4, 2), "cosine")) == []
