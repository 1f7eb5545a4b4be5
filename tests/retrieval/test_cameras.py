import numpy as np
import pytest

from scalereid.retrieval.cameras import score_camera_pairs
from scalereid.retrieval.scores import score
from tests.golden import inputs
from tests.retrieval.reference import pair


def test_each_pair_is_scored_alone_worst_first() -> None:
    query, gallery, q_pids, g_pids, q_camids, g_camids = inputs.features(4, 60, 300, 20, 3)
    lost = (g_camids == 2).nonzero()[0]
    gallery[lost] = np.random.default_rng(0).standard_normal((len(lost), gallery.shape[1]))  # camera 2 sees nothing
    q, g = pair(query, gallery, q_pids, g_pids, q_camids, g_camids)
    pairs = score_camera_pairs(q, g)
    assert {(pair.query, pair.gallery) for pair in pairs} == {(a, b) for a in range(3) for b in range(3) if a != b}
    assert [pair.gallery for pair in pairs[:2]] == [2, 2]
    assert [pair.mAP for pair in pairs] == sorted(pair.mAP for pair in pairs)
    alone = score(q.rows(q_camids == 1), g.rows(g_camids == 0))
    found = next(pair for pair in pairs if (pair.query, pair.gallery) == (1, 0))
    assert found.mAP == pytest.approx(alone.mAP)
    assert found.rank1 == pytest.approx(alone.rank(1))
    assert found.queries == alone.queries - alone.queries_without_match
    by_trapezoids = next(
        pair for pair in score_camera_pairs(q, g, ap_rule="trapezoid") if (pair.query, pair.gallery) == (1, 0)
    )
    trapezoid = score(q.rows(q_camids == 1), g.rows(g_camids == 0), ap_rule="trapezoid")
    assert by_trapezoids.mAP == pytest.approx(trapezoid.mAP) != pytest.approx(alone.mAP)


def test_pairs_without_a_match_are_left_out() -> None:
    pairs = score_camera_pairs(*pair(np.eye(2), np.eye(2), [1, 2], [1, -1], [1, 1], [2, 3]))
    assert [(pair.query, pair.gallery, pair.queries) for pair in pairs] == [(1, 2, 1)]
