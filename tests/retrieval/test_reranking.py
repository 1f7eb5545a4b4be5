import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scalereid.retrieval.labelled import labelled
from scalereid.retrieval.reranking import Reranking, cannot_help, rerank, reranked_blocks
from scalereid.retrieval.scores import score
from tests.conftest import GOLDEN
from tests.golden import inputs
from tests.retrieval.reference import pair

GOLDEN_RANKING = json.loads((GOLDEN / "torchreid_ranking.json").read_text())
CASES = [case for case in GOLDEN_RANKING if "rerank_original" in GOLDEN_RANKING[case]]


def slow(query: NDArray[Any], gallery: NDArray[Any], k1: int, k2: int, weight: float) -> NDArray[Any]:
    """Section 3 of the paper, with sets and dense rows."""
    x = np.concatenate([query, gallery]).astype(np.float64)
    squared = ((x[:, None] - x) ** 2).sum(axis=2)
    shares = squared / squared.max(axis=1, keepdims=True)
    order = [sorted(range(len(x)), key=lambda j: (j != i, squared[i, j], j)) for i in range(len(x))]

    def reciprocal(i: int, k: int) -> set[int]:
        return {j for j in order[i][: k + 1] if i in order[j][: k + 1]}

    encoding = np.zeros_like(shares)
    for i in range(len(x)):
        core = reciprocal(i, k1)
        members = set(core)
        for j in core:
            more = reciprocal(j, round(k1 / 2))
            if len(more & core) > 2 / 3 * len(more):
                members |= more
        chosen = sorted(members)
        encoding[i, chosen] = np.exp(-shares[i, chosen])
        encoding[i] /= encoding[i].sum()
    if k2 > 1:
        encoding = np.stack([encoding[order[i][:k2]].sum(axis=0) / min(k2, len(x)) for i in range(len(x))])
    common = np.minimum(encoding[: len(query), None], encoding[None, len(query) :]).sum(axis=2)
    jaccard = 1 - common / (2 - common)
    return (1 - weight) * jaccard + weight * shares[: len(query), len(query) :]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("compat", "recorded"), [("paper", "rerank_original"), ("torchreid", "rerank_torchreid")])
def test_agrees_with_torchreid(case: str, compat: Any, recorded: str) -> None:
    expected = GOLDEN_RANKING[case][recorded]
    query, gallery, *labels = inputs.features(**GOLDEN_RANKING[case]["case"])
    distances = rerank(query, gallery, compat=compat)
    assert distances.dtype == torch.float32
    np.testing.assert_allclose(distances[0, :10], expected["row0"], atol=1e-6)
    scores = score(*pair(query, gallery, *labels), distance="euclidean", rerank=Reranking(compat=compat))
    assert scores.mAP == pytest.approx(expected["mAP"], abs=1e-6)
    np.testing.assert_allclose(scores.cmc[:20], expected["cmc"], atol=1e-6)
    assert f"re-ranked (k1 20, k2 6, λ 0.3, as {compat})" in scores.how()
    assert type(scores).from_json(scores.to_json()).rerank == Reranking(compat=compat)


def test_there_are_cases() -> None:
    assert len(CASES) >= 2


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 8), st.integers(2, 25), st.integers(1, 9), st.integers(1, 7), st.booleans()
)
def test_agrees_with_the_slow_reference(seed: int, queries: int, gallery: int, k1: int, k2: int, tied: bool) -> None:
    rng = np.random.default_rng(seed)
    n = queries + gallery
    x = (rng.integers(0, 6, (n, 2)) + 0.0 if tied else rng.standard_normal((n, 4))).astype(np.float32)
    x[0] += 20  # so that not all are the same
    expected = slow(x[:queries], x[queries:], k1, k2, 0.3)
    np.testing.assert_allclose(rerank(x[:queries], x[queries:], k1=k1, k2=k2), expected, atol=1e-5)


def test_lambda_weighs_the_original_distance() -> None:
    query, gallery, *_ = inputs.features(2, 10, 60, 6, 3)
    squared = ((query[:, None] - gallery) ** 2).sum(axis=2)
    x = np.concatenate([query, gallery])
    farthest = ((query[:, None] - x) ** 2).sum(axis=2).max(axis=1, keepdims=True)
    np.testing.assert_allclose(rerank(query, gallery, lambda_value=1.0), squared / farthest, atol=1e-5)
    none, half, whole = (rerank(query, gallery, lambda_value=weight) for weight in (0.0, 0.5, 1.0))
    torch.testing.assert_close(half, (none + whole) / 2)


def test_cosine_is_euclidean_between_embeddings_of_length_1() -> None:
    query, gallery, *_ = inputs.features(2, 10, 60, 6, 3)
    unit = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (query, gallery))
    torch.testing.assert_close(rerank(query, gallery, distance="cosine"), rerank(*unit), atol=1e-5, rtol=1e-4)


def test_blocks_change_nothing() -> None:
    query, gallery, *_ = (torch.from_numpy(x) for x in inputs.features(2, 30, 60, 6, 3))
    whole = rerank(query, gallery)
    seen = 0
    for rows, distances in reranked_blocks(query, gallery, "euclidean", Reranking(), block=150):
        assert len(distances) <= 2
        torch.testing.assert_close(distances, whole[rows])
        seen += len(distances)
    assert seen == 30


def test_it_helps_where_people_have_several_images() -> None:
    query, gallery = pair(*inputs.features(4, 60, 400, 20, 4, noise=1.6))
    plain, better = (score(query, gallery, distance="euclidean", rerank=r) for r in (None, Reranking()))
    assert better.mAP > plain.mAP + 0.05
    assert not cannot_help(gallery)
    assert cannot_help(labelled(np.eye(3), [4, 1, 3], [1, 1, 1]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k1": 0}, "k1 is 0; expected a whole number of at least 1"),
        ({"k2": 0}, "k2 is 0; expected a whole number of at least 1"),
        ({"compat": "nope"}, "No such compat: 'nope'. Choose from paper, torchreid"),
        ({"distance": "cos"}, "No such distance: 'cos'"),
        ({"lambda_value": 1.5}, "lambda_value is 1.5; expected a number from 0 to 1"),
        ({"query": np.ones((0, 3))}, "there are no query embeddings; expected at least one"),
        ({"gallery": np.ones((0, 3))}, "the gallery has no embeddings; expected at least one"),
        ({"gallery": np.ones((4, 2))}, "query and gallery embeddings differ in width: 3 and 2"),
        ({"gallery": np.full((4, 3), np.nan)}, "gallery embedding in row 0 has NaN"),
        ({"gallery": np.full((4, 3), 1e30)}, "gallery embedding in row 0 is too long: its squared length"),
        ({"query": np.full((2, 3), 1e-30)}, "query embedding in row 0 is too short, at most 1.0e-30, for its length"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"query": np.ones((2, 3)), "gallery": np.ones((4, 3))}
    with pytest.raises(ValueError, match=message):
        rerank(**(arguments | change))


def test_all_images_alike() -> None:
    distances = rerank(np.ones((2, 3)), np.ones((4, 3)))
    assert distances.isfinite().all()


def test_long_lists_are_taken_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    query, gallery, *_ = inputs.features(2, 30, 200, 6, 3)
    whole = rerank(query, gallery)
    monkeypatch.setattr("scalereid.retrieval.reranking._ENTRIES", 37)
    torch.testing.assert_close(rerank(query, gallery), whole)
