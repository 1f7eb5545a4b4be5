from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scalereid.retrieval.labelled import labelled, paired
from scalereid.retrieval.matches import MatchLists, matches_and_left_out, why_no_match
from tests.retrieval.reference import Labels, left_out, pair

PROTOCOLS = ["market1501", "all-cameras", "single-gallery-shot"]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 30), st.sampled_from(PROTOCOLS), st.booleans())
def test_matrix_and_lists_agree_with_the_rules(
    seed: int, queries: int, gallery: int, protocol: Any, with_ids: bool
) -> None:
    """Few people, cameras and images: junk, copies, and copies under another person's number are common."""
    rng = np.random.default_rng(seed)
    q = Labels(rng.integers(0, 4, queries), rng.integers(0, 3, queries), rng.integers(0, 9, queries))
    g = Labels(rng.integers(-1, 4, gallery), rng.integers(0, 3, gallery), rng.integers(0, 9, gallery))
    if not with_ids:  # then no image is in both
        q, g = q._replace(images=np.arange(queries)), g._replace(images=-1 - np.arange(gallery))
    ids = (q.images, g.images) if with_ids else (None, None)
    x, y = pair(np.ones((queries, 1)), np.ones((gallery, 1)), q.pids, g.pids, q.camids, g.camids, *ids)
    matches, out = matches_and_left_out(x, y, protocol)
    lists = MatchLists(x, y, protocol)
    (rows, own_matches), (rows_out, more) = lists.of(slice(0, queries))
    for i in range(queries):
        expected = [left_out(q, i, g, j, protocol) for j in range(gallery)]
        own = [bool(g.pids[j] == q.pids[i]) and not expected[j] for j in range(gallery)]
        assert out[i].tolist() == expected
        assert matches[i].tolist() == own
        assert own_matches[rows == i].tolist() == np.flatnonzero(own).tolist()
        assert sorted({*more[rows_out == i].tolist(), *lists.junk.tolist()}) == np.flatnonzero(expected).tolist()
        (_, some), (_, others) = lists.of(slice(i, i + 1))
        assert some.tolist() == own_matches[rows == i].tolist()
        assert others.tolist() == more[rows_out == i].tolist()


def test_labels_are_not_changed() -> None:
    query, gallery = pair(np.eye(2), np.eye(2), [1, 2], [1, -1], [1, 1], [1, 2], [5, 6], [5, 7])
    matches_and_left_out(query, gallery, "all-cameras")
    assert gallery.images is not None and gallery.images.tolist() == [5, 7]
    assert gallery.pids.tolist() == [1, -1]


@pytest.mark.parametrize(
    ("gallery_pids", "protocol", "expected", "unexpected"),
    [
        ([3, 3], "market1501", "none of the people of the 2 queries is in the gallery", "leaves out"),
        ([1, 3], "market1501", "1 of 2 queries have their person in the gallery, but the market1501 protocol", "none"),
        ([1, 2], "single-gallery-shot", "from the query's camera, and the gallery has no other image", "own image"),
        ([1, 2], "market1501", "at least two cameras; for data of one camera choose the protocol all-cameras", "none"),
        ([1, 2], "all-cameras", "protocol leaves out the query's own image", "two cameras"),
    ],
)
def test_why_there_is_no_match(gallery_pids: list[int], protocol: Any, expected: str, unexpected: str) -> None:
    query, gallery = paired(
        labelled(torch.eye(2), [1, 2], [1, 1], images=[5, 6]),
        labelled(torch.eye(2), gallery_pids, [1, 1], images=[5, 6]),
    )
    said = why_no_match(query, gallery, protocol)
    assert expected in said
    assert unexpected not in said
