import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scalereid.data.augmentation import AUGMENTATIONS
from scalereid.models import BACKBONES
from scalereid.models.supernet import NETWORKS
from scalereid.recipes import PUBLISHED, RECIPES
from scalereid.runs.recipe import DataSettings, ModelSettings, Recipe


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_survives_json_and_is_described(name: str) -> None:
    recipe = RECIPES[name]
    again = Recipe.from_json(json.loads(json.dumps(recipe.to_json())))
    assert again == recipe
    assert isinstance(again.data.image_size, tuple)
    entry = PUBLISHED[name]
    assert entry.recipe is recipe
    assert bool(entry.scores or entry.top1_error) == bool(entry.source)
    assert entry.scores or entry.notes
    recipe.check()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, r"recipe has no colour; it has data, model"),
        ({"optimizer": {"rate": 1}}, r"recipe\.optimizer has no rate; it has name, lr"),
        ({"optimizer": {"name": "adagrad"}}, r"recipe\.optimizer\.name is 'adagrad'; choose from sgd, amsgrad"),
        ({"optimizer": {"lr": "fast"}}, r"recipe\.optimizer\.lr is 'fast', not float"),
        ({"schedule": {"epochs": 1.5}}, r"recipe\.schedule\.epochs is 1\.5, not int"),
        ({"schedule": {"epochs": True}}, r"recipe\.schedule\.epochs is True, not int"),
        ({"schedule": {"steps": [1, "2"]}}, r"recipe\.schedule\.steps\[1\] is '2', not int"),
        ({"data": {"image_size": 256}}, r"recipe\.data\.image_size is 256, not a list"),
        ({"data": {"image_size": [256]}}, r"recipe\.data\.image_size is a list of 1, not of 2"),
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
        ("data", "grey", 1.5),
        ("data", "auto_augment", -0.5),
        ("data", "jitter_strengths", [1.5, 0, 0, 0]),
        ("data", "jitter_strengths", [0, 0, 0, 0.6]),
        ("objective", "circle", -1),
        ("objective", "circle_margin", 1.0),
        ("objective", "circle_scale", 0),
        ("objective", "centre", float("nan")),
        ("optimizer", "average", 1.0),
        ("optimizer", "average", -0.1),
        ("data", "flip", -0.1),
        ("data", "patch", 2),
        ("data", "images_per_person", 1),
        ("data", "images_per_person", 5),
        ("data", "images_per_person_from_epoch", 3),
        ("data", "images_per_person_from_epoch", -1),
        ("model", "width", 0.0),
        ("mutual", "width", 0.0),
        ("mutual", "weight", -1),
        ("objective", "margin", -1),
        ("objective", "term_weight", -0.5),
        ("objective", "term_from_epoch", -1),
        ("data", "erase", 1.5),
        ("data", "augmentation_probability", -0.1),
        ("search", "samples", 0),
        ("search", "temperature", 0.0),
        ("model", "embedding_size", 0),
        ("objective", "label_smoothing", 1),
        ("optimizer", "lr", -0.1),
        ("optimizer", "lr", float("nan")),
        ("schedule", "epochs", 0),
        ("schedule", "warmup_epochs", -1),
        ("evaluation", "every", 0),
        ("schedule", "steps", [-5]),
        ("schedule", "steps", [0, 10]),
        ("schedule", "steps", [20, 10]),
        ("schedule", "steps", [10, 10]),
        ("schedule", "factor", float("inf")),
        ("schedule", "factor", float("nan")),
        ("schedule", "epochs", 10**9),
        ("schedule", "warmup_epochs", 10**400),
        ("objective", "triplet", float("inf")),
        ("objective", "ratio", float("nan")),
        ("objective", "margin", 10**400),
        ("objective", "auxiliary", float("inf")),
        ("objective", "term_weight", float("inf")),
        ("objective", "label_smoothing", float("nan")),
        ("optimizer", "weight_decay", float("inf")),
        ("optimizer", "momentum", float("nan")),
        ("data", "flip", float("nan")),
        ("data", "batch_size", 10**9),
        ("model", "embedding_size", 10**9),
        ("model", "width", float("nan")),
        ("search", "temperature", float("inf")),
        ("search", "lowest_temperature", float("nan")),
        ("search", "samples", 10**9),
        ("search", "halve_every", 0),
        ("evaluation", "every", -1),
        ("optimizer", "accumulate", 0),
        ("optimizer", "accumulate", 3),
        ("optimizer", "accumulate", 64),
    ],
)
def test_values_that_make_no_sense_are_named(group: str, setting: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"{setting} is .*(must be|not a finite)"):
        Recipe.from_json({group: {setting: value}})


@pytest.mark.parametrize(
    ("group", "setting", "value", "message"),
    [
        ("optimizer", "name", "adam", "choose from sgd, amsgrad"),
        ("optimizer", "precision", "fp16", "choose from float32, bfloat16, float16"),
        ("schedule", "decay", "linear", "choose from constant, step, cosine"),
        ("schedule", "epochs", 2.5, "not int"),
        ("model", "pooling", "median", "choose from average, max, gem"),
        ("data", "flip", "0.5", "not float"),
        ("evaluation", "also", "toy-shifted", "not a list"),
    ],
)
def test_a_recipe_that_is_made_in_python_is_checked_alike(
    group: str, setting: str, value: object, message: str
) -> None:
    """An optimizer of an unknown name was SGD, and a decay of an unknown name none."""
    changed = replace(RECIPES["toy"], **{group: replace(getattr(RECIPES["toy"], group), **{setting: value})})
    with pytest.raises(ValueError, match=rf"recipe\.{group}\.{setting} is {value!r}.*{message}"):
        changed.check()


@pytest.mark.parametrize("seed", [-1, 2**32, 10**400])
def test_seeds_that_no_generator_takes_are_named(seed: int) -> None:
    with pytest.raises(ValueError, match="seed is .*; it must be from 0 to 4,294,967,295"):
        Recipe.from_json({"seed": seed})


@pytest.mark.parametrize(
    ("evaluation", "message"),
    [
        ({"also": ["viper#1", "viper#1"]}, "also is .*; it must be names of different datasets, other than toy"),
        ({"also": ["toy"]}, "different datasets, other than toy, which is scored on anyway"),
        ({"also": ["grid#1"], "dataset": "grid#1"}, "other than grid#1"),
        ({"also": ["csv@a/b", "csv@A-b"]}, "different"),  # their results would have one file
        ({"also": "viper#1"}, "also is 'viper#1', not a list"),
    ],
)
def test_what_is_also_scored_on_is_something_else(evaluation: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe.from_json({"data": {"dataset": "toy"}, "evaluation": evaluation})


def test_targets_are_the_main_one_and_the_others() -> None:
    assert Recipe.from_json({"data": {"dataset": "toy"}}).targets == ("toy",)
    others = Recipe.from_json(
        {"data": {"dataset": "toy"}, "evaluation": {"dataset": "grid#1", "also": ["toy", "mars"]}}
    )
    assert others.targets == ("grid#1", "toy", "mars")


@pytest.mark.parametrize("steps", [(), (1,), (150, 225, 300)])
def test_steps_of_the_learning_rate_ascend(steps: tuple[int, ...]) -> None:
    assert Recipe.from_json({"schedule": {"steps": steps}}).schedule.steps == steps


def test_a_whole_number_is_a_float_too() -> None:
    assert Recipe.from_json({"optimizer": {"lr": 1}}).optimizer.lr == 1


def test_a_setting_may_be_left_open() -> None:
    assert Recipe.from_json({"model": {"width": None}}).model.width is None
    assert Recipe.from_json({"model": {"width": 0.3}}).model.width == 0.3
    with pytest.raises(ValueError, match=r"recipe\.model\.width is 'wide', not float"):
        Recipe.from_json({"model": {"width": "wide"}})


PAIRS = pytest.mark.parametrize("name", ["triplet", "circle"])


@PAIRS
def test_a_loss_on_pairs_needs_several_images_of_several_people(name: str) -> None:
    weight = {name: 0.5}
    Recipe.from_json({"objective": weight, "data": {"images_per_person": 4}})
    for images in (0, 64):
        with pytest.raises(ValueError, match=f"images_per_person is {images}; it must be 2 to 32 for a {name} loss"):
            Recipe.from_json({"objective": weight, "data": {"images_per_person": images}})


@PAIRS
def test_a_loss_on_pairs_counts_when_people_times_images_have_begun(name: str) -> None:
    def values(batches_from: int, loss_from: int) -> dict[str, Any]:
        return {
            "objective": {name: 0.5, f"{name}_from_epoch": loss_from},
            "data": {"images_per_person": 4, "images_per_person_from_epoch": batches_from},
        }

    for batches_from, loss_from in ((0, 0), (0, 5), (5, 5), (5, 9)):
        Recipe.from_json(values(batches_from, loss_from))
    with pytest.raises(
        ValueError, match=rf"images_per_person_from_epoch is 6; it must be at most 5, objective\.{name}_from"
    ):
        Recipe.from_json(values(6, 5))
    later = values(6, 5)
    del later["objective"]
    Recipe.from_json(later)  # without a triplet loss, whenever


@pytest.mark.parametrize("name", ["triplet", "circle", "term"])
def test_what_would_begin_after_the_last_epoch_is_refused(name: str) -> None:
    """Such as the second of two phases, when a recipe's epochs are made fewer."""
    objective = {name: "my.py:Loss" if name == "term" else 0.5, f"{name}_from_epoch": 5}
    data = {"images_per_person": 4, "images_per_person_from_epoch": 5}
    Recipe.from_json({"objective": objective, "data": data, "schedule": {"epochs": 6}})
    fewer = {"schedule": {"epochs": 5}}
    with pytest.raises(
        ValueError, match="images_per_person_from_epoch is 5; it must be below schedule.epochs, which is 5"
    ):
        Recipe.from_json({"data": data, **fewer})
    with pytest.raises(
        ValueError, match=f"{name}_from_epoch is 5; it must be below schedule.epochs, which is 5, or it never"
    ):
        Recipe.from_json({"objective": objective, "data": {"images_per_person": 4}, **fewer})
    Recipe.from_json({"objective": {f"{name}_from_epoch": 5}, **fewer})  # without the term, whenever


def test_a_network_that_never_learns_is_refused() -> None:
    """Such as that of a fine-tuning recipe whose epochs are made fewer than those of the classifier alone."""

    schedule: dict[str, Any] = {"epochs": 5, "classifier_only_epochs": 5}
    message = "classifier_only_epochs is 5; it must be below schedule.epochs, which is 5, or the network never learns"
    with pytest.raises(ValueError, match=message):
        Recipe.from_json({"schedule": schedule})
    Recipe.from_json({"schedule": schedule | {"epochs": 6}})
    Recipe.from_json({"schedule": schedule | {"open_embedding": True}})  # a part of it learns
    Recipe.from_json(
        {"schedule": schedule, "evaluation": {"best": "top-1"}}
    )  # of classes: the classifier is the result


def test_a_bilevel_search_halves_its_batches() -> None:
    with pytest.raises(ValueError, match="data.batch_size is 15; it must be even for a bi-level search"):
        Recipe.from_json({"search": {"bilevel": True}, "data": {"batch_size": 15}})
    with pytest.raises(ValueError, match="data.batch_size is 2; it must be even .* and at least 4"):
        Recipe.from_json({"search": {"bilevel": True}, "data": {"batch_size": 2}})


def test_each_half_of_a_bilevel_batch_is_people_times_images() -> None:
    """Otherwise the batches would be smaller than asked for, or a half show one person alone."""

    def values(images: int, **objective: float) -> dict[str, Any]:
        data = {"batch_size": 24, "images_per_person": images}
        return {"search": {"bilevel": True}, "data": data, "objective": objective}

    Recipe.from_json(values(12))
    Recipe.from_json(values(6, triplet=0.5))
    with pytest.raises(
        ValueError, match="images_per_person is 8; it must be 0, or .* half of data.batch_size, which is 12"
    ):
        Recipe.from_json(values(8))
    with pytest.raises(ValueError, match="images_per_person is 12; it must be 2 to 6 for a triplet loss"):
        Recipe.from_json(values(12, triplet=0.5))


def test_a_super_network_is_told_by_its_name() -> None:
    searched = {name for name in BACKBONES if Recipe(model=ModelSettings(backbone=name)).searches}
    assert searched == NETWORKS.keys()
    assert not Recipe(model=ModelSettings(backbone="my_supernet.py:Net")).searches


def test_what_the_field_has_learned_since_is_off_in_every_recipe() -> None:
    plain = Recipe()
    since = {
        "data": ("auto_augment", "grey", "jitter_strengths"),
        "model": ("neck",),
        "objective": ("circle", "centre", "self_distillation"),
        "optimizer": ("average",),
    }
    assert (plain.model.pooling, plain.model.neck, plain.data.jitter_strengths) == ("average", "fc", (0.2, 0.15, 0, 0))
    assert plain.data.auto_augment == plain.data.grey == plain.objective.circle == plain.objective.centre == 0
    assert plain.optimizer.average == plain.objective.self_distillation == 0
    for recipe in RECIPES.values():
        assert recipe.model.pooling != "gem"
        for group, names in since.items():
            for name in names:
                value = getattr(getattr(recipe, group), name)
                assert value == getattr(getattr(plain, group), name) or (name, value) == (
                    "neck",
                    "none",
                )  # of classifiers


def test_files_of_ones_own() -> None:
    assert Recipe().own_files == ()
    recipe = Recipe.from_json({"model": {"backbone": "a/net.py:Net"}, "objective": {"term": "b/loss.py:Loss"}})
    assert recipe.own_files == (Path("a/net.py"), Path("b/loss.py"))
    assert Recipe.from_json({"objective": {"term": "loss.py:Loss"}}).own_files == (Path("loss.py"),)
    assert Recipe.from_json({"mutual": {"backbone": "peer.py:Net"}}).own_files == (Path("peer.py"),)
    all_in_one = {
        "model": {"backbone": "own.py:Net"},
        "objective": {"term": "own.py:Loss"},
        "data": {"augmentation": "./own.py:fog"},
    }
    assert Recipe.from_json(all_in_one).own_files == (Path("own.py"),)


def test_every_augmentation_has_a_setting() -> None:
    for name in AUGMENTATIONS:
        assert Recipe.from_json({"data": {name: 0.25}}) == Recipe(data=DataSettings(**{name: 0.25}))  # type: ignore[arg-type]


def test_the_best_epoch_is_by_a_metric_that_is_better_when_higher() -> None:
    assert Recipe().evaluation.best == "mAP"
    assert Recipe.from_json({"evaluation": {"best": "rank-1"}}).evaluation.best == "rank-1"
    with pytest.raises(ValueError, match=r"evaluation\.best is 'loss'; choose from mAP, mINP, rank-1"):
        Recipe.from_json({"evaluation": {"best": "loss"}})


def test_recipes_do_not_change() -> None:
    recipe = Recipe()
    with pytest.raises(AttributeError):
        recipe.seed = 3  # type: ignore[misc]
    assert replace(recipe, data=DataSettings(dataset="toy")).optimizer is recipe.optimizer
