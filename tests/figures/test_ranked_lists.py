from dataclasses import replace

import numpy as np
import pytest
import torch

from scalereid.data.records import ReidDataset
from scalereid.figures.ranked_lists import evenly_spaced, found_records, mistakes, ranked_list
from scalereid.retrieval.ranking import Ranking


@pytest.fixture
def ranking() -> Ranking:
    return Ranking(
        indices=torch.tensor([[0, 1, 2], [3, 4, -1]]),
        distances=torch.tensor([[0.1, 0.2, 0.3], [0.1, 0.2, torch.inf]]),
        correct=torch.tensor([[True, False, False], [False, True, False]]),
        matches=torch.tensor([1, 1]),
    )


def test_records_that_were_found(people: ReidDataset, ranking: Ranking) -> None:
    assert found_records(people.gallery, ranking, 0) == [*people.gallery[:3]]
    assert found_records(people.gallery, ranking, 1) == [*people.gallery[3:5]]  # there are no more


def test_frames_say_right_and_wrong(people: ReidDataset, ranking: Ranking) -> None:
    tiles = ranked_list(people.query[0], people.gallery, ranking, 0)
    assert [tile.kind for tile in tiles] == ["query", "right", "wrong", "wrong"]
    assert [tile.image for tile in tiles[1:]] == [str(record.path) for record in people.gallery[:3]]
    assert tiles[0].caption == ("query", f"c{people.query[0].camid}")
    assert tiles[1].caption == ("1 ✓", f"c{people.gallery[0].camid}")
    assert tiles[2].caption[0] == "2 ×"
    assert tiles[2].alt == f"rank 2, wrong: {people.gallery[1].path.name}"


def test_places_without_an_image_are_left_out(people: ReidDataset, ranking: Ranking) -> None:
    tiles = ranked_list(people.query[1], people.gallery, ranking, 1)
    assert [tile.kind for tile in tiles] == ["query", "wrong", "right"]


def test_probabilities_and_unknown_cameras(people: ReidDataset, ranking: Ranking) -> None:
    gallery = [replace(record, camid=-1) for record in people.gallery[:1]] + [*people.gallery[1:]]
    probabilities = np.array([[0.874, 0.002, 0.0], [1.0, 0.5, 0.0]])
    tiles = ranked_list(people.query[0], gallery, ranking, 0, probabilities=probabilities)
    assert [tile.caption[1] for tile in tiles[1:3]] == ["87%", f"c{gallery[1].camid} · 0%"]


def test_mistakes_are_the_queries_wrong_at_once(ranking: Ranking) -> None:
    assert mistakes(ranking, 8) == [1]
    right = ranking._replace(correct=torch.ones(2, 3, dtype=torch.bool))
    assert mistakes(right, 8) == []
    assert mistakes(ranking._replace(matches=torch.tensor([1, 0])), 8) == []  # nothing to find is no mistake


def test_evenly_spaced() -> None:
    assert evenly_spaced(3, 11) == [0, 5, 10]
    assert evenly_spaced(8, 2) == [0, 1]
