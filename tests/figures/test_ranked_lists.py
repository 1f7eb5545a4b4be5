import numpy as np
import pytest
import torch

from scalereid.data.records import ReidDataset
from scalereid.figures.ranked_lists import draw_ranked_lists, evenly_spaced, mistakes
from scalereid.retrieval.ranking import Ranking


@pytest.fixture
def ranking() -> Ranking:
    return Ranking(
        indices=torch.tensor([[0, 1, 2], [3, 4, -1]]),
        distances=torch.tensor([[0.1, 0.2, 0.3], [0.1, 0.2, torch.inf]]),
        correct=torch.tensor([[True, False, False], [False, True, False]]),
        matches=torch.tensor([1, 1]),
    )


def test_frames_say_right_and_wrong(people: ReidDataset, ranking: Ranking) -> None:
    picture = np.asarray(draw_ranked_lists(people.query, people.gallery, ranking, [0, 1], image_size=(80, 40)))
    middle_of = [6 + column * 54 + (12 if column else 0) + 2 for column in range(4)]  # inside each frame's left side
    colours = [[tuple(picture[24 + line * 94 + 60, x]) for x in middle_of] for line in range(2)]
    query, right, wrong, empty = (70, 90, 120), (40, 150, 70), (205, 50, 45), (255, 255, 255)
    assert colours == [[query, right, wrong, wrong], [query, wrong, right, empty]]


def test_mistakes_are_the_queries_wrong_at_once(ranking: Ranking) -> None:
    assert mistakes(ranking, 8) == [1]
    right = ranking._replace(correct=torch.ones(2, 3, dtype=torch.bool))
    assert mistakes(right, 8) == []
    assert mistakes(ranking._replace(matches=torch.tensor([1, 0])), 8) == []  # nothing to find is no mistake


def test_evenly_spaced() -> None:
    assert evenly_spaced(3, 11) == [0, 5, 10]
    assert evenly_spaced(8, 2) == [0, 1]
