import json
from dataclasses import replace
from typing import Any

import pytest

from scalereid.recipe import DataSettings, Recipe
from scalereid.recipes import ABOUT, RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_survives_json_and_is_described(name: str) -> None:
    recipe = RECIPES[name]
    again = Recipe.from_json(json.loads(json.dumps(recipe.to_json())))
    assert again == recipe
    assert isinstance(again.data.image_size, tuple)
    assert ABOUT[name]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, r"recipe has no setting colour; it has data, model"),
        ({"optimizer": {"rate": 1}}, r"recipe\.optimizer has no setting rate; it has name, lr"),
        ({"optimizer": {"name": "adagrad"}}, r"recipe\.optimizer\.name is 'adagrad'; it can be sgd, amsgrad"),
        ({"optimizer": {"lr": "fast"}}, r"recipe\.optimizer\.lr is 'fast', not float"),
        ({"schedule": {"epochs": 1.5}}, r"recipe\.schedule\.epochs is 1\.5, not int"),
        ({"schedule": {"epochs": True}}, r"recipe\.schedule\.epochs is True, not int"),
        ({"schedule": {"steps": [1, "2"]}}, r"recipe\.schedule\.steps\[1\] is '2', not int"),
        ({"data": {"image_size": 256}}, r"recipe\.data\.image_size is 256, not a list"),
        ({"data": {"image_size": [256]}}, r"recipe\.data\.image_size has 1 values, not 2"),
        ({"data": 3}, r"recipe\.data is 3, not a group"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe.from_json(change)


@pytest.mark.parametrize(
    ("group", "setting", "value"),
    [
        ("data", "image_size", [8, 128]),
        ("data", "batch_size", 1),
        ("data", "erase", 1.5),
        ("data", "flip", -0.1),
        ("model", "embedding_size", 0),
        ("objective", "label_smoothing", 1),
        ("optimizer", "lr", -0.1),
        ("optimizer", "lr", float("nan")),
        ("schedule", "epochs", 0),
        ("schedule", "warmup_epochs", -1),
        ("evaluation", "every", 0),
    ],
)
def test_values_that_make_no_sense_are_named(group: str, setting: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"{setting} is .* must be"):
        Recipe.from_json({group: {setting: value}})


def test_a_whole_number_is_a_float_too() -> None:
    assert Recipe.from_json({"optimizer": {"lr": 1}}).optimizer.lr == 1


def test_recipes_do_not_change() -> None:
    recipe = Recipe()
    with pytest.raises(AttributeError):
        recipe.seed = 3  # type: ignore[misc]
    assert replace(recipe, data=DataSettings(dataset="toy")).optimizer is recipe.optimizer
