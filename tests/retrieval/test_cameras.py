import numpy as np
import pytest

from scalereid.retrieval.cameras import score_camera_pairs
from scalereid.retrieval.scores import score
from tests.golden import inputs


def test_each_pair_is_scored_alone_worst_first() -> None:
    query, gallery, q_pids, g_pids, q_camids, g_camids = inputs.features(4, 60, 300, 20, 3)
    lost = (g_camids == 2).nonzero()[0]
    gallery[lost] = np.random.default_rng(0).standard_normal((len(lost), gallery.shape[1]))  # camera 2 sees nothing
    pairs = score_camera_pairs(
        query, gallery, query_pids=q_pids, gallery_pids=g_pids, query_camids=q_camids, gallery_camids=g_camids
    )
    assert {(pair.query, pair.gallery) for pair in pairs} == {(a, b) for a in range(3) for b in range(3) if a != b}
    assert [pair.gallery for pair in pairs[:2]] == [2, 2]
    assert [pair.mAP for pair in pairs] == sorted(pair.mAP for pair in pairs)
    q, g = q_camids == 1, g_camids == 0
    alone = score(
        query[q],
        gallery[g],
        query_pids=q_pids[q],
        gallery_pids=g_pids[g],
        query_camids=q_camids[q],
        gallery_camids=g_camids[g],
    )
    pair = next(pair for pair in pairs if (pair.query, pair.gallery) == (1, 0))
    assert pair.mAP == pytest.approx(alone.mAP)
    assert pair.rank1 == pytest.approx(alone.rank(1))
    assert pair.queries == alone.queries - alone.queries_without_match


def test_pairs_without_anybody_to_find_are_left_out() -> None:
    pairs = score_camera_pairs(
        np.eye(2), np.eye(2), query_pids=[1, 2], gallery_pids=[1, -1], query_camids=[1, 1], gallery_camids=[2, 3]
    )
    assert [(pair.query, pair.gallery, pair.queries) for pair in pairs] == [(1, 2, 1)]
