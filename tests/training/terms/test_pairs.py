import pytest
import torch

from scalereid.training.terms.pairs import pairs_of


def test_pairs_of_one_person_and_of_two() -> None:
    labels = torch.tensor([5, 2, 5, 2, 2])
    pairs = pairs_of(labels)
    for i in range(5):
        for j in range(5):
            assert bool(pairs.positive[i, j]) == (i != j and labels[i] == labels[j])
            assert bool(pairs.negative[i, j]) == (labels[i] != labels[j])


def test_a_batch_without_a_negative_or_a_positive_says_so() -> None:
    with pytest.raises(ValueError, match="shows only person 4, so there is no negative: .* two people"):
        pairs_of(torch.tensor([4, 4, 4]))
    with pytest.raises(ValueError, match=r"2 of 5 images are .*\(person 7, .* data\.images_per_person of at least 2"):
        pairs_of(torch.tensor([4, 4, 7, 9, 4]))
