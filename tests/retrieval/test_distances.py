from typing import Any

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


def test_numbers_too_small_to_be_squared_are_named() -> None:
    """Their length would come out as 0, and every distance as 1."""
    tiny = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 2e-30]])
    with pytest.raises(
        ValueError, match=r"the gallery embedding in row 2 is too short, at most 2\.0e-30, for its length"
    ):
        next(distance_blocks(tiny[:1], tiny, "cosine"))
    with pytest.raises(ValueError, match="the query embedding in row 2 is too short"):
        next(distance_blocks(tiny, tiny[:1], "euclidean"))
    next(distance_blocks(tiny[:2], tiny[:2] * 2e-12, "cosine"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (None, "query embeddings are a NoneType; expected an array or a tensor of numbers"),
        ({"a": 1}, "query embeddings are a dict; expected an array"),
        (np.array(["a", "b"]), "query embeddings are a ndarray; expected an array or a tensor of numbers"),
        (torch.ones(2, 2).to_sparse(), "query embeddings are sparse; expected an array or a tensor of real numbers"),
        (torch.ones(2, 2, device="meta"), "query embeddings are without values; expected"),
        (np.ones((2, 2), np.complex64), "query embeddings are complex; expected"),
        (np.ones((2, 0)), r"query embeddings have shape \[2, 0\]; expected \(n, d\), one row per image"),
        (np.ones(3), r"query embeddings have shape \[3\]; expected \(n, d\)"),
    ],
    ids=["none", "dict", "text", "sparse", "meta", "complex", "empty", "vector"],
)
def test_what_is_not_a_matrix_of_numbers_is_named(wrong: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_matrix(wrong, "query")


def test_finite_numbers_whose_sum_is_not_are_finite() -> None:
    big = np.full((2, 4), 2e38, np.float32)
    assert as_matrix(big, "query").isfinite().all()
    big[1, 2] = np.nan
    with pytest.raises(ValueError, match="the query embedding in row 1 has NaN"):
        as_matrix(big, "query")


def test_numbers_that_float32_does_not_hold_are_named() -> None:
    rows = np.array([[1.0, 0], [0, 0], [1e-60, -2e-60]])
    with pytest.raises(
        ValueError, match=r"the query embedding in row 2 is too short, at most 2\.0e-60, for its length"
    ):
        as_matrix(rows, "query")
    with pytest.raises(
        ValueError, match=r"the query embedding in row 0 has 1\.0e\+300, which does not fit into float32"
    ):
        as_matrix(rows * 1e300, "query")
    assert as_matrix(rows[:2], "query").tolist() == [[1, 0], [0, 0]]


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
