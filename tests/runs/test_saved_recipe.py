import json
from dataclasses import replace
from typing import Any

import pytest

from scalereid.runs.recipe import DataSettings, EvaluationSettings, ModelSettings, Recipe
from scalereid.runs.saved_recipe import SavedRecipe

RECIPE = Recipe(
    data=DataSettings(dataset="toy", image_size=(64, 32)),
    model=ModelSettings(backbone="dslnet", width=0.2, embedding_size=8),
    evaluation=EvaluationSettings(distance="euclidean", protocol="all-cameras"),
)


def saved(**changes: dict[str, Any]) -> SavedRecipe:
    """The recipe with groups changed, as a file of another version may hold it."""
    values = RECIPE.to_json()
    return SavedRecipe(json.dumps({**values, **{group: values.get(group, {}) | new for group, new in changes.items()}}))


def test_a_recipe_of_this_version_comes_back_whole() -> None:
    recipe = saved()
    assert recipe.whole() == RECIPE
    assert recipe.model == RECIPE.model
    assert (recipe.image_size, recipe.dataset) == ((64, 32), "toy")
    assert (recipe.distance, recipe.protocol) == ("euclidean", "all-cameras")
    assert SavedRecipe(json.dumps(replace(RECIPE, evaluation=EvaluationSettings(dataset="y")).to_json())).dataset == "y"


def test_what_a_model_does_not_need_may_be_unknown() -> None:
    recipe = saved(
        data={"colour": 0.5, "erase": "always", "dataset": "made-up"},
        objective={"term": "lost.py:Loss", "circle": 1.0},
        optimizer={"name": "lion"},
        evaluation={"best": "rank-3", "when": "later"},
        augmentation={"strength": 3},
    )
    assert recipe.model == RECIPE.model
    assert (recipe.image_size, recipe.dataset) == ((64, 32), "made-up")
    assert (recipe.distance, recipe.protocol) == ("euclidean", "all-cameras")
    with pytest.raises(ValueError, match="recipe has no augmentation"):
        recipe.whole()


def test_of_the_network_nothing_may_be_unknown() -> None:
    with pytest.raises(ValueError, match=r"recipe\.model has no depth; it has backbone, width"):
        _ = saved(model={"depth": 3}).model


def test_what_was_not_written_is_the_default() -> None:
    assert SavedRecipe("{}").whole() == Recipe()
    assert SavedRecipe("{}").image_size == Recipe().data.image_size


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", r"recipe is \[\], not a group of named values"),
        ('{"data": 3}', r"recipe\.data is 3, not a group of named values"),
        ('{"data": {"image_size": [3]}}', r"recipe\.data\.image_size is a list of 1, not of 2"),
    ],
)
def test_what_is_damaged_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _ = SavedRecipe(text).image_size
