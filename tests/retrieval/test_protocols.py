"""Every protocol against one that anybody can read."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scalereid.retrieval.ranking import rank
from scalereid.retrieval.scores import Scores, mean_scores, score

REPEATS = 10


def slow(distances: NDArray[Any], q: dict[str, Any], g: dict[str, Any], protocol: str, trapezoid: bool) -> Any:
    """Mean AP, mINP, CMC and queries without a match, one query after another."""
    rng = np.random.default_rng(0)
    everybody = sorted(set(g["pids"].tolist()))
    precisions, penalties, places, without = [], [], [], 0
    for i, row in enumerate(distances):
        draws = rng.random((REPEATS, len(everybody)))
        kept = [
            j
            for j in sorted(range(len(row)), key=lambda j: (row[j], j))
            if g["pids"][j] != -1
            and not (
                q["images"][i] == g["images"][j]
                if protocol == "all-cameras"
                else q["pids"][i] == g["pids"][j] and q["camids"][i] == g["camids"][j]
            )
        ]
        hits = [place for place, j in enumerate(kept, start=1) if g["pids"][j] == q["pids"][i]]
        if not hits:
            without += 1
            continue
        ap = 0.0
        for n, place in enumerate(hits, start=1):
            before = 1.0 if place == 1 else (n - 1) / (place - 1)
            ap += ((n / place + before) / 2 if trapezoid else n / place) / len(hits)
        precisions.append(ap)
        penalties.append(len(hits) / hits[-1])
        if protocol != "single-gallery-shot":
            places.append(hits[0])
            continue
        for draw in draws:
            chosen = set()
            for pid, u in zip(everybody, draw, strict=True):
                own = sorted(j for j in kept if g["pids"][j] == pid)
                if own:
                    chosen.add(own[int(u * len(own))])
            order = [j for j in kept if j in chosen]
            places.append(1 + [g["pids"][j] for j in order].index(q["pids"][i]))
    cmc = [sum(place <= k for place in places) / max(1, len(places)) for k in range(1, 11)]
    count = max(1, len(precisions))
    return sum(precisions) / count, sum(penalties) / count, cmc, without


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 30), st.integers(1, 6), st.integers(1, 3),
    st.sampled_from(["market1501", "all-cameras", "single-gallery-shot"]), st.booleans(), st.booleans(),
)  # fmt: skip
def test_agrees_with_the_slow_reference(
    seed: int, queries: int, gallery: int, people: int, cameras: int, protocol: Any, trapezoid: bool, tied: bool
) -> None:
    """Junk, distractors, queries in the gallery, ties, people without a match: all common."""
    rng = np.random.default_rng(seed)
    q: dict[str, Any] = {"pids": rng.integers(0, people, queries), "camids": rng.integers(0, cameras, queries)}
    g: dict[str, Any] = {"pids": rng.integers(-1, people, gallery), "camids": rng.integers(0, cameras, gallery)}
    q["images"], g["images"] = np.arange(queries), rng.permutation(queries + gallery)[:gallery]
    at = (rng.integers(0, 4 if tied else 1_000, n) for n in (queries, gallery))  # whole numbers, so exact in float32
    x, y = (values.astype(np.float32)[:, None] for values in at)
    arguments: dict[str, Any] = {f"query_{name}": values for name, values in q.items()}
    arguments |= {f"gallery_{name}": values for name, values in g.items()}
    expected = slow((x - y.T) ** 2, q, g, protocol, trapezoid)
    how: dict[str, Any] = {"distance": "euclidean", "protocol": protocol, "max_rank": 10}
    how["average_precision"] = "trapezoid" if trapezoid else "at-matches"
    if expected[3] == queries:
        with pytest.raises(ValueError, match="no query has a match"):
            score(x, y, **arguments, **how)
        return
    for block in (1_000_000, 1):
        scores = score(x, y, **arguments, **how, block=block)
        assert scores.mAP == pytest.approx(expected[0], abs=1e-9)
        assert scores.mINP == pytest.approx(expected[1], abs=1e-9)
        assert scores.cmc.tolist() == pytest.approx(expected[2], abs=1e-9)
        assert scores.queries_without_match == expected[3]


def test_the_trapezoid_rule_by_hand() -> None:
    """In order: wrong, RIGHT, RIGHT: precision 1/2 and 2/3 at the matches, 0 and 1/2 just before them."""
    labels: dict[str, Any] = {
        "query_pids": [1],
        "gallery_pids": [2, 1, 1],
        "query_camids": [1],
        "gallery_camids": [2, 2, 2],
        "distance": "euclidean",
    }
    scores = score(np.zeros((1, 1)), np.array([[1.0], [2.0], [3.0]]), **labels, average_precision="trapezoid")
    assert scores.mAP == pytest.approx(((0 + 1 / 2) / 2 + (1 / 2 + 2 / 3) / 2) / 2)
    assert scores.how() == "euclidean distance, market1501 protocol, average precision by trapezoid"
    first = score(np.zeros((1, 1)), np.array([[3.0], [1.0], [2.0]]), **labels, average_precision="trapezoid")
    assert first.mAP == 1  # nothing before the first place


def test_one_camera_by_hand() -> None:
    """The query itself is nearest and left out; its own camera's other image is right."""
    labels: dict[str, Any] = {
        "query_pids": [1],
        "gallery_pids": [1, 2, 1],
        "query_camids": [1],
        "gallery_camids": [1, 1, 1],
        "query_images": [7],
        "gallery_images": [7, 8, 9],
        "distance": "euclidean",
        "protocol": "all-cameras",
    }
    query, gallery = np.zeros((1, 1)), np.array([[0.0], [1.0], [2.0]])
    assert score(query, gallery, **labels).mAP == pytest.approx(1 / 2)
    ranking = rank(query, gallery, **labels)
    assert ranking.indices.tolist() == [[1, 2, -1]]
    assert ranking.correct.tolist() == [[False, True, False]]
    assert ranking.matches.tolist() == [1]
    only_itself = labels | {"gallery_pids": [1, 2, 2]}
    with pytest.raises(ValueError, match="no other image of any query's person than the query itself"):
        score(query, gallery, **only_itself)


def test_junk_is_neither_right_nor_wrong() -> None:
    """The junk image, nearest of all, does not push the match to second place."""
    labels: dict[str, Any] = {"query_pids": [1], "gallery_pids": [-1, 1], "query_camids": [1], "gallery_camids": [2, 2]}
    for protocol in ("market1501", "all-cameras", "single-gallery-shot"):
        result = score(
            np.zeros((1, 1)), np.array([[0.0], [1.0]]), **labels, distance="euclidean", protocol=protocol,
        )  # fmt: skip
        assert result.rank(1) == 1


def test_single_gallery_shot_repeats() -> None:
    """The same seed draws the same images; only the CMC is of what is drawn."""
    rng = np.random.default_rng(3)
    centres = rng.standard_normal((10, 8))
    pids = np.repeat(np.arange(10), 20)
    images = centres[pids] + 1.5 * rng.standard_normal((200, 8))
    labels: dict[str, Any] = {"query_pids": pids, "gallery_pids": pids, "query_camids": np.arange(200) % 2}
    labels |= {"gallery_camids": np.arange(200) % 2, "distance": "euclidean"}
    market = score(images, images, **labels)
    shots = [score(images, images, **labels, protocol="single-gallery-shot", seed=seed) for seed in (0, 0, 1)]
    assert shots[0].cmc.tolist() == shots[1].cmc.tolist()
    assert shots[0].cmc.tolist() != shots[2].cmc.tolist()
    assert shots[0].rank(10) == 1  # ten people, ten images
    assert (shots[0].mAP, shots[0].mINP) == (market.mAP, market.mINP)  # of the whole gallery


def test_the_mean_of_splits() -> None:
    def scores(mean: float, cmc: list[float], **change: Any) -> Scores:
        values: dict[str, Any] = {"mINP": 0.5, "queries": 10, "queries_without_match": 1, "distance": "cosine"}
        return Scores(mAP=mean, cmc=np.array(cmc), protocol="market1501", **(values | change))

    mean = mean_scores([scores(0.2, [0.1, 0.2]), scores(0.4, [0.3, 0.6])])
    assert mean.mAP == pytest.approx(0.3)
    assert mean.cmc.tolist() == pytest.approx([0.2, 0.4])
    assert (mean.queries, mean.queries_without_match, mean.splits) == (20, 2, 2)
    assert mean.how() == "cosine distance, market1501 protocol, mean of 2 splits"
    assert Scores.from_json(mean.to_json()).to_json() == mean.to_json()
    with pytest.raises(ValueError, match="no scores to average"):
        mean_scores([])
    with pytest.raises(ValueError, match="scores made in different ways have no mean"):
        mean_scores([scores(0.2, [0.1]), scores(0.2, [0.1], distance="euclidean")])


def test_single_gallery_shot_is_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    pids = np.repeat(np.arange(10), 6)
    x = rng.standard_normal((60, 4))
    labels: dict[str, Any] = {"query_pids": pids, "gallery_pids": pids, "query_camids": np.arange(60) % 2}
    labels |= {"gallery_camids": np.arange(60) % 2, "protocol": "single-gallery-shot"}
    whole = score(x, x, **labels)
    monkeypatch.setattr("scalereid.retrieval.single_shot._DRAWS", 500)
    assert score(x, x, **labels).cmc.tolist() == whole.cmc.tolist()
