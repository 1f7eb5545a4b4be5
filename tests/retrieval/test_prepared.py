from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scalereid.retrieval import nearest, prepared
from scalereid.retrieval.arrays import rank
from scalereid.retrieval.codes import Codes
from scalereid.retrieval.expansion import augment_gallery
from scalereid.retrieval.labelled import labelled
from scalereid.retrieval.prepared import PreparedGallery
from scalereid.retrieval.search import search

RESULT, CANDIDATE = nearest._RESULT, nearest._CANDIDATE


class Counted(nearest._Rough):
    """Rough distances that say when they are computed, and when few enough are left."""

    computed, used = 0, 0

    def __init__(self, gallery: Codes, query: torch.Tensor, top: int) -> None:
        Counted.computed += 1
        super().__init__(gallery, query, top)

    def candidates(self) -> Iterator[tuple[int, torch.Tensor]]:
        Counted.used += 1
        return super().candidates()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> type[Counted]:
    monkeypatch.setattr(nearest, "_Rough", Counted)
    Counted.computed, Counted.used = 0, 0
    return Counted


@pytest.fixture(autouse=True)
def in_eight_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where float32 is faster."""
    monkeypatch.setattr(prepared, "int8_is_fast", lambda: True)
    monkeypatch.setattr(nearest, "_RESULT", 0)
    monkeypatch.setattr(nearest, "_CANDIDATE", 0)


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


@pytest.mark.parametrize(
    ("queries", "size", "top", "in_eight_bits"),
    [
        (1, 3_000, 3, False), (1, 4_000, 3, True), (1, 4_000, 20, False), (1, 8_000, 20, True),
        (256, 56_000, 10, False), (256, 57_000, 10, True),
    ],
)  # fmt: skip
def test_float32_where_the_gallery_is_small(
    monkeypatch: pytest.MonkeyPatch, counted: type[Counted], queries: int, size: int, top: int, in_eight_bits: bool
) -> None:
    monkeypatch.setattr(nearest, "_RESULT", RESULT)
    rng = np.random.default_rng(0)
    query, gallery = (rng.standard_normal((n, 8), np.float32) for n in (queries, size))
    found, expected = search(query, PreparedGallery(gallery), top), search(query, gallery, top)
    assert counted.computed == in_eight_bits
    assert found.indices.tolist() == expected.indices.tolist()
    assert found.similarities.tolist() == expected.similarities.tolist()


@pytest.mark.parametrize("masked", [False, True])
def test_float32_where_there_are_too_many_candidates(
    monkeypatch: pytest.MonkeyPatch, counted: type[Counted], masked: bool
) -> None:
    """Copies of a query, all of which may be the nearest."""
    monkeypatch.setattr(nearest, "_CANDIDATE", CANDIDATE)
    rng = np.random.default_rng(0)
    query, gallery = (rng.standard_normal((n, 8), np.float32) for n in (20, 9_000))
    mask = rng.random(9_000) < 0.5 if masked else None
    for copies in (0, 8_000):
        gallery[:copies] = query[3]
        found, expected = search(query, PreparedGallery(gallery), 3, mask=mask), search(query, gallery, 3, mask=mask)
        assert found.indices.tolist() == expected.indices.tolist()
        assert found.similarities.tolist() == expected.similarities.tolist()
    assert (counted.computed, counted.used) == (2, 1)


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
