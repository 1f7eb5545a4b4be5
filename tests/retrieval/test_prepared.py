from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scalereid.retrieval import prepared
from scalereid.retrieval.arrays import rank
from scalereid.retrieval.expansion import augment_gallery
from scalereid.retrieval.labelled import labelled
from scalereid.retrieval.prepared import PreparedGallery
from scalereid.retrieval.search import search


@pytest.fixture(autouse=True)
def in_eight_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where float32 is faster."""
    monkeypatch.setattr(prepared, "int8_is_fast", lambda: True)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 20), st.integers(1, 3_000), st.integers(1, 60), st.sampled_from([1, 2, 16, 70]),
    st.sampled_from(["none", "gallery", "pairs"]), st.sampled_from(["copies", "outliers", "lengths"]),
)  # fmt: skip
def test_finds_the_same_to_the_bit(
    seed: int, queries: int, size: int, top: int, width: int, masked: str, kind: str
) -> None:
    """Copies, embeddings of zeros, single large numbers and lengths of many magnitudes."""
    rng = np.random.default_rng(seed)
    query, gallery = (rng.standard_normal((n, width), np.float32) for n in (queries, size))
    if kind == "copies":
        gallery = np.concatenate([gallery[rng.integers(0, min(9, size), size - size // 20)], query])[:size]
        gallery[rng.random(len(gallery)) < 0.1] = 0
    elif kind == "outliers":
        gallery[rng.integers(0, size), rng.integers(0, width)] = 1e4
    else:
        gallery *= 10 ** rng.uniform(-6, 6, (size, 1)).astype(np.float32)
    shapes = {"gallery": (len(gallery),), "pairs": (queries, len(gallery))}
    mask = None if masked == "none" else rng.random(shapes[masked]) < rng.random()
    there, expected = search(query, PreparedGallery(gallery), top, mask=mask), search(query, gallery, top, mask=mask)
    assert there.indices.tolist() == expected.indices.tolist()
    assert there.similarities.tolist() == expected.similarities.tolist()


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_ranks_the_same_to_the_bit(distance: Any) -> None:
    """Several blocks of queries, junk, and images left out for some queries."""
    rng = np.random.default_rng(0)
    query, gallery = (rng.standard_normal((n, 32), np.float32) for n in (300, 5_000))
    labels: dict[str, Any] = {"query_pids": rng.integers(0, 9, 300), "gallery_pids": rng.integers(-1, 9, 5_000)}
    labels |= {"query_camids": rng.integers(0, 2, 300), "gallery_camids": rng.integers(0, 2, 5_000)}
    found, expected = (rank(query, g, **labels, distance=distance, top=50) for g in (PreparedGallery(gallery), gallery))
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))


def test_few_distances_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    gallery, computed = PreparedGallery(rng.standard_normal((20_000, 64), np.float32)), []
    products = "scalereid.retrieval.distances.products"
    monkeypatch.setattr(products, lambda one, other: computed.append(len(other)) or one @ other.T)  # type: ignore
    search(rng.standard_normal((1, 64), np.float32), gallery, 10)
    assert 10 <= sum(computed) < 500


def test_float32_where_int8_is_not_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "int8_is_fast", lambda: False)
    gallery = PreparedGallery(np.eye(3))
    assert gallery.codes is None
    assert search(np.eye(3), gallery, 1).indices.tolist() == [[0], [1], [2]]


def test_embeddings_that_were_changed_are_searched_as_they_are_now() -> None:
    gallery = labelled(PreparedGallery(np.eye(3)), [1, 2, 3], [1, 1, 1])
    assert gallery.ready is not None
    assert augment_gallery(gallery).ready is None
    assert gallery.rows(slice(0, 2)).ready is None
    assert gallery.to(torch.device("cpu")).ready is gallery.ready


def test_embeddings_are_not_copied() -> None:
    values = np.ones((3, 4), np.float32)
    assert PreparedGallery(values).embeddings.data_ptr() == values.ctypes.data
    assert repr(PreparedGallery(values)) == "<PreparedGallery: 3 embeddings of 4 numbers>"


def test_bad_embeddings_are_named() -> None:
    with pytest.raises(ValueError, match="the gallery embedding in row 0 has NaN or infinity"):
        PreparedGallery(np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match="the gallery has no embeddings; expected at least one"):
        search(np.ones((1, 2)), PreparedGallery(np.ones((0, 2))))
