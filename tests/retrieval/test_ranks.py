from typing import Any

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scalereid.retrieval.labelled import sides
from scalereid.retrieval.ranks import PlaceCounter, places_at_once


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
    q_pids, g_pids = rng.integers(0, people, queries), rng.integers(-1, people, gallery)
    q_camids, g_camids = rng.integers(0, cameras, queries), rng.integers(0, cameras, gallery)
    images = np.arange(queries), rng.permutation(queries + gallery)[:gallery]
    both = sides(np.ones((queries, 1)), np.ones((gallery, 1)), q_pids, g_pids, q_camids, g_camids, *images)
    everything = slice(0, queries)
    at_once = places_at_once(torch.from_numpy(distances.copy()), *both.matches_and_ignored(everything, protocol))
    row_by_row = PlaceCounter(both, protocol).count(everything, torch.from_numpy(distances.copy()))
    for i in range(queries):
        kept = [
            j
            for j in sorted(range(gallery), key=lambda j: (distances[i, j], j))
            if g_pids[j] != -1
            and not (
                images[0][i] == images[1][j]
                if protocol == "all-cameras"
                else g_pids[j] == q_pids[i] and g_camids[j] == q_camids[i]
            )
        ]
        expected = [place for place, j in enumerate(kept, start=1) if g_pids[j] == q_pids[i]]
        for places, found in (row_by_row, (at_once[0].numpy(), at_once[1].numpy())):
            assert found[i] == len(expected)
            assert places[i, : found[i]].tolist() == expected
            assert (places[i, found[i] :] == 1).all()
