import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalereid.retrieval.labelled import labelled
from scalereid.retrieval.per_query import PerQuery
from scalereid.retrieval.reranking import Reranking
from scalereid.retrieval.scores import Scores, mean_scores, score
from tests.conftest import GOLDEN
from tests.golden import inputs
from tests.retrieval.reference import Labels, distances_between, on_a_line, pair, slow_scores

PROTOCOLS = ["market1501", "all-cameras", "single-gallery-shot"]


def test_a_table_to_check_by_hand() -> None:
    """One query at 0. In order: wrong, RIGHT, (own camera, left out), wrong, RIGHT."""
    both = on_a_line([0.0], [4.0, 1.0, 2.0, 3.0, 5.0], [7], [8, 9, 7, 7, 7], [1], [2, 2, 2, 1, 3])
    scores = score(*both, distance="euclidean", max_rank=5)
    assert scores.mAP == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert scores.mINP == pytest.approx(2 / 4)
    assert scores.cmc.tolist() == [0, 1, 1, 1, 1]
    assert scores.rank(1) == 0
    assert scores.rank(2) == 1
    assert (scores.queries, scores.queries_without_match) == (1, 0)


def test_queries_without_a_match_count_in_nothing_but_their_number() -> None:
    """The second query's only match is from its own camera, the third has none."""
    scores = score(*on_a_line([0.0] * 3, [1.0, 2.0], [1, 2, 3], [1, 2], [1, 1, 1], [2, 1]), distance="euclidean")
    assert scores.mAP == 1
    assert (scores.queries, scores.queries_without_match) == (3, 2)


def test_equal_distances_keep_gallery_order() -> None:
    """All at the same distance: wrong, RIGHT, wrong, RIGHT."""
    scores = score(*on_a_line([0.0], [1.0, -1.0, 1.0, -1.0], [1], [2, 1, 2, 1], [1], [2] * 4), distance="euclidean")
    assert scores.mAP == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert scores.mINP == pytest.approx(2 / 4)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("queries", [1, 5, 40])
def test_copies_of_an_image_are_tied(queries: int, distance: Any) -> None:
    """Each match is a copy of a wrong image that stands before it, and nearest: always second, however few queries."""
    rng = np.random.default_rng(queries)
    for size in (1_003, 4_001):
        gallery = rng.standard_normal((size, 512)).astype(np.float32)
        pids = np.arange(size)
        first = rng.permutation(size // 2)[:queries]
        second = size // 2 + rng.permutation(size // 2)[:queries]
        gallery[second] = gallery[first]
        query = gallery[first] + 0.01 * rng.standard_normal((queries, 512)).astype(np.float32)
        scores = score(*pair(query, gallery, pids[second], pids, [1] * queries, [2] * size), distance=distance)
        assert scores.cmc[:2].tolist() == [0, 1]


def test_fewer_images_than_ranks() -> None:
    scores = score(*on_a_line([0.0, 5.0], [1.0, 2.0], [1, 2], [1, 2], [1, 1], [2, 2]), distance="euclidean")
    assert len(scores.cmc) == 50
    assert scores.cmc[-1] == 1


@pytest.mark.parametrize("case", ["small", "market_like", "few_matches", "hard"])
@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_agrees_with_torchreid(case: str, distance: Any) -> None:
    golden = json.loads((GOLDEN / "torchreid_ranking.json").read_text())[case]
    scores = score(*pair(*inputs.features(**golden["case"])), distance=distance)
    assert scores.mAP == pytest.approx(golden[distance]["mAP"], abs=1e-6)
    np.testing.assert_allclose(scores.cmc[:20], golden[distance]["cmc"], atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 30), st.integers(1, 6), st.integers(1, 3),
    st.sampled_from(PROTOCOLS), st.booleans(), st.booleans(),
)  # fmt: skip
def test_agrees_with_the_slow_reference(
    seed: int, queries: int, gallery: int, people: int, cameras: int, protocol: Any, trapezoid: bool, tied: bool
) -> None:
    """Junk, distractors, queries in the gallery, ties, people without a match: all common."""
    rng = np.random.default_rng(seed)
    q = Labels(rng.integers(0, people, queries), rng.integers(0, cameras, queries), np.arange(queries))
    images = rng.permutation(queries + gallery)[:gallery]
    g = Labels(rng.integers(-1, people, gallery), rng.integers(0, cameras, gallery), images)
    at = (rng.integers(0, 4 if tied else 1_000, n) for n in (queries, gallery))  # whole numbers, so exact in float32
    x, y = (values.astype(np.float32)[:, None] for values in at)
    both = pair(x, y, q.pids, g.pids, q.camids, g.camids, q.images, g.images)
    expected = slow_scores((x - y.T) ** 2, q, g, protocol, trapezoid=trapezoid, max_rank=10)
    how: dict[str, Any] = {"distance": "euclidean", "protocol": protocol, "max_rank": 10}
    how["ap_rule"] = "trapezoid" if trapezoid else "at-matches"
    if expected.queries_without_match == queries:
        with pytest.raises(ValueError, match="no query has a match"):
            score(*both, **how)
        return
    for block in (1_000_000, 1):
        scores = score(*both, **how, block=block)
        assert scores.mAP == pytest.approx(expected.mAP, abs=1e-9)
        assert scores.mINP == pytest.approx(expected.mINP, abs=1e-9)
        assert scores.cmc.tolist() == pytest.approx(expected.cmc, abs=1e-9)
        assert scores.queries_without_match == expected.queries_without_match


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_the_block_size_changes_nothing(distance: Any) -> None:
    query, gallery, q_pids, g_pids, q_camids, g_camids = features = inputs.features(3, 20, 60, 8, 4)
    both = pair(*features)
    whole = score(*both, distance=distance)
    for block in (1, 340):  # one distance at a time, and 17 images of all queries, so fewer in the last part
        parts = score(*both, distance=distance, block=block)
        assert parts.mAP == pytest.approx(whole.mAP, abs=1e-12)
        assert parts.mINP == pytest.approx(whole.mINP, abs=1e-12)
        assert parts.cmc.tolist() == whole.cmc.tolist()
    expected = slow_scores(
        distances_between(query, gallery, distance),
        Labels(q_pids, q_camids, q_pids),
        Labels(g_pids, g_camids, g_pids),
        "market1501",
        max_rank=50,
    )
    assert whole.mAP == pytest.approx(expected.mAP, abs=1e-6)
    assert whole.mINP == pytest.approx(expected.mINP, abs=1e-6)
    np.testing.assert_allclose(whole.cmc, expected.cmc, atol=1e-9)
    assert whole.queries_without_match == expected.queries_without_match


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("copies", [1, 40])
def test_float32_ranks_as_float64_does(distance: Any, copies: int) -> None:
    """Also where every image is there forty times, so that thousands of distances are tied."""
    query, gallery, q_pids, g_pids, q_camids, g_camids = inputs.features(7, 60, 80, 12, 3)
    gallery, g_pids, g_camids = (np.tile(x, (copies, 1)[: x.ndim]) for x in (gallery, g_pids, g_camids))
    query[:20] = gallery[:20]
    scores = score(*pair(query, gallery, q_pids, g_pids, q_camids, g_camids), distance=distance)
    distances = distances_between(query, gallery[:80], distance)
    distances = np.tile(distances, (1, copies))  # copies are at the very same distance
    q, g = Labels(q_pids, q_camids, q_pids), Labels(g_pids, g_camids, g_pids)
    expected = slow_scores(distances, q, g, "market1501", max_rank=50)
    assert scores.mAP == pytest.approx(expected.mAP, abs=1e-6)
    assert scores.mINP == pytest.approx(expected.mINP, abs=1e-6)
    np.testing.assert_allclose(scores.cmc, expected.cmc, atol=1e-6)


def test_the_trapezoid_rule_by_hand() -> None:
    """In order: wrong, RIGHT, RIGHT: precision 1/2 and 2/3 at the matches, 0 and 1/2 just before them."""
    labels = [1], [2, 1, 1], [1], [2, 2, 2]
    scores = score(*on_a_line([0.0], [1.0, 2.0, 3.0], *labels), distance="euclidean", ap_rule="trapezoid")
    assert scores.mAP == pytest.approx(((0 + 1 / 2) / 2 + (1 / 2 + 2 / 3) / 2) / 2)
    assert scores.how() == "euclidean distance, market1501 protocol, average precision by trapezoid"
    first = score(*on_a_line([0.0], [3.0, 1.0, 2.0], *labels), distance="euclidean", ap_rule="trapezoid")
    assert first.mAP == 1  # nothing before rank 1


def test_one_camera_by_hand() -> None:
    """The query itself is nearest and left out; its own camera's other image is right, at rank 2."""
    labels: tuple[Any, ...] = ([1], [1, 2, 1], [1], [1, 1, 1], [7], [7, 8, 9])
    how: dict[str, Any] = {"distance": "euclidean", "protocol": "all-cameras"}
    assert score(*on_a_line([0.0], [0.0, 1.0, 2.0], *labels), **how).mAP == pytest.approx(1 / 2)
    only_itself = ([1], [1, 2, 2], *labels[2:])
    with pytest.raises(ValueError, match="leaves out the query's own image"):
        score(*on_a_line([0.0], [0.0, 1.0, 2.0], *only_itself), **how)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_junk_is_neither_right_nor_wrong(protocol: Any) -> None:
    """The junk image, nearest of all, does not push the match to rank 2."""
    both = on_a_line([0.0], [0.0, 1.0], [1], [-1, 1], [1], [2, 2])
    assert score(*both, distance="euclidean", protocol=protocol).rank(1) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_junk_is_nobodys_neighbour(protocol: Any) -> None:
    """Every third gallery image is junk: re-ranked scores are those of a gallery without it."""
    query, gallery, q_pids, g_pids, q_camids, g_camids = inputs.features(4, 20, 90, 10, 3)
    junk = np.arange(90) % 3 == 0
    images = np.arange(110)
    labels = q_camids, g_camids, images[:20], images[20:]
    full = pair(query, gallery, q_pids, np.where(junk, -1, g_pids), *labels)
    how: dict[str, Any] = {"protocol": protocol, "rerank": Reranking(k1=8, k2=3)}
    scores, without = score(*full, **how), score(full[0], full[1].rows(~junk), **how)
    assert scores.to_json() == without.to_json()
    assert scores.mAP != pytest.approx(score(*full, protocol=protocol).mAP)
    nobody = pair(query, gallery, q_pids, [-1] * 90, *labels)
    with pytest.raises(ValueError, match="none of the people of the 20 queries is in the gallery"):
        score(*nobody, **how)


def test_the_results_of_each_query_are_kept() -> None:
    """Found first; found second; no match."""
    both = on_a_line([0.0, 10.0, 20.0], [1.0, 11.0, 12.0], [1, 2, 3], [1, 1, 2], [1, 1, 1], [2, 2, 2])
    scores = score(*both, distance="euclidean")
    assert scores.per_query is not None
    assert scores.per_query.first_match.tolist() == [1, 2, 0]
    assert scores.per_query.pids.tolist() == [1, 2, 3]
    first = (1 + 2 / 2) / 2
    np.testing.assert_allclose(scores.per_query.average_precision, [first, 1 / 2, np.nan])
    assert scores.mAP == pytest.approx((first + 1 / 2) / 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distance": "manhattan"}, "No such distance: 'manhattan'. Choose from cosine, euclidean"),
        ({"protocol": "x"}, "No such protocol: 'x'. Choose from market1501, all-cameras"),
        ({"ap_rule": "x"}, "No such ap_rule: 'x'. Choose from at-matches, trapezoid"),
        ({"max_rank": 0}, "max_rank is 0; expected a whole number from 1 to 1,000,000"),
        ({"max_rank": 10**9}, "max_rank is 1000000000; expected a whole number from 1 to 1,000,000"),
    ],
)
def test_unknown_settings_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        score(*pair(np.eye(1), np.eye(1), [1], [1], [1], [2]), **change)


def three() -> Scores:
    return score(*pair(np.eye(4)[:1], np.eye(4)[:2], [1], [1, 2], [1], [2, 2]), max_rank=3)


def test_scores_by_name() -> None:
    scores = score(*on_a_line([0.0], [1.0, 2.0], [1], [2, 1], [1], [2, 2]), distance="euclidean", max_rank=3)
    assert [scores.metric(name) for name in ("mAP", "mINP", "rank-1", "rank-2", "rank-3")] == [0.5, 0.5, 0, 1, 1]
    for name in ("map", "rank", "rank1", "rank-", "rank-one", "rank-1.0", "cmc"):
        with pytest.raises(ValueError, match="No such metric: .*. Choose from mAP, mINP, rank-1 to rank-3."):
            scores.metric(name)


@pytest.mark.parametrize("k", [0, 4])
def test_ranks_that_do_not_exist(k: int) -> None:
    for ask in (three().rank, lambda k: three().metric(f"rank-{k}")):
        with pytest.raises(ValueError, match=f"No such rank: {k}. The CMC has ranks 1 to 3."):
            ask(k)


def test_scores_as_json() -> None:
    assert json.loads(json.dumps(three().to_json())) == {
        "mAP": 1.0, "mINP": 1.0, "cmc": [1.0, 1.0, 1.0], "queries": 1, "queries_without_match": 0, "distance": "cosine",
        "protocol": "market1501", "ap_rule": "at-matches", "rerank": None, "splits": 1,
    }  # fmt: skip


@pytest.mark.parametrize("rerank", [None, Reranking(k1=3, compat="torchreid")])
def test_scores_from_json(rerank: Reranking | None) -> None:
    features = inputs.features(3, 50, 300, 20, 4)
    scores = score(*pair(*features), rerank=rerank, ap_rule="trapezoid")
    again = Scores.from_json(json.loads(json.dumps(scores.to_json())))
    assert again.to_json() == scores.to_json()
    assert again.how() == scores.how()
    assert again.rerank == rerank
    assert again.per_query is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"average_precision": "at-matches"}, "scores has no average_precision; it has mAP"),
        ({"rerank": {"k3": 1}}, r"scores\.rerank has no k3; it has k1"),
        ({"cmc": [0.5, "x"]}, r"scores\.cmc\[1\] is 'x', not float"),
        ({"mAP": float("nan")}, r"scores\.mAP is nan, not a finite number"),
        ({"distance": "l2"}, r"scores\.distance is 'l2'; choose from"),
    ],
)
def test_scores_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Scores.from_json(three().to_json() | change)
    with pytest.raises(ValueError, match=r"scores\.mAP is missing"):
        Scores.from_json({"rerank": None})


def split(mean: float, cmc: list[float], **change: Any) -> Scores:
    values: dict[str, Any] = {"mINP": 0.5, "queries": 10, "queries_without_match": 1, "distance": "cosine"}
    return Scores(mAP=mean, cmc=np.array(cmc), protocol="market1501", **(values | change))


def test_the_mean_of_splits() -> None:
    mean = mean_scores([split(0.2, [0.1, 0.2]), split(0.4, [0.3, 0.6])])
    assert mean.mAP == pytest.approx(0.3)
    assert mean.cmc.tolist() == pytest.approx([0.2, 0.4])
    assert (mean.queries, mean.queries_without_match, mean.splits) == (20, 2, 2)
    assert mean.how() == "cosine distance, market1501 protocol, mean of 2 splits"
    assert Scores.from_json(mean.to_json()).to_json() == mean.to_json()
    with pytest.raises(ValueError, match="no scores to average"):
        mean_scores([])
    for change in ({"distance": "euclidean"}, {"ap_rule": "trapezoid"}, {"rerank": Reranking()}):
        with pytest.raises(ValueError, match="scores measured in different ways have no mean"):
            mean_scores([split(0.2, [0.1]), split(0.2, [0.1], **change)])


def test_the_results_of_each_query_of_all_splits() -> None:
    """Split after split; where one has none, the mean has none."""
    results = [PerQuery(np.array([0.5]), np.array([2]), np.array([pid])) for pid in (7, 8)]
    mean = mean_scores([split(0.2, [0.1], per_query=one) for one in results])
    assert mean.per_query is not None
    assert [values.tolist() for values in mean.per_query] == [[0.5, 0.5], [2, 2], [7, 8]]
    assert mean_scores([split(0.2, [0.1], per_query=results[0]), split(0.2, [0.1])]).per_query is None


@pytest.mark.slow
def test_more_pairs_than_32_bits_count() -> None:
    """50,000 × 50,000: each query's match is at rank 50,000, the last."""
    n = 50_000
    query, gallery = np.zeros((n, 1), np.float32), np.zeros((n, 1), np.float32)
    gallery[-1] = 1
    both = pair(query, gallery, np.ones(n), np.r_[np.zeros(n - 1), 1], np.zeros(n), np.ones(n))
    scores = score(*both, distance="euclidean")
    assert scores.mAP == pytest.approx(1 / n)
    assert scores.cmc[-1] == 0


@pytest.mark.gpu
@pytest.mark.parametrize("rerank", [None, Reranking()])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_gpu_scores_alike(protocol: Any, rerank: Any) -> None:
    query, gallery = pair(*inputs.features(3, 50, 300, 20, 4))
    here = score(query, gallery, protocol=protocol, rerank=rerank)
    cuda = labelled(query.embeddings.cuda(), query.pids, query.camids)
    for other in (gallery, labelled(gallery.embeddings.cuda(), gallery.pids, gallery.camids)):
        there = score(cuda, other, protocol=protocol, rerank=rerank)
        assert there.mAP == pytest.approx(here.mAP, abs=1e-5)
        np.testing.assert_allclose(there.cmc, here.cmc, atol=0.02)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 200), st.integers(1, 3_000), st.sampled_from([1, 2, 33])
)
def test_a_gallery_in_parts_scores_the_same(seed: int, queries: int, size: int, block: int, width: int) -> None:
    """Copies in several parts, and junk: ranks are equal, not nearly equal."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((max(3, size // 4), width), np.float32)
    query, gallery = (rows[rng.integers(0, len(rows), n)] for n in (queries, size))
    labels = rng.integers(0, 4, queries), rng.integers(-1, 4, size), rng.integers(0, 3, queries), np.full(size, 5)
    labels[1][0] = labels[0][0]  # at least one match
    whole, in_parts = (score(*pair(query, gallery, *labels), block=size) for size in (10**7, block))
    assert whole.per_query is not None and in_parts.per_query is not None
    assert in_parts.per_query.first_match.tolist() == whole.per_query.first_match.tolist()
    np.testing.assert_allclose(  # sums over rows of other lengths
        in_parts.per_query.average_precision, whole.per_query.average_precision, rtol=1e-14
    )
