import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scalereid.retrieval.search import search


def by_brute_force(
    query: NDArray[Any], gallery: NDArray[Any], top: int, mask: NDArray[np.bool_] | None
) -> tuple[list[list[int]], NDArray[np.float64]]:
    """Sort all that the mask allows, one query after another."""
    q, g = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in (query, gallery))
    cosines = (q.astype(np.float64) @ g.T.astype(np.float64)).round(5)  # so that what is equal in float32 is equal here
    allowed = np.ones(cosines.shape, dtype=bool) if mask is None else np.broadcast_to(mask, cosines.shape)
    indices, similarities = [], np.full((len(query), top), -np.inf)
    for i, row in enumerate(cosines):
        order = sorted(np.flatnonzero(allowed[i]).tolist(), key=lambda j: (-row[j], j))[:top]
        indices.append(order + [-1] * (top - len(order)))
        similarities[i, : len(order)] = row[order]
    return indices, similarities


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(0, 9), st.integers(1, 40), st.integers(1, 50),
    st.sampled_from(["none", "gallery", "pairs"]), st.booleans(),
)  # fmt: skip
def test_agrees_with_brute_force(seed: int, queries: int, size: int, top: int, kind: str, tied: bool) -> None:
    """Masks that allow few, galleries with copies and embeddings of zeros, more results than images: all common."""
    rng = np.random.default_rng(seed)
    if tied:  # directions in the plane, a quarter turn apart
        query, gallery = (rng.integers(-1, 2, (n, 2)).astype(np.float32) for n in (queries, size))
        query, gallery = (np.where(np.abs(x).sum(axis=1, keepdims=True) > 1, 0, x) for x in (query, gallery))
    else:
        query, gallery = (rng.standard_normal((n, 8)).astype(np.float32) for n in (queries, size))
    shapes = {"gallery": (size,), "pairs": (queries, size)}
    mask = None if kind == "none" else rng.random(shapes[kind]) < rng.random()
    expected, similarities = by_brute_force(query, gallery, top, mask)
    found = search(query, gallery, top, mask=mask)
    assert found.indices.shape == found.similarities.shape == (queries, top)
    assert found.indices.dtype == np.int64
    assert found.similarities.dtype == np.float32
    if tied:
        assert found.indices.tolist() == expected
    np.testing.assert_allclose(found.similarities, similarities, atol=2e-5)
    there = found.indices >= 0
    assert (there == np.isfinite(found.similarities)).all()
    assert (found.similarities[:, 1:] <= found.similarities[:, :-1]).all()
    assert (found.similarities <= 1).all()


@pytest.mark.parametrize("kind", ["none", "gallery", "pairs"])
def test_several_blocks_of_queries(kind: str) -> None:
    """More queries than are compared at a time: rows of the mask stay with their queries."""
    rng = np.random.default_rng(0)
    query, gallery = (rng.standard_normal((n, 16)).astype(np.float32) for n in (600, 90))
    mask = {"none": None, "gallery": rng.random(90) < 0.4, "pairs": rng.random((600, 90)) < 0.4}[kind]
    expected, similarities = by_brute_force(query, gallery, 4, mask)
    found = search(query, gallery, 4, mask=mask)
    np.testing.assert_allclose(found.similarities, similarities, atol=2e-5)
    assert (found.indices == np.array(expected)).mean() > 0.999  # float32 may swap what float64 tells apart


def test_by_hand() -> None:
    """Length does not matter; equal similarities come in gallery order; what the mask forbids is not found."""
    gallery = np.array([[0.0, 9.0], [1.0, 0.0], [4.0, 0.0], [-2.0, 0.0]])
    found = search(np.array([[2.0, 0.0]]), gallery, top=3)
    assert found.indices.tolist() == [[1, 2, 0]]
    assert found.similarities.tolist() == [[1.0, 1.0, 0.0]]
    found = search(np.array([[2.0, 0.0]]), gallery, top=3, mask=np.array([False, False, True, True]))
    assert found.indices.tolist() == [[2, 3, -1]]
    assert found.similarities.tolist() == [[1.0, -1.0, -np.inf]]


def test_five_results_by_default_even_of_a_smaller_gallery() -> None:
    assert search(np.eye(3), np.eye(3)).indices.shape == (3, 5)


def test_no_queries_find_nothing() -> None:
    found = search(np.ones((0, 4), np.float32), np.ones((3, 4), np.float32), top=2)
    assert found.indices.shape == found.similarities.shape == (0, 2)


def test_tensors_and_arrays_are_searched_alike() -> None:
    rng = np.random.default_rng(0)
    query, gallery, mask = rng.standard_normal((5, 8)), rng.standard_normal((30, 8)), rng.random((5, 30)) < 0.5
    arrays = search(query, gallery, mask=mask)
    tensors = search(torch.from_numpy(query), torch.from_numpy(gallery), mask=torch.from_numpy(mask))
    assert isinstance(tensors.indices, np.ndarray)
    assert tensors.indices.tolist() == arrays.indices.tolist()
    assert tensors.similarities.tolist() == arrays.similarities.tolist()


def test_memory_maps_are_searched_in_place(tmp_path: Path) -> None:
    """Read-only files, of the mask too: nothing warns."""
    rng = np.random.default_rng(0)
    values: dict[str, Any] = {"query": rng.standard_normal((3, 64), np.float32)}
    values |= {"gallery": rng.standard_normal((500, 64), np.float32), "mask": rng.random((3, 500)) < 0.3}
    for name, array in values.items():
        np.save(tmp_path / f"{name}.npy", array)
    mapped = {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in values}
    assert search(**mapped).indices.tolist() == search(**values).indices.tolist()


MEMORY = """
import re, numpy as np
import subprocess
import sys
from pathlib import Path
from scalereid.retrieval.search import search

def memory(field):
    return int(re.search(rf"{field}:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024

rng = np.random.default_rng(0)
query, gallery = rng.standard_normal((1_000, 8), np.float32), rng.standard_normal((200_000, 8), np.float32)
before = memory("VmRSS")
search(query, gallery, mask=rng.random(200_000) < 0.5)
print(memory("VmHWM") - before)
"""


def test_the_matrix_of_similarities_is_never_whole() -> None:
    """1,000 × 200,000 of them would be 800 MB."""
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells a process's peak of memory in /proc")
    printed = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True).stdout
    assert int(printed) < 250


def test_the_mask_is_not_changed() -> None:
    mask = np.array([True, False, True])
    search(np.eye(3), np.eye(3), mask=mask)
    assert mask.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gallery": np.ones((0, 4))}, "the gallery has no embeddings; expected at least one"),
        ({"gallery": np.ones((3, 5))}, "query and gallery embeddings differ in width: 4 and 5"),
        ({"query": np.ones(4)}, r"query embeddings have shape \[4\]; expected \(n, d\)"),
        ({"gallery": np.full((3, 4), np.nan)}, "the gallery embedding in row 0 has NaN or infinity"),
        ({"top": 0}, "top is 0; expected a whole number from 1 to 1,000,000"),
        ({"top": -1}, "top is -1; expected a whole number from 1"),
        ({"mask": np.ones(3)}, r"mask has type torch\.float64; expected booleans"),
        ({"mask": np.array([0, 1, 2])}, r"mask has type torch\.int64; expected booleans"),
        ({"mask": np.ones(2, dtype=bool)}, r"mask has shape \[2\]; expected \[3\] or \[2, 3\]"),
        ({"mask": np.ones((3, 2), dtype=bool)}, r"mask has shape \[3, 2\]; expected \[3\] or \[2, 3\]"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"query": np.ones((2, 4)), "gallery": np.ones((3, 4))}
    with pytest.raises(ValueError, match=message):
        search(**(arguments | change))


@pytest.mark.gpu
def test_a_gpu_finds_the_same() -> None:
    rng = np.random.default_rng(0)
    query, gallery, mask = rng.standard_normal((40, 8)), rng.standard_normal((300, 8)), rng.random(300) < 0.5
    here = search(query, gallery, mask=mask)
    there = search(torch.from_numpy(query).cuda(), torch.from_numpy(gallery), mask=mask)
    np.testing.assert_allclose(there.similarities, here.similarities, atol=1e-5)
    assert (there.indices == here.indices).mean() > 0.99
