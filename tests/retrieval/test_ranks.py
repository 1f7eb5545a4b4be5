from typing import Any

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scalereid.retrieval.matches import matches_and_left_out
from scalereid.retrieval.ranks import RankCounter, ranks_at_once
from tests.retrieval.reference import Labels, match_ranks, on_a_line, pair


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 40), st.integers(1, 5), st.integers(1, 3),
    st.booleans(), st.sampled_from(["market1501", "all-cameras"]),
)  # fmt: skip
def test_both_ways_of_counting_agree_with_a_walk_down_the_list(
    seed: int, queries: int, gallery: int, people: int, cameras: int, tied: bool, protocol: Any
) -> None:
    """Few people and cameras, junk, queries in the gallery and, with `tied`, few distances: ties and empty rows are common."""
    rng = np.random.default_rng(seed)
    distances = (rng.integers(0, 4, (queries, gallery)) if tied else rng.random((queries, gallery))).astype(np.float32)
    if tied and seed % 2:  # most of the gallery far away: the way for few near ones
        distances[:, rng.random(gallery) < 0.9] += 10
    q = Labels(rng.integers(0, people, queries), rng.integers(0, cameras, queries), np.arange(queries))
    images = rng.permutation(queries + gallery)[:gallery]
    g = Labels(rng.integers(-1, people, gallery), rng.integers(0, cameras, gallery), images)
    x, y = pair(np.ones((queries, 1)), np.ones((gallery, 1)), q.pids, g.pids, q.camids, g.camids, q.images, g.images)
    at_once = ranks_at_once(torch.from_numpy(distances.copy()), *matches_and_left_out(x, y, protocol))
    row_by_row = RankCounter(x, y, protocol).count(slice(0, queries), torch.from_numpy(distances.copy()))
    for i in range(queries):
        expected = match_ranks(distances[i], q, i, g, protocol)
        for ranks, found in (row_by_row, (at_once[0].numpy(), at_once[1].numpy())):
            assert found[i] == len(expected)
            assert ranks[i, : found[i]].tolist() == expected
            assert (ranks[i, found[i] :] == 1).all()


def test_a_block_of_queries_has_its_own_labels() -> None:
    """Rows 2 and 3 of the queries, whose people are 1 and 2."""
    both = on_a_line([0.0] * 4, [1.0, 2.0], [3, 3, 1, 2], [1, 2], [1] * 4, [2, 2])
    ranks, found = RankCounter(*both, "market1501").count(slice(2, 4), torch.tensor([[1.0, 2.0], [1.0, 2.0]]))
    assert ranks.tolist() == [[1], [2]]
    assert found.tolist() == [1, 1]


def test_several_threads_count_alike() -> None:
    rng = np.random.default_rng(0)
    pids, camids = rng.integers(0, 20, (2, 300)), rng.integers(0, 4, (2, 300))
    counter = RankCounter(*pair(np.ones((300, 1)), np.ones((300, 1)), *pids, *camids), "market1501")
    distances = torch.from_numpy(rng.random((300, 300), np.float32))
    alone = counter.count(slice(0, 300), distances.clone())
    threads = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        together = counter.count(slice(0, 300), distances.clone())
    finally:
        torch.set_num_threads(threads)
    assert [values.tolist() for values in together] == [values.tolist() for values in alone]
