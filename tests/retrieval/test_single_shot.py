from typing import Any

import numpy as np
import pytest
import torch

from scalereid.retrieval.scores import score
from scalereid.retrieval.single_shot import SingleShot
from tests.retrieval.reference import pair


def test_repeats_by_seed() -> None:
    """The same seed draws the same images; only the CMC is of what is drawn."""
    rng = np.random.default_rng(3)
    centres = rng.standard_normal((10, 8))
    pids, camids = np.repeat(np.arange(10), 20), np.arange(200) % 2
    images = centres[pids] + 1.5 * rng.standard_normal((200, 8))
    both = pair(images, images, pids, pids, camids, camids)
    market = score(*both, distance="euclidean")
    shots = [score(*both, distance="euclidean", protocol="single-gallery-shot", seed=seed) for seed in (0, 0, 1)]
    assert shots[0].cmc.tolist() == shots[1].cmc.tolist()
    assert shots[0].cmc.tolist() != shots[2].cmc.tolist()
    assert shots[0].rank(10) == 1  # ten people, ten images
    assert (shots[0].mAP, shots[0].mINP) == (market.mAP, market.mINP)  # of the whole gallery


def test_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    pids, camids, x = np.repeat(np.arange(10), 6), np.arange(60) % 2, rng.standard_normal((60, 4))
    both = pair(x, x, pids, pids, camids, camids)
    whole = score(*both, protocol="single-gallery-shot")
    monkeypatch.setattr("scalereid.retrieval.single_shot._DRAWS", 500)
    assert score(*both, protocol="single-gallery-shot").cmc.tolist() == whole.cmc.tolist()


def test_ranks_by_hand() -> None:
    """Images that are left out are not drawn; a person without any other is not among the ranked."""
    pids = torch.tensor([5, 6, 5, 7])
    distances = torch.tensor([[3.0, 2.0, 0.0, 1.0]])
    nothing = torch.zeros(1, 4, dtype=torch.bool)

    def ranks(left_out: list[int]) -> set[int]:
        mask = nothing.clone()
        mask[0, left_out] = True
        drawn = SingleShot(pids, seed=0, repeats=50).ranks(distances, torch.tensor([5]), mask)
        assert drawn.shape == (1, 50)
        return set(drawn.flatten().tolist())

    assert ranks([]) == {1, 3}  # either image of person 5
    assert ranks([2]) == {3}
    assert ranks([0]) == {1}
    assert ranks([2, 3]) == {2}  # person 7 has no other image


def test_equal_distances_keep_gallery_order() -> None:
    distances, nothing = torch.zeros(1, 3), torch.zeros(1, 3, dtype=torch.bool)
    shot: Any = SingleShot(torch.tensor([8, 9, 7]), seed=0, repeats=2)
    assert [shot.ranks(distances, torch.tensor([pid]), nothing).tolist() for pid in (8, 9, 7)] == [
        [[1, 1]], [[2, 2]], [[3, 3]],
    ]  # fmt: skip
