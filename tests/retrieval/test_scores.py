import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scalereid.retrieval.reranking import Reranking
from scalereid.retrieval.scores import Scores, score
from tests.conftest import GOLDEN
from tests.golden import inputs


def slow(
    distances: NDArray[Any], q_pids: Any, g_pids: Any, q_camids: Any, g_camids: Any, max_rank: int
) -> tuple[float, float, list[float], int]:
    """The protocol as one would explain it: sort, drop, walk down the list."""
    precisions, penalties, firsts, without = [], [], [], 0
    for i, row in enumerate(distances):
        order = sorted(range(len(row)), key=lambda j: (row[j], j))
        kept = [j for j in order if not (g_pids[j] == q_pids[i] and g_camids[j] == q_camids[i])]
        hits = [place for place, j in enumerate(kept, start=1) if g_pids[j] == q_pids[i]]
        if not hits:
            without += 1
            continue
        precisions.append(sum(n / place for n, place in enumerate(hits, start=1)) / len(hits))
        penalties.append(len(hits) / hits[-1])
        firsts.append(hits[0])
    cmc = [sum(first <= k for first in firsts) / len(firsts) for k in range(1, max_rank + 1)]
    return sum(precisions) / len(precisions), sum(penalties) / len(penalties), cmc, without


def on_a_line(query: list[float], gallery: list[float], **people: Any) -> Scores:
    """Score numbers on a line, whose distances anyone can check."""
    return score(
        np.array(query)[:, None],
        np.array(gallery)[:, None],
        distance="euclidean",
        max_rank=people.pop("max_rank", 5),
        **people,
    )


def test_a_table_to_check_by_hand() -> None:
    """One query at 0. In order: wrong, RIGHT, (own camera, left out), wrong, RIGHT."""
    scores = on_a_line(
        [0.0], [4.0, 1.0, 2.0, 3.0, 5.0], query_pids=[7], gallery_pids=[8, 9, 7, 7, 7], query_camids=[1],
        gallery_camids=[2, 2, 2, 1, 3],
    )  # fmt: skip
    assert scores.mAP == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert scores.mINP == pytest.approx(2 / 4)
    assert scores.cmc.tolist() == [0, 1, 1, 1, 1]
    assert scores.rank(1) == 0
    assert scores.rank(2) == 1
    assert (scores.queries, scores.queries_without_match) == (1, 0)


def test_queries_without_a_match_count_in_nothing_but_their_number() -> None:
    """The second query is only matched by its own camera, the third by nobody."""
    scores = on_a_line(
        [0.0, 0.0, 0.0],
        [1.0, 2.0],
        query_pids=[1, 2, 3],
        gallery_pids=[1, 2],
        query_camids=[1, 1, 1],
        gallery_camids=[2, 1],
    )
    assert scores.mAP == 1
    assert (scores.queries, scores.queries_without_match) == (3, 2)


def test_equal_distances_keep_gallery_order() -> None:
    """All at the same distance: wrong, RIGHT, wrong, RIGHT."""
    scores = on_a_line(
        [0.0],
        [1.0, -1.0, 1.0, -1.0],
        query_pids=[1],
        gallery_pids=[2, 1, 2, 1],
        query_camids=[1],
        gallery_camids=[2] * 4,
    )
    assert scores.mAP == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert scores.mINP == pytest.approx(2 / 4)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("queries", [1, 5, 40])
def test_copies_of_an_image_are_tied(queries: int, distance: Any) -> None:
    """Each right image is a copy of a wrong one that stands before it, and nearest: always second, however few queries."""
    rng = np.random.default_rng(queries)
    for size in (1_003, 4_001):
        gallery = rng.standard_normal((size, 512)).astype(np.float32)
        pids = np.arange(size)
        first = rng.permutation(size // 2)[:queries]
        second = size // 2 + rng.permutation(size // 2)[:queries]
        gallery[second] = gallery[first]
        query = gallery[first] + 0.01 * rng.standard_normal((queries, 512)).astype(np.float32)
        scores = score(
            query, gallery, query_pids=pids[second], gallery_pids=pids, query_camids=[1] * queries,
            gallery_camids=[2] * size, distance=distance,
        )  # fmt: skip
        assert scores.cmc[:2].tolist() == [0, 1]


def test_fewer_images_than_ranks() -> None:
    scores = on_a_line(
        [0.0, 5.0],
        [1.0, 2.0],
        query_pids=[1, 2],
        gallery_pids=[1, 2],
        query_camids=[1, 1],
        gallery_camids=[2, 2],
        max_rank=50,
    )
    assert len(scores.cmc) == 50
    assert scores.cmc[-1] == 1


@pytest.mark.parametrize("case", ["small", "market_like", "few_matches", "hard"])
@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_agrees_with_torchreid(case: str, distance: Any) -> None:
    golden = json.loads((GOLDEN / "torchreid_ranking.json").read_text())[case]
    query, gallery, q_pids, g_pids, q_camids, g_camids = inputs.features(**golden["case"])
    scores = score(
        query, gallery, query_pids=q_pids, gallery_pids=g_pids, query_camids=q_camids, gallery_camids=g_camids,
        distance=distance,
    )  # fmt: skip
    assert scores.mAP == pytest.approx(golden[distance]["mAP"], abs=1e-6)
    np.testing.assert_allclose(scores.cmc[:20], golden[distance]["cmc"], atol=1e-6)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_the_block_size_changes_nothing(distance: Any) -> None:
    query, gallery, *people = inputs.features(3, 50, 300, 20, 4)
    names = ("query_pids", "gallery_pids", "query_camids", "gallery_camids")
    arguments: dict[str, Any] = dict(zip(names, people, strict=True)) | {"distance": distance}
    whole = score(query, gallery, **arguments)
    parts = score(query, gallery, **arguments, block=900)  # three queries at a time
    assert score(query, gallery, **arguments, block=1).mAP == pytest.approx(whole.mAP, abs=1e-12)
    assert parts.mAP == pytest.approx(whole.mAP, abs=1e-12)
    assert parts.mINP == pytest.approx(whole.mINP, abs=1e-12)
    assert parts.cmc.tolist() == whole.cmc.tolist()
    q_pids, g_pids, q_camids, g_camids = people
    distances = _distances(query, gallery, distance)
    mean, penalty, cmc, without = slow(distances, q_pids, g_pids, q_camids, g_camids, 50)
    assert whole.mAP == pytest.approx(mean, abs=1e-6)
    assert whole.mINP == pytest.approx(penalty, abs=1e-6)
    np.testing.assert_allclose(whole.cmc, cmc, atol=1e-9)
    assert whole.queries_without_match == without


def _distances(query: NDArray[Any], gallery: NDArray[Any], distance: str) -> NDArray[Any]:
    q, g = query.astype(np.float64), gallery.astype(np.float64)
    if distance == "cosine":
        q, g = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (q, g))
        return 1 - q @ g.T
    return ((q[:, None] - g) ** 2).sum(axis=2)


def test_tensors_and_arrays_score_alike() -> None:
    query, gallery, *people = inputs.features(5, 10, 60, 6, 3)
    names = ("query_pids", "gallery_pids", "query_camids", "gallery_camids")
    as_arrays: dict[str, Any] = dict(zip(names, people, strict=True))
    as_tensors: dict[str, Any] = {name: torch.from_numpy(numbers) for name, numbers in as_arrays.items()}
    scores = score(torch.from_numpy(query), torch.from_numpy(gallery), **as_tensors)
    assert scores.mAP == score(query, gallery, **as_arrays).mAP


PEOPLE: dict[str, Any] = {"query_pids": [1], "gallery_pids": [1, 2], "query_camids": [1], "gallery_camids": [2, 2]}


@pytest.mark.parametrize(
    ("query", "gallery", "change", "message"),
    [
        (np.ones((0, 4)), np.ones((2, 4)), {}, "there are 0 query and 2 gallery embeddings"),
        (np.ones((1, 4)), np.ones((0, 4)), {"gallery_pids": [], "gallery_camids": []}, "1 query and 0 gallery"),
        (np.ones((1, 4)), np.ones((2, 5)), {}, "query embeddings have 4 numbers and gallery embeddings 5"),
        (np.ones(4), np.ones((2, 4)), {}, r"the query embeddings are \[4\]; they must be a matrix"),
        (np.ones((1, 4)), np.array([[1.0] * 4, [np.nan] * 4]), {}, "gallery embedding in row 1 holds NaN"),
        (np.full((1, 4), np.inf), np.ones((2, 4)), {}, "query embedding in row 0 holds NaN or infinity"),
        (np.ones((1, 4)), np.ones((2, 4)), {"gallery_pids": [1]}, r"gallery_pids has shape \[1\], but there are 2"),
        (np.ones((1, 4)), np.ones((2, 4)), {"gallery_pids": [3, 2]}, "none of the 1 queries' people is in the gallery"),
        (np.ones((1, 4)), np.ones((2, 4)), {"gallery_camids": [1, 1]}, "only from their own camera, .* two cameras"),
        (
            np.ones((1, 4)),
            np.ones((2, 4)),
            {"distance": "manhattan"},
            "no distance 'manhattan'; it can be cosine, euclidean",
        ),
        (np.ones((1, 4)), np.ones((2, 4)), {"protocol": "x"}, "there is no protocol 'x'"),
        (
            np.ones((1, 4)),
            np.ones((2, 4)),
            {"average_precision": "x"},
            "no average precision 'x'; it can be at-matches",
        ),
        (np.ones((1, 4)), np.ones((2, 4)), {"query_pids": [-1]}, "query 0 has pid −1, which is junk"),
        (np.ones((1, 4)), np.ones((2, 4)), {"query_images": [3]}, "query_images and gallery_images go together"),
    ],
)
def test_bad_input_is_named(query: Any, gallery: Any, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        score(query, gallery, **(PEOPLE | change))


def test_ranks_that_do_not_exist() -> None:
    scores = score(np.eye(4)[:1], np.eye(4)[:2], **PEOPLE, max_rank=3)
    for k in (0, 4):
        with pytest.raises(ValueError, match=f"there is no rank-{k}: the CMC has ranks 1 to 3"):
            scores.rank(k)


MEMORY = """
import re, torch, numpy as np, scalereid
from pathlib import Path
rng = np.random.default_rng(0)
def side(n):
    return rng.standard_normal((n, 512), np.float32), rng.integers(0, 751, n), rng.integers(0, 6, n)
(query, q_pids, q_camids), (gallery, g_pids, g_camids) = side(3368), side(15913)
scalereid.score(query, gallery, query_pids=q_pids, gallery_pids=g_pids, query_camids=q_camids, gallery_camids=g_camids)
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def test_market1501_sizes_fit_in_500_megabytes() -> None:
    """The whole process: Python, torch, the embeddings and what scoring needs.

    Asked of /proc, because getrusage starts a program's peak at that of the program that started it.
    """
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells a process's peak of memory in /proc")
    printed = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True).stdout
    assert int(printed) < 500


def test_scores_as_json() -> None:
    scores = score(np.eye(4)[:1], np.eye(4)[:2], **PEOPLE, max_rank=3)
    assert json.loads(json.dumps(scores.to_json())) == {
        "mAP": 1.0, "mINP": 1.0, "cmc": [1.0, 1.0, 1.0], "queries": 1, "queries_without_match": 0, "distance": "cosine",
        "protocol": "market1501", "average_precision": "at-matches", "rerank": None, "splits": 1,
    }  # fmt: skip


def test_each_querys_own_scores_are_kept() -> None:
    """Found first; found second; nobody to find."""
    scores = on_a_line(
        [0.0, 10.0, 20.0], [1.0, 11.0, 12.0], query_pids=[1, 2, 3], gallery_pids=[1, 1, 2], query_camids=[1, 1, 1],
        gallery_camids=[2, 2, 2],
    )  # fmt: skip
    assert scores.per_query is not None
    assert scores.per_query.first_match.tolist() == [1, 2, 0]
    first = (1 + 2 / 2) / 2
    np.testing.assert_allclose(scores.per_query.average_precision, [first, 1 / 2, np.nan])
    assert scores.mAP == pytest.approx((first + 1 / 2) / 2)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("copies", [1, 40])
def test_float32_ranks_as_float64_does(distance: Any, copies: int) -> None:
    """Also where every image is there forty times, so that thousands of distances are tied."""
    query, gallery, q_pids, g_pids, q_camids, g_camids = inputs.features(7, 60, 80, 12, 3)
    gallery, g_pids, g_camids = (np.tile(x, (copies, 1)[: x.ndim]) for x in (gallery, g_pids, g_camids))
    query[:20] = gallery[:20]
    scores = score(
        query, gallery, query_pids=q_pids, gallery_pids=g_pids, query_camids=q_camids, gallery_camids=g_camids,
        distance=distance,
    )  # fmt: skip
    distances = _distances(query, gallery, distance)
    distances = np.tile(distances[:, :80], (1, copies))  # copies are at the very same distance
    mean, penalty, cmc, _ = slow(distances, q_pids, g_pids, q_camids, g_camids, 50)
    assert scores.mAP == pytest.approx(mean, abs=1e-6)
    assert scores.mINP == pytest.approx(penalty, abs=1e-6)
    np.testing.assert_allclose(scores.cmc, cmc, atol=1e-6)


def test_memory_maps_are_read_in_place(tmp_path: Path) -> None:
    query, gallery, *people = inputs.features(3, 20, 300, 20, 4)
    names = ("query_pids", "gallery_pids", "query_camids", "gallery_camids")
    arguments: dict[str, Any] = dict(zip(names, people, strict=True))
    mapped = []
    for name, values in (("query", query), ("gallery", gallery)):
        np.save(tmp_path / f"{name}.npy", values)
        mapped.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    assert score(*mapped, **arguments).to_json() == score(query, gallery, **arguments).to_json()


@pytest.mark.slow
def test_more_pairs_than_32_bits_count() -> None:
    """50,000 × 50,000: each query's match is at place 50,000, the last."""
    n = 50_000
    query, gallery = np.zeros((n, 1), np.float32), np.zeros((n, 1), np.float32)
    gallery[-1] = 1
    labels: dict[str, Any] = {"query_pids": np.ones(n), "gallery_pids": np.r_[np.zeros(n - 1), 1]}
    labels |= {"query_camids": np.zeros(n), "gallery_camids": np.ones(n)}
    scores = score(query, gallery, **labels, distance="euclidean")
    assert scores.mAP == pytest.approx(1 / n)
    assert scores.cmc[-1] == 0


@pytest.mark.gpu
@pytest.mark.parametrize("rerank", [None, Reranking()])
@pytest.mark.parametrize("protocol", ["market1501", "all-cameras", "single-gallery-shot"])
def test_a_gpu_scores_alike(protocol: Any, rerank: Any) -> None:
    query, gallery, *people = inputs.features(3, 50, 300, 20, 4)
    names = ("query_pids", "gallery_pids", "query_camids", "gallery_camids")
    arguments: dict[str, Any] = dict(zip(names, people, strict=True)) | {"protocol": protocol, "rerank": rerank}
    there = score(torch.from_numpy(query).cuda(), torch.from_numpy(gallery).cuda(), **arguments)
    here = score(query, gallery, **arguments)
    assert there.mAP == pytest.approx(here.mAP, abs=1e-5)
    np.testing.assert_allclose(there.cmc, here.cmc, atol=0.02)
